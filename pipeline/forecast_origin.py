"""One forecast origin of a backtest: what was known, the model a run would have used, its forecast, its scores.

Training is that of nightly runs (``pipeline.run.train_stage``): the model of the last training date on or before the
origin, from the warehouse where a run or an earlier backtest has trained it. Not here: the metrics
(``models.backtest``), several origins (``pipeline.backtest``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.matrix import forecast_matrix
from features.panel import Panel, actual_demand
from features.panel_builder import build_panel
from foundation.errors import ConfigurationError, StageError
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.validation.time import is_too_short
from models.backtest.judge import Judged, judge
from models.backtest.methods import GivenScales, Outcome, baseline_methods, combined_parts, model_method
from models.backtest.summary import Trace
from models.demand_model import DemandModel
from models.predict import forecast
from pipeline.artifacts import ModelStore
from pipeline.predicted_matrix import predicted_matrix
from pipeline.results import RunContext, Snapshot
from pipeline.run import accepted_inputs, snapshot_of, train_stage


@dataclass(frozen=True)
class Origins:
    """Forecast origins: ``count`` of them, ``every_days`` apart, the last one a horizon before the day after ``end``.

    ``end`` None is the last day with sales.
    """

    count: int
    every_days: int = 28
    end: date | None = None


log = logging.getLogger(__name__)
_FEWEST_HISTORY_DAYS = 84


@dataclass(frozen=True)
class Actuals:
    """Inputs with the demand to score on: their folder and fingerprint, and the first day after the last actual."""

    as_of: date
    folder: str
    fingerprint: str


@dataclass(frozen=True)
class ScoredOrigin:
    """A scored forecast origin; ``inputs`` were known at the origin, ``model`` made the forecast."""

    origin: date
    inputs: Snapshot
    model: DemandModel
    judged: Judged
    trace: Trace


def read_actuals(settings: Settings, requested: Origins) -> Actuals:
    """Return the inputs up to the end of the backtest; raises ``InputError`` with one line per fault."""
    grid = settings.grid
    as_of = None if requested.end is None else requested.end + timedelta(days=1)
    while as_of is not None and not grid.holds(as_of):
        as_of -= timedelta(days=1)
    accepted = snapshot.accept(settings, as_of, "forecast")
    return Actuals(accepted.as_of, accepted.reference, accepted.fingerprint)


def origin_dates(settings: Settings, requested: Origins, actuals: Actuals) -> list[date]:
    """Return the dates of the origins, earliest first.

    Raises ``ConfigurationError`` if the days between them are not whole periods or the first one has fewer than 84 days of
    sales before it.
    """
    grid = settings.grid
    if requested.every_days % grid.days:
        raise ConfigurationError(f"--every {requested.every_days}: not whole periods of {grid.days} days")
    last = grid.step(actuals.as_of, -settings.horizon)
    apart = requested.every_days // grid.days
    origins = [grid.step(last, -apart * k) for k in range(requested.count)][::-1]
    begun = snapshot.read(actuals.folder)["sales"]["date"].min().date()
    room = (last - begun).days - _FEWEST_HISTORY_DAYS
    if (origins[0] - begun).days < _FEWEST_HISTORY_DAYS:
        most = max(room // requested.every_days + 1, 0)
        raise ConfigurationError(
            f"--origins {requested.count}: the first origin would be {origins[0]}, but sales start on {begun} and an origin needs "
            f"{_FEWEST_HISTORY_DAYS} days of sales; at most {most} fit"
        )
    return origins


def inputs_known_on(settings: Settings, origin: date) -> RunContext:
    """Return the inputs known on the origin and on its training date; writes only input snapshots."""
    accepted = accepted_inputs(settings, origin, "forecast")
    inputs = snapshot_of(accepted)
    day = settings.training_date(origin)
    is_training_date = day == origin or is_too_short(accepted.first_sale, day, settings)
    return RunContext(settings, inputs, inputs if is_training_date else _snapshot(settings, day))


def score_forecast(context: RunContext, actuals: Actuals, given: GivenScales | None = None) -> ScoredOrigin:
    """Forecast the origin with the model of nightly runs and score the forecast on actual demand."""
    model = trained_model(context)
    panel = build_panel(snapshot.read(context.inputs.folder), context.settings, context.as_of)
    outcome = outcome_of(context, actuals, model, (panel, predicted_matrix(panel, model, context.settings)))
    judged = judge(outcome, given)
    log.info("origin %s: WRMSSE %.3f", context.as_of, judged.overall["wrmsse"].iloc[0])
    return ScoredOrigin(context.as_of, context.inputs, model, judged, Trace.of(outcome))


def trained_model(context: RunContext) -> DemandModel:
    """Return the model of the run's training date; train it if the warehouse does not have it."""
    trained = train_stage(context)
    model = ModelStore(context.settings.warehouse).find(trained.identity)
    if model is None:
        raise StageError("backtest", f"model {trained.model_version} is no longer in the warehouse; run again")
    return model


def panel_and_matrix(context: RunContext) -> tuple[Panel, FeatureMatrix]:
    """Return the panel and the forecast matrix of the run's inputs."""
    panel = build_panel(snapshot.read(context.inputs.folder), context.settings, context.as_of)
    return panel, forecast_matrix(panel, context.settings)


def outcome_of(context: RunContext, actuals: Actuals, model: DemandModel, seen: tuple[Panel, FeatureMatrix]) -> Outcome:
    """Return the forecasts of the model and of every baseline, and the actual demand."""
    settings, origin = context.settings, context.as_of
    panel, matrix = seen
    frames = forecast(model, matrix, settings, origin)
    tables = snapshot.read(actuals.folder)
    series = _described(panel, tables)
    methods = {"forestock": model_method(model, frames, series, settings)} | baseline_methods(panel.demand, settings)
    return Outcome(
        origin, settings.forecast.quantiles, settings.grid.days, series, settings.series.hierarchy,
        actual_demand(panel, tables["sales"], settings), panel.units_sold.astype(float), methods,
        combined_parts(model, matrix, settings.forecast.threads),
    )  # fmt: skip


def _snapshot(settings: Settings, day: date) -> Snapshot:
    return snapshot_of(accepted_inputs(settings, day, "forecast"))


def _described(panel: Panel, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the panel's series with subdivision, price and known periods (see ``Outcome.series``)."""
    series = panel.series[["region", "sku", *panel.hierarchy]].reset_index(drop=True)
    regions = tables["regions"].set_index(tables["regions"]["region"].astype("str"))
    if "subdivision" in regions:
        series = series.assign(subdivision=series["region"].astype("str").map(regions["subdivision"].astype("str")))
    return series.assign(
        unit_price_eur=_prices(panel, tables), known_periods=np.isfinite(panel.demand).sum(axis=1).astype(float)
    )


def _prices(panel: Panel, tables: dict[str, pd.DataFrame]) -> np.ndarray:
    """Return each series' last price before the origin, else the sku's list price, else 1, float64 (n_series)."""
    price = np.full(panel.n_series, np.nan)
    if panel.price is not None:
        price = panel.price[:, panel.n_history - 1].astype(float)
    skus = tables["skus"].set_index(tables["skus"]["sku"].astype("str"))
    if "unit_price_eur" in skus:
        listed = panel.series["sku"].astype("str").map(skus["unit_price_eur"]).to_numpy(float)
        price = np.where(np.isfinite(price), price, listed)
    return np.where(np.isfinite(price), price, 1.0)
