"""Parts of a panel by series, so that workers can compute the features of some series at a time.

A part has the arrays of its series and shares everything that is pooled over series: means of groups, totals, regional data, and events. Not
here: which features depend on single series (``family``), and where parts are computed (``pipeline.predicted_matrix``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.panel import Panel

_BY_SERIES = (
    "region_code", "demand", "units_sold", "in_stock_rate", "first_period", "last_period", "price", "is_promoted", "returned",
)  # fmt: skip


@dataclass(frozen=True)
class SeriesRows:
    """Rows of a panel.

    Attributes
    ----------
    series
        Frame (n) with the columns of ``Panel.series``.
    arrays
        The arrays of the panel that have a row for each series, by name; None where the panel has none.
    groups
        Group of each series by name of the grouping, int32 (n).
    total
        Total of each series, int32 (n); None without totals.

    """

    series: pd.DataFrame
    arrays: dict[str, np.ndarray | None]
    groups: dict[str, np.ndarray]
    total: np.ndarray | None


def rows_of(panel: Panel, first: int, end: int) -> SeriesRows:
    """Return the series from ``first`` to before ``end``."""
    arrays = {name: getattr(panel, name) for name in _BY_SERIES}
    return SeriesRows(
        series=panel.series.iloc[first:end].reset_index(drop=True),
        arrays={name: None if rows is None else rows[first:end] for name, rows in arrays.items()},
        groups={name: group.code[first:end] for name, group in panel.groups.items()},
        total=None if panel.totals is None else panel.totals.code[first:end],
    )


def with_rows(panel: Panel, rows: SeriesRows) -> Panel:
    """Return the panel with ``rows`` in place of its series, and without an external forecast."""
    groups = {name: replace(group, code=rows.groups[name]) for name, group in panel.groups.items()}
    totals = panel.totals if panel.totals is None or rows.total is None else replace(panel.totals, code=rows.total)
    arrays: dict[str, Any] = {name: rows.arrays[name] for name in _BY_SERIES}
    return replace(panel, series=rows.series, groups=groups, totals=totals, external=None, **arrays)


def without_rows(panel: Panel) -> Panel:
    """Return the panel without series: what its parts share."""
    return with_rows(panel, rows_of(panel, 0, 0))
