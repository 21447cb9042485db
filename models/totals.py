"""Forecasts of totals: the mean of the model's forecast and of a regression that needs no training.

Not here: the regression (``models.level_regression``) and how series are scaled toward totals (``models.reconciliation``).
Measured in docs/forecasting.md.

References
----------
Bates, Granger: The combination of forecasts, Operational Research Quarterly 20 (1969).

"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foundation.matrix import TotalMatrix
from models.forecaster import Forecaster
from models.level_regression import has_seasons, regression_forecast

_REGRESSION_WEIGHT = 0.5


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
