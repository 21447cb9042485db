"""Outliers of sales: single values far above everything a series has sold, for example typing errors.

Input validation reports them, and features treat them as unknown, so that one value does not affect the forecast of other series.
Not here: large but possible values and level shifts (``foundation.level_shift``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, InputWarning, counted_noun

_TIMES_SERIES, _TIMES_ALL = 50.0, 5.0
_FEWEST_VALUES, _MOST_OUTLIERS = 5, 3


def gross_outliers(series: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are gross outliers, and the highest usual value of each such row's series.

    The usual maximum of a series is its highest positive value without the one to three largest (a tenth of them). A row is an outlier
    beyond 50 × the usual maximum of its series and beyond 5 × the largest usual maximum of all series in doubt. Series with fewer than
    five positive values count as the largest of the others. The order of the rows and the scale of the units change nothing.

    Parameters
    ----------
    series : int array (n_rows)
        Codes of the rows' series, >= 0.
    units : float array (n_rows)
        Units sold; NaN where unknown.

    Returns
    -------
    is_outlier : bool array (n_rows)
    usual : float array (n_outliers)
        Usual maximum of each outlier's series, in units.
    """
    result = np.zeros(len(units), bool)
    positive = np.flatnonzero(np.isfinite(units) & (units > 0))
    if not len(positive):
        return result, np.zeros(0)
    least = units[positive].min()
    doubtful = np.zeros(int(series.max()) + 1, bool)
    doubtful[series[positive[units[positive] > _TIMES_SERIES * least]]] = True
    rows = positive[doubtful[series[positive]]]
    if not len(rows):
        return result, np.zeros(0)
    rows = rows[np.lexsort((units[rows], series[rows]))]
    codes, first, count = np.unique(series[rows], return_index=True, return_counts=True)
    left_out = np.clip(count // 10, 1, _MOST_OUTLIERS)
    usual = units[rows[np.maximum(first + count - 1 - left_out, first)]].astype(float)
    is_enough = count >= _FEWEST_VALUES
    largest = usual[is_enough].max() if is_enough.any() else _TIMES_SERIES * least
    usual = np.where(is_enough, usual, largest)
    specified = usual[np.searchsorted(codes, series[rows])]
    is_out = (units[rows] > _TIMES_SERIES * specified) & (units[rows] > _TIMES_ALL * largest)
    result[rows[is_out]] = True
    by_row = np.zeros(len(units))
    by_row[rows] = specified
    return result, by_row[result]


def sales_outliers(sales: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows of ``sales`` (region, SKU, units_sold) are gross outliers, bool (n_rows), and the usual maximum of the series of each."""
    region, sku = (pd.factorize(sales[name])[0] for name in ("region", "sku"))
    units = sales["units_sold"].to_numpy(float, na_value=np.nan)
    known = (region >= 0) & (sku >= 0)
    series = np.where(known, region.astype(np.int64) * (int(sku.max(initial=0)) + 1) + sku, 0)
    _, series = np.unique(series, return_inverse=True)
    return gross_outliers(series, np.where(known, units, np.nan))


def outlier_warning(sales: pd.DataFrame, is_outlier: np.ndarray, usual: np.ndarray) -> InputWarning | None:
    """Return a warning that names the gross outliers with key, value and usual maximum; None without any.

    Parameters
    ----------
    sales
        Sales with `date`, `region`, `sku` and `units_sold`.
    is_outlier : bool array (n_rows)
        Rows of ``sales`` that are gross outliers.
    usual : float array (n_outliers)
        Usual maximum of each outlier's series, in units.
    """
    if not is_outlier.any():
        return None
    rows = sales[is_outlier].assign(usual=usual).sort_values("units_sold", ascending=False).head(KEYS_SHOWN)
    named = "; ".join(
        f"{row.date:%Y-%m-%d} {row.region} {row.sku}: {row.units_sold:,.10g}, usually at most {row.usual:,.10g}"
        for row in rows.itertuples()
    )
    count = int(is_outlier.sum())
    verbs = ("is", "counts") if count == 1 else ("are", "count")
    problem = f"{counted_noun(count, 'row')} {verbs[0]} beyond anything the series ever sold ({named}) and {verbs[1]} as unknown demand"
    return InputWarning("sales", "units_sold", problem, "correct them, or split what was sold in bulk over its days")
