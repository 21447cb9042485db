"""The external forecast on the grid: what was known of it at a forecast origin.

Of each series, the rows that were issued last on or before the origin count. Rows without a date of issue count as issued before
all others. Not here: its validation (``foundation.validation.rows``), quantiles around it (``models``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.grid import Grid, SeriesIndex
from foundation.matrix import ExternalMatrix
from foundation.settings import Settings, quantile_columns

_NAME, _WINDOW, _DEPENDENCE = "external_forecast", "external_forecast_window", "external_forecast_dependence"
_BEFORE_ALL = np.datetime64("1700-01-01", "us")


@dataclass(frozen=True)
class ExternalForecast:
    """All known rows of the external forecast.

    Attributes
    ----------
    series : int32 array (n_rows)
        Code of the series.
    column : int64 array (n_rows)
        Column of the period in the panel.
    issued : datetime64[us] array (n_rows)
        When the row was issued.
    values : float64 array (n_rows, 1 + n_levels)
        Mean and quantiles; only the mean without quantiles.
    windows, dependence
        The tables of window sums and of error correlations; None where not provided.

    """

    series: np.ndarray
    column: np.ndarray
    issued: np.ndarray
    values: np.ndarray
    windows: pd.DataFrame | None
    dependence: pd.DataFrame | None

    def known_on(self, origin: np.datetime64, column: int, shape: tuple[int, int]) -> ExternalMatrix:
        """Return what was known on ``origin``, whose period is ``column`` of the panel; ``shape`` is (n_series, n_steps)."""
        known = self.issued <= origin
        latest = np.full(shape[0], _BEFORE_ALL)
        np.maximum.at(latest, self.series[known], self.issued[known])
        step = self.column - column
        used = known & (step >= 0) & (step < shape[1])
        used[used] = self.issued[used] == latest[self.series[used]]
        values = np.full((*shape, self.values.shape[1]), np.nan)
        values[self.series[used], step[used]] = self.values[used]
        return ExternalMatrix(
            values[..., 0], values[..., 1:], _latest(self.windows, origin), _latest(self.dependence, origin)
        )


def build_external(
    tables: Mapping[str, pd.DataFrame], chosen: SeriesIndex, settings: Settings, grid: Grid
) -> ExternalForecast | None:
    """Return the external forecast of the chosen series; None where the settings do not read one."""
    if not settings.forecast.is_external or _NAME not in tables:
        return None
    rows = tables[_NAME]
    code = chosen.codes(rows)
    kept = code >= 0
    levels = [name for name in quantile_columns(settings.forecast.quantiles) if name in rows]
    values = rows.loc[kept, ["mean_units", *levels]].to_numpy(dtype="float64", na_value=np.nan)
    return ExternalForecast(
        code[kept], grid.column(rows["date"])[kept], _issued(rows)[kept], values, tables.get(_WINDOW), tables.get(_DEPENDENCE)
    )  # fmt: skip


def _issued(rows: pd.DataFrame) -> np.ndarray:
    if "as_of" not in rows:
        return np.full(len(rows), _BEFORE_ALL)
    issued = rows["as_of"].to_numpy("datetime64[us]")
    return np.where(np.isnat(issued), _BEFORE_ALL, issued)


def _latest(rows: pd.DataFrame | None, origin: np.datetime64) -> pd.DataFrame | None:
    """Return the rows made last on or before ``origin`` for their region and SKU, without `as_of`."""
    if rows is None or "as_of" not in rows:
        return rows
    issued = pd.Series(_issued(rows), index=rows.index)
    known = rows[issued <= origin]
    keys = [known[name].astype(str) for name in ("region", "sku") if name in known]
    latest = issued[known.index].groupby(keys).transform("max")
    return known[issued[known.index] == latest].drop(columns="as_of")
