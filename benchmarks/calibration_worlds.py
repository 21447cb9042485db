"""Generated data with known demand distributions: regular, large, fractional, and very sparse series."""

from __future__ import annotations

import numpy as np
import pandas as pd

WORLDS = ("regular", "large", "fractional", "sparse")
_DAYS, _REGIONS, _SKUS = 600, 5, 40


def generated(name: str) -> dict[str, pd.DataFrame]:
    """Return the tables of the world ``name``: 200 daily series to 2023-12-31."""
    draw = np.random.default_rng(WORLDS.index(name))
    days = pd.date_range(end="2023-12-31", periods=_DAYS).as_unit("us")
    level = np.exp(draw.uniform(*_RANGES[name], _SKUS))[:, None] * draw.lognormal(0, 0.3, (_SKUS, _REGIONS))
    season = np.where(days.dayofweek >= 5, 1.4, 0.84) * (1 + 0.2 * np.sin(2 * np.pi * days.dayofyear.to_numpy() / 365))
    mean = (level[:, :, None] * season).ravel()
    keys = pd.MultiIndex.from_product(
        [[f"s{k:02}" for k in range(_SKUS)], [f"r{k}" for k in range(_REGIONS)], days], names=["sku", "region", "date"]
    )
    sales = keys.to_frame(index=False).assign(units_sold=_units(name, mean, draw))
    skus = pd.DataFrame({"sku": keys.levels[0], "category": [f"c{k % 4}" for k in range(_SKUS)]})
    return {"sales": sales, "skus": skus, "regions": pd.DataFrame({"region": keys.levels[1]})}


_RANGES = {
    "regular": (np.log(20.0), np.log(120.0)), "large": (np.log(500.0), np.log(200_000.0)),
    "fractional": (np.log(0.05), np.log(30.0)), "sparse": (np.log(0.003), np.log(0.2)),
}  # fmt: skip


def _units(name: str, mean: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Return the demand of each row: counts, or sums of gamma-distributed purchases for ``fractional``."""
    if name == "fractional":
        purchases = draw.poisson(mean / 0.8)
        return np.where(purchases > 0, draw.gamma(np.maximum(purchases, 1) * 2.0, 0.4), 0.0)
    alpha = {"regular": 0.004, "large": 0.06, "sparse": 1.5}[name]
    return draw.negative_binomial(1 / alpha, 1 / (1 + alpha * mean)).astype(float)
