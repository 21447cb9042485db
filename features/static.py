"""What never changes about a series: its place in the hierarchy, its region, its numeric attributes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.view import Columns, View


def static(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``region`` and each hierarchy column: category codes in the order of the panel's sorted values
      (the matrix carries those values, so codes mean the same in training and forecast).
    * each numeric column of ``series.features``.
    """
    frame = view.panel.series
    found: Columns = {}
    for name in ("region", *view.panel.hierarchy):
        found[name] = (
            pd.Index(categories(frame[name])).get_indexer(pd.Index(frame[name])).astype(np.float32)[view.series]
        )
    for name in view.panel.static:
        found[name] = frame[name].to_numpy(np.float32)[view.series]
    return found


def categories(values: pd.Series) -> tuple[str, ...]:
    """Return the sorted distinct values."""
    return tuple(sorted(values.unique()))
