"""Scores of M5 forecasts: WRMSSE, weighted scaled pinball loss, coverage, and bias.

Weights and scales are those of the competition (``weights_and_scales.csv``). Arrays of units have the shape
(n_series, horizon), and quantiles (n_series, horizon, n_levels). ``series`` has the columns ``region`` and ``sku``.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

HORIZON = 28
LEVELS = (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995)
WINDOWS = (7, 14)
_JUDGED = (0.835, 0.975, 0.995)


def level_keys(series: pd.DataFrame) -> list[pd.Series]:
    """Return the node of every series at each of the competition's twelve levels, spelled as in the table."""
    region, sku = series["region"], series["sku"]
    state, department = region.str[:2], sku.str.rsplit("_", n=1).str[0]
    category = department.str.rsplit("_", n=1).str[0]
    return [
        pd.Series("Total", index=series.index), state, region, category, department, state + "|" + category,
        state + "|" + department, region + "|" + category, region + "|" + department, sku, sku + "|" + state,
        sku + "_" + region,
    ]  # fmt: skip


def wrmsse(series: pd.DataFrame, error: np.ndarray, table: pd.DataFrame) -> list[float]:
    """Return Σ w √(mean e² ÷ scale) at each of twelve levels (Makridakis et al. 2022)."""
    result = []
    for level, key in enumerate(level_keys(series), start=1):
        nodes = table[table["level"] == level].set_index("series")
        code = nodes.index.get_indexer(key)
        total = np.zeros((len(nodes), error.shape[1]))
        np.add.at(total, code, error)
        scaled = np.sqrt((total**2).mean(axis=1) / nodes["scale_d1_1941"].to_numpy())
        result.append(float((nodes["weight_evaluation"].to_numpy() * scaled).sum()))
    return result


def pinball(series: pd.DataFrame, actual: np.ndarray, quantiles: np.ndarray, table: pd.DataFrame) -> float:
    """Return the mean over levels of Σ w · pinball ÷ √scale at sku × region.

    The scale is the RMSSE's, so the figure is for comparing methods, not the competition's own.
    """
    nodes = table[table["level"] == 12].set_index("series")
    code = nodes.index.get_indexer(level_keys(series)[-1])
    weight = nodes["weight_evaluation"].to_numpy()[code] / np.sqrt(nodes["scale_d1_1941"].to_numpy()[code])
    result = []
    for index, level in enumerate(LEVELS):
        over = actual - quantiles[:, :, index]
        result.append(float((weight * np.maximum(level * over, (level - 1) * over).mean(axis=1)).sum()))
    return float(np.mean(result))


def coverage(actual: np.ndarray, quantiles: np.ndarray, name: str) -> dict[str, float]:
    """Return the share of actuals at or below each scored quantile."""
    levels = {level: float((actual <= quantiles[..., LEVELS.index(level)]).mean()) for level in _JUDGED}
    return {f"{name}_{level:.3f}": share for level, share in levels.items()}


def actuals(folder: Path, as_of: date) -> pd.DataFrame:
    """Return the units sold in the horizon, one column per date and one row per (region, sku)."""
    return _wide(folder, pd.Timestamp(as_of), pd.Timestamp(as_of) + pd.Timedelta(days=HORIZON))


def history(folder: Path, as_of: date, days: int) -> pd.DataFrame:
    """Return the units sold in the ``days`` before ``as_of``, one column per date and one row per (region, sku)."""
    return _wide(folder, pd.Timestamp(as_of) - pd.Timedelta(days=days), pd.Timestamp(as_of), gaps=np.nan)


def _wide(folder: Path, first: pd.Timestamp, end: pd.Timestamp, gaps: float = 0.0) -> pd.DataFrame:
    sales = pd.read_parquet(folder / "sales.parquet", filters=[("date", ">=", first), ("date", "<", end)])
    sales = sales.astype({"region": "str", "sku": "str"})
    return sales.pivot(index=["region", "sku"], columns="date", values="units_sold").astype(float).fillna(gaps)


def seasonal_naive(past: pd.DataFrame) -> np.ndarray:
    """Return the last known week repeated (n_series, horizon)."""
    week = past.iloc[:, -7:].fillna(0).to_numpy()
    return np.tile(week, (1, HORIZON // 7))


def empirical(past: pd.DataFrame, days: int) -> np.ndarray:
    """Return the quantiles of each series' last ``days``, (n_series, horizon, n_levels)."""
    with np.errstate(all="ignore"):
        result = np.nan_to_num(np.nanquantile(past.iloc[:, -days:].to_numpy(), LEVELS, axis=1).T)
    return np.repeat(result[:, None, :], HORIZON, axis=1)


def wide_quantiles(rows: pd.DataFrame, keys: pd.MultiIndex, by: str) -> np.ndarray:
    """Return the columns `q005` … of ``rows`` as (n_series, n_by, n_levels), 0 for series without rows."""
    names = [f"q{round(1000 * level):03d}" for level in LEVELS]
    parts = [rows.pivot(index=["region", "sku"], columns=by, values=name).reindex(keys).fillna(0) for name in names]
    return np.stack([part.to_numpy() for part in parts], axis=2)


def accuracy(actual: pd.DataFrame, mean: np.ndarray, table: pd.DataFrame) -> dict[str, float]:
    """Return WRMSSE over twelve levels and at the last, total bias and the largest bias of a region (signed)."""
    series = actual.index.to_frame(index=False)
    by_level = wrmsse(series, actual.to_numpy() - mean, table)
    regions = pd.DataFrame({"y": actual.to_numpy().sum(axis=1), "f": mean.sum(axis=1)}).groupby(series["region"]).sum()
    by_region = regions["f"] / regions["y"] - 1
    named = {f"bias_{name}": float(value) for name, value in by_region.items()}
    return {
        "wrmsse": float(np.mean(by_level)),
        "wrmsse_sku_region": by_level[-1],
        "bias": float(mean.sum() / actual.to_numpy().sum() - 1),
        **named,
    }
