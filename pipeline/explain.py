"""What drives one series' forecast, and why it changed since an earlier date.

Not here: the explanation itself (``models.explain``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import ConfigurationError, nearest
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse
from models import DemandModel, explain, movement
from models.predict import is_forecast_by
from pipeline.forecast_origin import inputs_known_on, panel_and_matrix, trained_model
from pipeline.results import RunContext

_NAMES = {
    "base": "average SKU",
    "correction": "bias factor and reconciliation",
    "not_sold": "not sold",
    "model": "newer model",
}
_WEEK_DAYS = 7


@dataclass(frozen=True)
class SeriesRequest:
    """A series, a planning date (None: the latest), and the earlier date to compare with (None: a week earlier)."""

    sku: str
    region: str
    as_of: date | None
    before: date | None


@dataclass(frozen=True)
class SeriesExplanation:
    """Drivers of a forecast and of its change on the dates that both forecasts cover (see ``models.explain``).

    ``unlike`` has a sentence for each of the two dates whose stored forecast is not by the explained model.
    """

    as_of: date
    before: date
    unlike: tuple[str, ...]
    drivers: pd.DataFrame
    moved: pd.DataFrame


def explain_series(settings: Settings, request: SeriesRequest) -> SeriesExplanation:
    """Return the explanation of a series; each date is forecast with the model of its training date."""
    grid = settings.grid
    as_of = request.as_of or snapshot.accept(settings, None, "forecast").as_of
    before = request.before or grid.step(as_of, -max(_WEEK_DAYS // grid.days, 1))
    later, earlier = inputs_known_on(settings, as_of), inputs_known_on(settings, before)
    new, old = trained_model(later), trained_model(earlier)
    here, then = _matrix(later), _matrix(earlier)
    rows = _rows(here, request)
    drivers = explain(new, here, rows)
    first = explain(old, then, _rows(then, request))
    moved = movement(first, explain(old, here, rows), drivers)
    pairs = ((before, old), (as_of, new))
    unlike = tuple(sentence for day, model in pairs if (sentence := _unlike(settings, request, day, model)))
    return SeriesExplanation(as_of, before, unlike, drivers, moved)


def _unlike(settings: Settings, request: SeriesRequest, day: date, model: DemandModel) -> str:
    """Return a sentence if the series' stored forecast of ``day`` is not by ``model``, else an empty one."""
    warehouse = Warehouse(settings)
    if not warehouse.has("forecast", day):
        return ""
    rows = warehouse.read("forecast", day, ["region", "sku", "model_version", "tier"])
    specified = rows[(rows["region"] == request.region) & (rows["sku"] == request.sku)]
    if specified.empty:
        return ""
    stored_by, tier = str(specified["model_version"].iloc[0]), str(specified["tier"].iloc[0])
    sentences = []
    if stored_by != model.version:
        sentences.append(
            f"The stored forecast of {day} is by model {stored_by}, which has other settings, inputs or code; the explanation is of {model.version}."
        )
    if not is_forecast_by(tier, model):
        sentences.append(f"The stored forecast of {day} is by the baseline ({tier}); the explanation is of the model.")
    return " ".join(sentences)


def _matrix(context: RunContext) -> FeatureMatrix:
    return panel_and_matrix(context)[1]


def _rows(matrix: FeatureMatrix, request: SeriesRequest) -> np.ndarray:
    series = matrix.series
    result = np.flatnonzero(
        (series["region"].astype("str") == request.region) & (series["sku"].astype("str") == request.sku)
    )
    if not len(result):
        pairs = (series["region"].astype("str") + " " + series["sku"].astype("str")).tolist()
        hint = nearest(f"{request.region} {request.sku}", pairs)
        raise ConfigurationError(
            f"--sku {request.sku} --region {request.region}: not part of the forecast of that date{hint}"
        )
    return np.flatnonzero(matrix.series_code == result[0])
