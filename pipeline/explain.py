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
from models.demand_model import DemandModel
from models.explain import explain, movement
from models.predict import tiers
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

    ``notes`` says which methods forecast the series where no model does, and for which of the two dates the stored forecast is not
    by the explained model. ``shares`` holds the share of the forecast units by part of the forecast, largest first.
    """

    as_of: date
    before: date
    notes: tuple[str, ...]
    shares: dict[str, float]
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
    rows_before = _rows(then, request)
    first = explain(old, then, rows_before)
    moved = movement(first, explain(old, here, rows), drivers)
    explained = ((before, old, tiers(old, then)[rows_before[0]]), (as_of, new, tiers(new, here)[rows[0]]))
    shares = _shares(drivers)
    notes = (_carried(shares, new), *(_unlike(settings, request, *parts) for parts in explained))
    return SeriesExplanation(as_of, before, tuple(filter(None, notes)), shares, drivers, moved)


def _shares(drivers: pd.DataFrame) -> dict[str, float]:
    """Return the share of the forecast units by part, largest first; parts without a share are left out."""
    columns = [name for name in drivers if str(name).endswith("_share")]
    weight = np.maximum(drivers["mean_units"].to_numpy(float), 1e-9)
    shares = {str(name).removesuffix("_share"): float(weight @ drivers[name] / weight.sum()) for name in columns}
    return dict(sorted(((name, share) for name, share in shares.items() if share > 0), key=lambda item: -item[1]))


def _carried(shares: dict[str, float], model: DemandModel) -> str:
    """Return a sentence if no model has a share of the series, else an empty one."""
    if any(kind in shares for kind in model.kinds):
        return ""
    by = " and ".join(name.replace("_", " ") for name in list(shares)[:2])
    return f"No model forecasts this series ({', '.join(model.kinds)}): {by} does, from its level and season."


def _unlike(settings: Settings, request: SeriesRequest, day: date, model: DemandModel, expected: str) -> str:
    """Return a sentence if the series' stored forecast of ``day`` is not by ``model``, whose tier is ``expected``; else an empty one."""
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
    if tier != expected:
        sentences.append(
            f"The stored forecast of {day} is by other methods ({tier}); the explanation is of those of the model ({expected})."
        )
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
