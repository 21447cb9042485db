"""What drives one series' forecast and why it moved since an earlier night, as tables in the terminal.

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
from pipeline.backtest import known_on, seen, trained_model
from pipeline.results import Night

_NAMES = {
    "base": "average article",
    "correction": "bias factor and alignment",
    "not_sold": "not sold",
    "model": "newer model",
}
_WEEK_DAYS = 7


@dataclass(frozen=True)
class SeriesQuestion:
    """Which series, on which night (None: the latest), compared with which one before (None: a week earlier)."""

    sku: str
    region: str
    as_of: date | None
    before: date | None


@dataclass(frozen=True)
class SeriesAnswer:
    """Drivers of the night's rows and of the movement on the dates both nights forecast (see ``models.explain``).

    ``unlike`` says of which of the two nights the kept forecast is not by the model explained, and what made it.
    """

    as_of: date
    before: date
    unlike: tuple[str, ...]
    drivers: pd.DataFrame
    moved: pd.DataFrame


def answered(settings: Settings, question: SeriesQuestion) -> SeriesAnswer:
    """Return the answer to a question; both nights are forecast with the models of their own training dates."""
    grid = settings.grid
    as_of = question.as_of or snapshot.accept(settings, None, "forecast").as_of
    before = question.before or grid.step(as_of, -max(_WEEK_DAYS // grid.days, 1))
    later, earlier = known_on(settings, as_of), known_on(settings, before)
    new, old = trained_model(later), trained_model(earlier)
    here, then = _matrix(later), _matrix(earlier)
    rows = _rows(here, question)
    drivers = explain(new, here, rows)
    first = explain(old, then, _rows(then, question))
    moved = movement(first, explain(old, here, rows), drivers)
    pairs = ((before, old), (as_of, new))
    unlike = tuple(sentence for day, model in pairs if (sentence := _unlike(settings, question, day, model)))
    return SeriesAnswer(as_of, before, unlike, drivers, moved)


def _unlike(settings: Settings, question: SeriesQuestion, day: date, model: DemandModel) -> str:
    """Return what the series' stored forecast of ``day`` was computed by where that was not ``model``, else ""."""
    warehouse = Warehouse(settings)
    if not warehouse.has("forecast", day):
        return ""
    rows = warehouse.read("forecast", day, ["region", "sku", "model_version", "tier"])
    specified = rows[(rows["region"] == question.region) & (rows["sku"] == question.sku)]
    if specified.empty:
        return ""
    stored_by, tier = str(specified["model_version"].iloc[0]), str(specified["tier"].iloc[0])
    sentences = []
    if stored_by != model.version:
        sentences.append(
            f"The forecast kept of {day} was made by {stored_by}, under other settings, inputs or code; explained is {model.version}."
        )
    if not is_forecast_by(tier, model):
        sentences.append(f"The forecast kept of {day} is the baseline's ({tier}); explained is the model's.")
    return " ".join(sentences)


def _matrix(night: Night) -> FeatureMatrix:
    return seen(night)[1]


def _rows(matrix: FeatureMatrix, question: SeriesQuestion) -> np.ndarray:
    series = matrix.series
    result = np.flatnonzero(
        (series["region"].astype("str") == question.region) & (series["sku"].astype("str") == question.sku)
    )
    if not len(result):
        pairs = (series["region"].astype("str") + " " + series["sku"].astype("str")).tolist()
        hint = nearest(f"{question.region} {question.sku}", pairs)
        raise ConfigurationError(f"--sku {question.sku} --region {question.region}: not forecast on that night{hint}")
    return np.flatnonzero(matrix.series_code == result[0])
