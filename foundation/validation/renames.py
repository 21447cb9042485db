"""Renamed SKUs: the column ``skus.replaces`` and its faults, SKUs that look renamed without it, and replaced SKUs that still have stock.

A SKU looks renamed where one stopped selling when another of its group began, at the same level. Not here: how a successor
takes over a history (``features.panel_builder``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, Fault, InputWarning, counted_noun, shown, structural
from foundation.periods import as_timestamp
from foundation.validation.input_table import ValidInputs

_PERIODS = 4 * 7  # days a level is taken over
_SILENT_DAYS = 7  # the old one has been silent for as long, at least
_WITHIN_DAYS = 84  # a rename longer ago has been learned
_APART_DAYS = 3  # between the end of the old and the beginning of the new
_LEVELS = (0.67, 1.5)
_PRICES = (0.85, 1.18)
_LEAST_SHARE = 0.5  # of the days of the old SKU with a sale: a slow one falls silent by chance


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


def rename_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield the pairs of SKUs that look like one that was renamed, unless ``skus.replaces`` names the old one."""
    if not inputs.has("sales", "date", "sku", "units_sold") or not inputs.has("skus", "sku"):
        return
    daily, day = _daily(inputs), as_timestamp(inputs.as_of)
    ends, begins = _ends(daily, day), _begins(daily, day)
    known = set(inputs.texts("skus", "replaces"))
    is_alike = _alike(inputs)
    result = []
    for new, begin, level in begins:
        for old, end, before in ends:
            apart = abs((begin - end).days - 1)
            is_near = apart <= _APART_DAYS and _LEVELS[0] <= level / before <= _LEVELS[1]
            if is_near and old not in known and is_alike(old, new):
                result.append((apart, abs(np.log(level / before)), old, new, f"{begin:%Y-%m-%d}", before, level))
    used: set[str] = set()
    for _, _, old, new, began, before, level in sorted(result):
        if {old, new} & used:
            continue
        used |= {old, new}
        problem = f"{new} began on {began} when {old} ended, {level:,.1f} units a day after {before:,.1f}; if it is the same SKU, it is forecast too low and {old} goes on"
        yield InputWarning(
            "skus", "sku", problem, f"name {old} in the column replaces of {new}, or load its sales under one id"
        )


def replaced_stock_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield the stock and the order lines of SKUs that ``skus.replaces`` names as replaced by one that already sells."""
    if not inputs.has("skus", "sku", "replaces") or not inputs.has("sales", "sku"):
        return
    by_old = replacements(inputs.tables["skus"])
    sold = set(inputs.tables["sales"]["sku"].unique().astype(str))
    final = {old: successor(old, by_old) or old for old, new in by_old.items() if new in sold}
    for table, column, place in (("stock", "units_on_hand", "in stock"), ("inbound", "units", "on order")):
        if not final or not inputs.has(table, "hub", "sku", column):
            continue
        sku, hub, units = inputs.texts(table, "sku"), inputs.texts(table, "hub"), inputs.numbers(table, column, 0.0)
        rows = np.flatnonzero(np.isin(sku, list(final)) & (units > 0))
        if not len(rows):
            continue
        rows = rows[np.lexsort((hub[rows].astype(str), sku[rows].astype(str), -units[rows]))]
        keys = tuple(
            f"hub={shown(hub[row])}, sku={shown(sku[row])}: {counted_noun(units[row], 'unit')}, replaced by {shown(final[sku[row]])}"
            for row in rows[:KEYS_SHOWN]
        )
        problem = f"of replaced SKUs {place}; the plan does not count their {counted_noun(units[rows].sum(), 'unit')} for the SKUs that replace them"
        remedy = "book them under the new SKU, or fill in skus.replaces once the old one is sold out"
        yield InputWarning(table, "sku", problem, remedy, len(rows), keys)


def _daily(inputs: ValidInputs) -> pd.DataFrame:
    sales = inputs.tables["sales"]
    recent = sales[(sales["date"] >= as_timestamp(inputs.as_of) - pd.Timedelta(days=_WITHIN_DAYS + 2 * _PERIODS))]
    summed = recent.groupby(["sku", "date"], observed=True)["units_sold"].sum()
    return summed.unstack("date", fill_value=0).rename(index=str)


def _ends(daily: pd.DataFrame, day: pd.Timestamp) -> list[tuple[str, pd.Timestamp, float]]:
    """Return (SKU, last day with a sale, units a day before) of those that sold on most days and then stopped."""
    result = []
    for sku, units in zip(daily.index, daily.to_numpy(), strict=True):
        index = np.flatnonzero(units > 0)
        if not len(index) or not _SILENT_DAYS < (day - daily.columns[index[-1]]).days <= _WITHIN_DAYS:
            continue
        before = units[max(0, index[-1] + 1 - _PERIODS) : index[-1] + 1]
        if (before > 0).mean() >= _LEAST_SHARE and len(before) >= _PERIODS // 7:
            result.append((str(sku), daily.columns[index[-1]], float(before.mean())))
    return result


def _begins(daily: pd.DataFrame, day: pd.Timestamp) -> list[tuple[str, pd.Timestamp, float]]:
    """Return (SKU, first day with a sale, units a day since) of those that had none in the four weeks before."""
    result = []
    for sku, units in zip(daily.index, daily.to_numpy(), strict=True):
        index = np.flatnonzero(units > 0)
        if len(index) and index[0] >= _PERIODS and (day - daily.columns[index[0]]).days <= _WITHIN_DAYS:
            since = units[index[0] : index[0] + _PERIODS]
            result.append((str(sku), daily.columns[index[0]], float(since.mean())))
    return result


def _alike(inputs: ValidInputs) -> Callable[[str, str], bool]:
    """Return whether two SKUs are of one group, the finest, and cost and sell for about the same, where that is known."""
    finest = inputs.settings.series.hierarchy[:1]
    names = inputs.texts("skus", finest[0]) if finest else np.full(len(inputs.tables["skus"]), "")
    money = np.stack([inputs.numbers("skus", name) for name in ("unit_cost_eur", "unit_price_eur")], axis=1)
    known = dict(zip(inputs.texts("skus", "sku"), zip(names, money, strict=True), strict=True))

    def is_alike(old: str, new: str) -> bool:
        (old_group, old_money), (new_group, new_money) = known[old], known[new]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = new_money / old_money
        return bool(old_group == new_group and not ((ratio < _PRICES[0]) | (ratio > _PRICES[1])).any())

    return is_alike
