"""Alignment: single series are scaled towards forecasts of their region × kind totals.

Totals are smooth, have years of history and are forecast by a small model of their own; what is gained
there is handed down. Factor per total and period: (T ÷ ΣF)^λ, T the total's forecast, ΣF the sum of
the series' means. Measured in docs/forecasting.md.
"""

from __future__ import annotations

import numpy as np

from foundation.matrix import TotalMatrix

_STRENGTH = 0.9  # λ: 0 leaves the series alone, 1 makes them add up to the total
_BOUND = 1.5  # no factor beyond this or its inverse
_BASE_DAYS = 28


def base_units(total: TotalMatrix) -> np.ndarray:
    """Return each row's recent level, the mean of 28 days (scaled units): targets are learned relative to it."""
    names = total.matrix.names
    result = next(name for name in (f"mean_{_BASE_DAYS}", f"mean_{_BASE_DAYS // 7}") if name in names)
    return total.matrix.values[:, names.index(result)]


def align(mean: np.ndarray, total: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return ``mean`` (n_series, n_steps) scaled towards ``total`` (n_totals, n_steps).

    ``code`` (n_series) names each series' total, −1 for none; such series stay as they are.

    >>> align(np.array([[1.0], [3.0]]), np.array([[4.0]]), np.array([0, 0]))
    array([[1.],
           [3.]])
    """
    inside = code >= 0
    added = np.zeros(total.shape)
    np.add.at(added, code[inside], mean[inside])
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where((added > 0) & (total > 0), (total / added) ** _STRENGTH, 1.0)
    factor = np.clip(factor, 1 / _BOUND, _BOUND)
    aligned = mean.copy()
    aligned[inside] *= factor[code[inside]]
    return aligned
