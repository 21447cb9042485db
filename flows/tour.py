"""Collect one article's night from the warehouse of the demo for ``docs/tour.md``.

``python -m flows.tour`` prints the page after ``forestock demo``; ``make tour`` does both. Not here:
which rows it shows and the words between them (``review.tour``).
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from features import build_panel, forecast_matrix
from flows.stages import planned_night
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.matrix import FeatureMatrix
from foundation.store import Warehouse, snapshot
from review.tour import Way, tour_page, way

_TABLES = ("forecast", "forecast_window", "position", "service", "transfer", "departure", "plan")
_SHOWN = (
    "lag_1", "mean_7", "mean_28", "nonzero_28", "weekday_mean_8", "lag_year", "price", "price_to_mean", "snap", "event_ahead", "total_weekday", "sku_trend",
)  # fmt: skip


def tour(config: str, overrides: tuple[str, ...] = ()) -> str:
    """Return the tour of the newest plan of a configuration; raises ``ConfigurationError`` without proposals."""
    settings = load_settings(config, overrides)
    warehouse = Warehouse(settings)
    as_of = warehouse.dates("plan")[-1]
    tables = snapshot.read(planned_night(settings, as_of).night.inputs.folder)
    outputs = {name: warehouse.read(name, as_of) for name in _TABLES}
    found = way(tables, outputs)
    if found is None:
        raise ConfigurationError(f"the plan of {as_of} proposes nothing; there is no way to follow")
    matrix = forecast_matrix(build_panel(tables, settings, as_of), settings)
    outputs["plan"] = outputs["plan"].assign(n_features=len(matrix.names))
    return tour_page(found, tables, outputs, _features(matrix, found), settings)


def _features(matrix: FeatureMatrix, found: Way) -> pd.DataFrame:
    """Return name, family and value of some features of the first period of the article in its region."""
    is_series = (matrix.series["sku"].astype(str) == found.sku) & (matrix.series["region"].astype(str) == found.region)
    row = np.flatnonzero((matrix.series_code == int(np.flatnonzero(is_series)[0])) & (matrix.step == 1))[0]
    places = [matrix.names.index(name) for name in _SHOWN if name in matrix.names]
    values = [float(matrix.values[row, place]) for place in places]
    names, families = [matrix.names[place] for place in places], [matrix.families[place] for place in places]
    return pd.DataFrame({"feature": names, "family": families, "value": values})


if __name__ == "__main__":
    print(tour("demo.yaml", tuple(sys.argv[1:])), end="\n")
