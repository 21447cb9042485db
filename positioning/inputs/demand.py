"""Demand as positioning sees it: means and dispersions by bucket, from the forecast's frames.

Here: reading forecast frames into arrays. Not here: drawing scenarios (``foundation.demand_scenarios``), the dispersion that
quantiles imply (``foundation.demand_distribution``) and forecasting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.demand_distribution import dispersion_of_quantiles
from foundation.demand_scenarios import CERTAIN, DemandLaw, bucket_correlation
from foundation.periods import as_timestamp
from foundation.settings import BY_STEP, Settings, quantile_columns
from positioning.inputs.frames import codes
from positioning.inputs.network import Network
from positioning.inputs.time_buckets import Buckets


@dataclass(frozen=True)
class Demand:
    """Forecasts as arrays by SKU (K) and region (R).

    Attributes
    ----------
    mean_units
        Mean units per period, (K, R, n_periods).
    dispersion
        Alpha of the sum over each window, or ``CERTAIN``, (K, R, n_windows).
    window_days
        Lengths of the windows in days.
    day_correlation, region_correlation
        Correlation of errors across days and across regions, (K,).
    has_forecast
        Whether the SKU has a forecast, (K,).
    step_units
        Units of which demand is a multiple, (K,); 0: any quantity.
    distribution
        Name of the demand distribution.

    """

    mean_units: np.ndarray
    dispersion: np.ndarray
    window_days: tuple[int, ...]
    day_correlation: np.ndarray
    region_correlation: np.ndarray
    has_forecast: np.ndarray
    step_units: np.ndarray
    distribution: str = BY_STEP


def read_demand(
    forecasts: dict[str, pd.DataFrame], network: Network, skus: tuple[str, ...], settings: Settings
) -> Demand:
    """Read ``forecast``, ``forecast_window`` and ``forecast_dependence``.

    A region × sku without rows has no demand; without windows its demand is Poisson; without a
    dependence row it is independent. Windows with a true ``is_certain`` bring their mean, not a path around it.
    """
    mean = np.zeros((len(skus), len(network.regions), settings.horizon))
    rows = forecasts["forecast"]
    sku, region = codes(list(rows["sku"]), skus), codes(list(rows["region"]), network.regions)
    start = np.datetime64(as_timestamp(network.as_of).date(), "D")
    days = (pd.to_datetime(rows["date"]).to_numpy(dtype="datetime64[D]") - start) / np.timedelta64(1, "D")
    period = (days // settings.grid.days).astype("int64")
    known = (sku >= 0) & (region >= 0) & (period >= 0) & (period < settings.horizon)
    np.add.at(mean, (sku[known], region[known], period[known]), rows["mean_units"].to_numpy(dtype="float64")[known])
    has_forecast = np.zeros(len(skus), dtype=bool)
    has_forecast[sku[sku >= 0]] = True
    windows, dispersion = _dispersions(forecasts.get("forecast_window"), network, skus, settings)
    dependence = forecasts.get("forecast_dependence")
    return Demand(
        np.maximum(mean, 0.0), dispersion, windows, _correlation(dependence, "day_correlation", skus),
        _correlation(dependence, "region_correlation", skus), has_forecast,
        _steps(forecasts.get("forecast_window"), skus), settings.forecast.distribution,
    )  # fmt: skip


def law(demand: Demand, sku: int, regions: np.ndarray, buckets: Buckets) -> DemandLaw:
    """Return the joint law of one sku over ``regions`` and buckets.

    Each bucket takes the dispersion of the window whose length is nearest its own.
    """
    starts = np.asarray(buckets.period_starts)
    means = np.add.reduceat(demand.mean_units[sku][regions][:, : starts[-1]], starts[:-1], axis=1)
    lengths = np.asarray(demand.window_days)
    if len(lengths):
        nearest = np.argmin(np.abs(lengths[None, :] - buckets.lengths[:, None]), axis=1)
        dispersion = demand.dispersion[sku][regions][:, nearest]
    else:
        dispersion = np.zeros_like(means)
    correlation = bucket_correlation(float(demand.day_correlation[sku]), buckets.period_starts)
    return DemandLaw(
        means,
        dispersion,
        correlation,
        float(demand.region_correlation[sku]),
        float(demand.step_units[sku]),
        demand.distribution,
    )


def daily_units_beyond(demand: Demand, sku: int, buckets: Buckets, period_days: int) -> np.ndarray:
    """Return mean daily units by region (R,) after the cover window; within it where nothing is after."""
    end = buckets.period_starts[-1]
    means = demand.mean_units[sku]
    later = means[:, end:] if means.shape[1] > end else means
    return later.mean(axis=1) / period_days


def _dispersions(
    windows: pd.DataFrame | None, network: Network, skus: tuple[str, ...], settings: Settings
) -> tuple[tuple[int, ...], np.ndarray]:
    if windows is None or not len(windows):
        return (), np.zeros((len(skus), len(network.regions), 0))
    lengths = tuple(sorted({int(days) for days in windows["window_days"]}))
    alpha = np.zeros((len(skus), len(network.regions), len(lengths)))
    sku, region = codes(list(windows["sku"]), skus), codes(list(windows["region"]), network.regions)
    index = np.searchsorted(np.asarray(lengths), windows["window_days"].to_numpy(dtype="int64"))
    known = (sku >= 0) & (region >= 0)
    result = _stated_or_fitted(windows, settings)
    if "is_certain" in windows:
        result = np.where(windows["is_certain"].to_numpy(dtype=bool), CERTAIN, result)
    alpha[sku[known], region[known], index[known]] = result[known]
    return lengths, alpha


def _stated_or_fitted(windows: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return the dispersion (n,) of each window: the forecast's where it states one, else that of its quantiles.

    Tables of earlier versions and forecasts made elsewhere state none.
    """
    stated = np.full(len(windows), np.nan)
    if "dispersion" in windows:
        stated = windows["dispersion"].to_numpy(dtype="float64", na_value=np.nan, copy=True)
    missing = ~np.isfinite(stated)
    if missing.any():
        rows = windows.loc[missing]
        values = rows[quantile_columns(settings.forecast.quantiles)].to_numpy(dtype="float64")
        mean = rows["mean_units"].to_numpy(dtype="float64")
        stated[missing] = dispersion_of_quantiles(np.asarray(settings.forecast.quantiles), values, mean)
    return np.maximum(stated, 0.0)


def _steps(windows: pd.DataFrame | None, skus: tuple[str, ...]) -> np.ndarray:
    """Return the step of demand of each SKU (K,), 1 where the forecast states none."""
    steps = np.ones(len(skus))
    if windows is not None and "step_units" in windows:
        index = codes(list(windows["sku"]), skus)
        stated = windows["step_units"].to_numpy(dtype="float64", na_value=np.nan)
        known = (index >= 0) & np.isfinite(stated)
        steps[index[known]] = stated[known]
    return steps


def _correlation(dependence: pd.DataFrame | None, name: str, skus: tuple[str, ...]) -> np.ndarray:
    values = np.zeros(len(skus))
    if dependence is not None and len(dependence):
        index = codes(list(dependence["sku"]), skus)
        result = np.nan_to_num(dependence[name].to_numpy(dtype="float64"))
        values[index[index >= 0]] = np.clip(result, 0.0, 0.95)[index >= 0]
    return values
