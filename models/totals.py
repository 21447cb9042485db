"""Forecasts of region × hierarchy value totals, and top-down reconciliation: series are scaled toward them.

The forecast of a total is the mean of the model's forecast and of a regression that needs no training. Totals are smooth and have
years of history, so they are forecast more accurately than the series, and the accuracy is passed down. Factor per total and
period: (T ÷ ΣF)^λ, where T is the total's forecast and ΣF the sum of the series' means. Not here: the regression
(``models.level_regression``). Measured in docs/forecasting.md.

References
----------
Bates, Granger: The combination of forecasts, Operational Research Quarterly 20 (1969).
Hyndman et al.: Optimal combination forecasts for hierarchical time series, Computational Statistics & Data Analysis 55 (2011),
for top-down methods and their alternatives.

"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foundation.matrix import TotalMatrix
from models.forecaster import Forecaster
from models.level_regression import has_seasons, regression_forecast

_REGRESSION_WEIGHT = 0.5
_STRENGTH = 0.9  # λ: 0 leaves the series as they are, 1 makes them add up to the total
_BOUND = 1.5  # factors stay within [1 / bound, bound]
_BASE_DAYS = 28


def forecast_totals(
    forecasters: Sequence[Forecaster | None], totals: TotalMatrix | None, threads: int, days: int
) -> np.ndarray | None:
    """Return the forecasts of the totals in units, float64 (n_totals, n_steps); None where no model has any.

    They are the mean of the first such model's and the regression's forecasts, and the model's alone for totals that the regression
    does not forecast.

    Parameters
    ----------
    forecasters
        The fitted models; None has no forecast of totals.
    totals
        Every total × step of one forecast origin; None without totals.
    threads
        Threads a model may use.
    days
        Length of a period in days, 1 or 7.

    """
    if totals is None:
        return None
    of_models = (one.predict_totals(totals, threads) for one in forecasters if one is not None)
    modeled = next((one for one in of_models if one is not None), None)
    if modeled is None or totals.history is None:
        return modeled
    regression = regression_forecast(totals.history, days) * totals.scale[:, None]
    regression = np.where(totals.matrix.is_sold.reshape(modeled.shape), regression, 0.0)
    mixed = (1 - _REGRESSION_WEIGHT) * modeled + _REGRESSION_WEIGHT * regression
    return np.where(np.isfinite(regression), mixed, modeled)


def total_weights(totals: TotalMatrix, days: int) -> dict[str, float]:
    """Return the weight of the `model` and of the `regression` in the forecasts of totals, averaged over the totals."""
    share = 0.0 if totals.history is None else float(has_seasons(totals.history.demand, days).mean())
    return {"model": 1 - _REGRESSION_WEIGHT * share, "regression": _REGRESSION_WEIGHT * share}


def base_units(total: TotalMatrix) -> np.ndarray:
    """Return each row's recent level (n_rows), the mean of 28 days in scaled units; targets are learned relative to it."""
    names = total.matrix.names
    name = next(name for name in (f"mean_{_BASE_DAYS}", f"mean_{_BASE_DAYS // 7}") if name in names)
    return total.matrix.values[:, names.index(name)]


def reconcile(mean: np.ndarray, total: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return ``mean`` (n_series, n_steps) scaled toward ``total`` (n_totals, n_steps), both in units.

    ``code`` (n_series) is the position of each series' total, −1 for none; such series stay as they are.

    >>> reconcile(np.array([[1.0], [3.0]]), np.array([[4.0]]), np.array([0, 0]))
    array([[1.],
           [3.]])
    """
    inside = code >= 0
    added = np.zeros(total.shape)
    np.add.at(added, code[inside], mean[inside])
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where((added > 0) & (total > 0), (total / added) ** _STRENGTH, 1.0)
    factor = np.clip(factor, 1 / _BOUND, _BOUND)
    reconciled = mean.copy()
    reconciled[inside] *= factor[code[inside]]
    return reconciled
