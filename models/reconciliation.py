"""Top-down reconciliation: series are scaled toward forecasts of their region × hierarchy value totals.

Totals are smooth, have years of history and are forecast by a small model of their own, whose accuracy is passed down to
the series. Factor per total and period: (T ÷ ΣF)^λ, where T is the total's forecast and ΣF the sum of the series' means.
Measured in docs/forecasting.md.

References
----------
Hyndman et al.: Optimal combination forecasts for hierarchical time series, Computational Statistics & Data Analysis 55 (2011),
for top-down methods and their alternatives.

"""

from __future__ import annotations

import numpy as np

from foundation.matrix import TotalMatrix

_STRENGTH = 0.9  # λ: 0 leaves the series as they are, 1 makes them add up to the total
_BOUND = 1.5  # factors stay within [1 / bound, bound]
_BASE_DAYS = 28


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
