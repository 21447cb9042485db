"""The judged method: a model's forecast frames as dense arrays.

Not here: the baselines (``rivals``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foundation.errors import StageError
from foundation.settings import Settings, quantile_columns
from models.backtest.outcome import Method
from models.backtest.sums import ModelledSpread, deviation_of
from models.common_factor import CommonFactor
from models.model import DemandModel


def modelled(model: DemandModel, frames: dict[str, pd.DataFrame], series: pd.DataFrame, settings: Settings) -> Method:
    """Return the method of the frames `forecast` and `forecast_window` of one origin.

    ``series`` (n_series) has `region` and `sku` in code order. Raises ``StageError`` where the frames do not hold
    every series × period exactly once.
    """
    levels = settings.forecast.quantiles
    columns = quantile_columns(levels)
    periods = _ordered(frames["forecast"], series, "date", settings.horizon)
    mean = periods["mean_units"].to_numpy(float).reshape(len(series), -1)
    quantiles = periods[columns].to_numpy(float).reshape(len(series), -1, len(levels))
    windows = {}
    for days, rows in frames["forecast_window"].groupby("window_days", sort=True):
        windows[int(str(days))] = _ordered(rows, series, "window_days", 1)[columns].to_numpy(float)
    common = CommonFactor(**model.facts["calibration"]["common"])
    spread = ModelledSpread(levels, mean, deviation_of(quantiles, levels, mean), common)
    return Method(mean, quantiles, windows, spread)


def _ordered(rows: pd.DataFrame, series: pd.DataFrame, last_key: str, n_each: int) -> pd.DataFrame:
    """Return ``rows`` in series order and by ``last_key`` within, ``n_each`` of every series."""
    index = pd.MultiIndex.from_frame(series[["region", "sku"]].astype("str"))
    code = index.get_indexer(pd.MultiIndex.from_frame(rows[["region", "sku"]].astype("str")))
    counts = np.bincount(code[code >= 0], minlength=len(series))
    if (code < 0).any() or (counts != n_each).any():
        raise StageError("backtest", "the forecast does not hold every series and period exactly once")
    return rows.iloc[np.lexsort([rows[last_key].to_numpy(), code])]
