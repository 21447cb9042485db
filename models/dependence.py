"""How forecast errors move together: over neighbouring periods and over the regions of a sku.

Errors are out-of-sample and standardised, e = (y − μ) ÷ √(μ + φ μ²). Not here: drawing joint paths.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_PRIOR_PAIRS = 300.0
_HIGHEST = 0.95


def fit_dependence(rows: pd.DataFrame) -> tuple[dict[str, list[float]], dict[str, list[float]], list[float]]:
    """Return [day, region] correlation by sku, by category and overall, each shrunk to the one above.

    ``rows`` hold `sku`, `category`, `region`, `origin`, `step`, `error` (standardised), sorted by origin,
    region, sku and step.
    """
    day = _neighbours(rows)
    region = _across_regions(rows)
    parts = pd.concat({"day": day, "region": region}, axis=1, names=["kind"]).fillna(0.0)
    category = rows.groupby("sku", sort=True)["category"].first().reindex(parts.index)
    overall = [_ratio(parts[kind].sum(), 0.0) for kind in ("day", "region")]
    grouped = parts.groupby(category.to_numpy(), sort=True).sum()
    by_category = {
        name: [_ratio(grouped.loc[name, kind], overall[k]) for k, kind in enumerate(("day", "region"))]
        for name in grouped.index
    }
    by_sku = {
        sku: [_ratio(parts.loc[sku, kind], by_category[category[sku]][k]) for k, kind in enumerate(("day", "region"))]
        for sku in parts.index
    }
    return by_sku, by_category, overall


def _ratio(part: pd.Series, parent: float) -> float:
    """Return Σ products ÷ Σ squares, shrunk to ``parent`` as if 300 pairs had shown it; within 0 … 0.95."""
    squares = part["squares"] / max(part["pairs"], 1.0)
    shrunk = (part["products"] + parent * _PRIOR_PAIRS * squares) / max(part["squares"] + _PRIOR_PAIRS * squares, 1e-9)
    return float(np.clip(shrunk, 0.0, _HIGHEST))


def _neighbours(rows: pd.DataFrame) -> pd.DataFrame:
    error, step = rows["error"].to_numpy(), rows["step"].to_numpy()
    paired = np.flatnonzero(step[1:] == step[:-1] + 1)
    before, after = error[paired], error[paired + 1]
    pairs = pd.DataFrame({"products": before * after, "squares": (before**2 + after**2) / 2, "pairs": 1.0})
    return pairs.groupby(rows["sku"].to_numpy()[paired], sort=True).sum()


def _across_regions(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean product over pairs of regions on one date: ((Σe)² − Σe²) ÷ 2 over n (n − 1) ÷ 2 pairs."""
    grouped = rows.assign(square=rows["error"] ** 2).groupby(["sku", "origin", "step"], sort=True)
    total = grouped.agg(error=("error", "sum"), square=("square", "sum"), n=("error", "size"))
    found = pd.DataFrame({"products": (total["error"] ** 2 - total["square"]) / 2,
                          "squares": total["square"] * (total["n"] - 1) / 2,
                          "pairs": total["n"] * (total["n"] - 1) / 2})  # fmt: skip
    return found.groupby(level="sku", sort=True).sum()
