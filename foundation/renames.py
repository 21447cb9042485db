"""SKUs that replace others: the column ``skus.replaces`` and its faults.

Not here: how the history is carried over (``features.renames``), likely renames (``foundation.validation.renames``).
"""

from __future__ import annotations

import pandas as pd

from foundation.errors import KEYS_SHOWN, Fault, counted_noun, structural


def replacements(skus: pd.DataFrame) -> dict[str, str]:
    """Return old SKU → new SKU as ``skus.replaces`` says; empty without the column."""
    if "replaces" not in skus:
        return {}
    rows = skus[["sku", "replaces"]].dropna().astype(str)
    rows = rows[rows["replaces"].str.strip() != ""]
    return dict(zip(rows["replaces"], rows["sku"], strict=True))


def replacement_faults(skus: pd.DataFrame) -> list[Fault]:
    """Return the faults of ``skus.replaces``: a SKU replaced by two others, and SKUs that replace one another in a circle."""
    by_old = replacements(skus)
    if not by_old:
        return []
    faults = []
    named = skus["replaces"].dropna().astype(str)
    if twice := sorted(set(named[named.duplicated() & (named.str.strip() != "")])):
        problem = f"{counted_noun(len(twice), 'SKU')} replaced by two SKUs, first: {', '.join(twice[:KEYS_SHOWN])}"
        faults.append(structural("skus", "replaces", problem, "a history can be carried into one SKU only; name one"))
    circle = sorted(old for old in by_old if successor(old, by_old) is None)
    if circle:
        problem = (
            f"{counted_noun(len(circle), 'SKU')} in a circle of replacements, first: {', '.join(circle[:KEYS_SHOWN])}"
        )
        faults.append(structural("skus", "replaces", problem, "name for each SKU the one it replaced, never itself"))
    return faults


def successor(sku: str, by_old: dict[str, str]) -> str | None:
    """Return the SKU that replaces ``sku`` in the end, itself where none does; None in a circle."""
    seen = {sku}
    while sku in by_old:
        sku = by_old[sku]
        if sku in seen:
            return None
        seen.add(sku)
    return sku
