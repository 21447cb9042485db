"""Rows of the forecast tables that an external forecast brings: its means, quantiles, window sums, and error correlations.

Rows that it does not bring stay those of the calibration around its means. Not here: its means where they are combined with
other models (``models.kinds.external``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foundation.demand_distribution import dispersion_of_quantiles, distribution_named
from foundation.matrix import ExternalMatrix, FeatureMatrix
from foundation.settings import Settings, quantile_columns
from models.demand_model import DemandModel
from models.distribution import Margins, parametric_quantiles
from models.support import Support

Frames = dict[str, pd.DataFrame]


def with_external(frames: Frames, model: DemandModel, matrix: FeatureMatrix, settings: Settings) -> Frames:
    """Return the forecast's frames with what the external forecast of ``matrix`` states in place of what was calibrated.

    Window sums are those of `external_forecast_window` where it has a row. Otherwise, where all periods of a window have
    quantiles, they follow from these: each period has the dispersion of its quantiles, and periods are correlated.

    Parameters
    ----------
    frames
        `forecast`, `forecast_window` and `forecast_dependence` around the external means, sorted by series.
    model
        The model whose kind is ``external`` alone.
    matrix
        Every series × step, with the external forecast.
    settings
        Quantile levels, windows and the grid of periods.

    """
    external = matrix.external
    if external is None:
        return frames
    dependence = _dependence(frames["forecast_dependence"], external)
    columns = quantile_columns(settings.forecast.quantiles)
    is_sold = matrix.is_sold
    mean = external.mean.reshape(-1)
    periods = frames["forecast"].copy()
    taken = np.isfinite(mean) & is_sold
    periods.loc[taken, "mean_units"] = mean[taken]
    if external.quantiles.shape[2]:
        values = external.quantiles.reshape(len(mean), -1)
        taken &= np.isfinite(values).all(axis=1)
        periods.loc[taken, columns] = values[taken]
        periods.loc[taken, "tier"] = "external"
        known = frames | {"forecast": periods, "forecast_dependence": dependence}
        windows = _derived(known, model, matrix, external, settings)
    else:
        windows = frames["forecast_window"]
    windows = _stated(windows, external, columns)
    return frames | {"forecast": periods, "forecast_window": windows, "forecast_dependence": dependence}


def _dependence(frame: pd.DataFrame, external: ExternalMatrix) -> pd.DataFrame:
    """Return the error correlations with those that the external forecast states."""
    if external.dependence is None:
        return frame
    names = ["day_correlation", "region_correlation"]
    stated = external.dependence.assign(sku=external.dependence["sku"].astype(str)).set_index("sku")[names]
    stated = stated.reindex(frame["sku"].astype(str)).reset_index(drop=True)
    return frame.assign(**{name: stated[name].where(stated[name].notna(), frame[name]) for name in names})


def _stated(windows: pd.DataFrame, external: ExternalMatrix, columns: list[str]) -> pd.DataFrame:
    """Return the windows with the rows of `external_forecast_window`; a dispersion it lacks is null, to be read from its quantiles."""
    stated = external.windows
    if stated is None or not set(columns) <= set(stated):
        return windows
    keys = ["region", "sku", "window_days"]
    typed: dict[str, Any] = {"region": "str", "sku": "str", "window_days": "int64"}
    stated = stated.dropna(subset=columns).astype(typed).drop_duplicates(keys, keep="last")
    place = pd.MultiIndex.from_frame(stated[keys]).get_indexer(pd.MultiIndex.from_frame(windows[keys].astype(typed)))
    taken = place >= 0
    result = windows.copy()
    for name in ["mean_units", *columns]:
        result.loc[taken, name] = stated[name].to_numpy(float)[place[taken]]
    if "dispersion" in stated:
        result.loc[taken, "dispersion"] = stated["dispersion"].to_numpy("float64", na_value=np.nan)[place[taken]]
    else:
        result.loc[taken, "dispersion"] = np.nan
    if "step_units" in stated:
        step = stated["step_units"].to_numpy("float64", na_value=np.nan)[place[taken]]
        result.loc[taken, "step_units"] = np.where(np.isfinite(step), step, result.loc[taken, "step_units"])
    result.loc[taken, "tier"] = "external"
    return result


def _derived(
    frames: Frames, model: DemandModel, matrix: FeatureMatrix, external: ExternalMatrix, settings: Settings
) -> pd.DataFrame:
    """Return the windows whose periods all have quantiles, with the distribution that these imply.

    The variance of a sum is Σ σᵢ σⱼ ρ^|i − j| over its periods, σ² = step × mean + α × mean² of each, α fitted to its quantiles and
    ρ the correlation between neighboring periods.
    """
    levels, columns = settings.forecast.quantiles, quantile_columns(settings.forecast.quantiles)
    n_steps = int(matrix.step.max())
    periods = frames["forecast"]
    step = Support.from_json(model.facts["calibration"].get("support")).steps(matrix.series["sku"])
    steps = np.repeat(step, n_steps)
    means = periods["mean_units"].to_numpy(float)
    alpha = dispersion_of_quantiles(np.array(levels), periods[columns].to_numpy(float), means, steps)
    deviation = np.sqrt(steps * means + alpha * means**2).reshape(-1, n_steps)
    mean = means.reshape(-1, n_steps)
    has_quantiles = np.isfinite(external.quantiles).all(axis=2) | ~matrix.is_sold.reshape(-1, n_steps)
    by_sku = frames["forecast_dependence"].astype({"sku": str}).set_index("sku")["day_correlation"]
    correlation = np.nan_to_num(by_sku.reindex(matrix.series["sku"].astype(str)).to_numpy(float))
    result = frames["forecast_window"].copy()
    for window in settings.forecast.window_days:
        n = window // settings.grid.days
        taken = has_quantiles[:, :n].all(axis=1)
        total = mean[:, :n].sum(axis=1)
        variance = _variance_of_sum(deviation[:, :n], correlation)
        spread = np.maximum(variance - step * total, 0.0) / np.maximum(total, 1e-9) ** 2
        margins = Margins(total, np.maximum(spread, 1e-6), step, step, np.zeros(len(total)))
        values = parametric_quantiles(margins, levels, distribution_named(settings.forecast.distribution))
        rows = np.flatnonzero((result["window_days"] == window).to_numpy())[taken]
        result.loc[rows, ["mean_units", *columns]] = np.column_stack([total, values])[taken]
        result.loc[rows, "dispersion"] = margins.dispersion[taken]
        result.loc[rows, "tier"] = "external"
    return result


def _variance_of_sum(deviation: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Return Σ σᵢ σⱼ ρ^|i − j| (n_series) of ``deviation`` (n_series, n_periods) and ρ ``correlation`` (n_series)."""
    n = deviation.shape[1]
    result = (deviation**2).sum(axis=1)
    for lag in range(1, n):
        result = result + 2 * correlation**lag * (deviation[:, lag:] * deviation[:, : n - lag]).sum(axis=1)
    return np.asarray(result)
