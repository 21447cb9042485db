"""One origin of a backtest: what was known, the model a night would have used, its forecast, its scores.

Training is the nightly one (``stages.train_stage``): the model of the last training date on or before the
origin, from the warehouse where a night or an earlier backtest has trained it. Not here: the metrics
(``models.backtest``), several origins (``flows.backtest``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features import Panel, build_panel, forecast_matrix
from features.panel import actual_demand
from foundation.errors import ConfigurationError, InputError, StageError
from foundation.feasibility import is_too_short
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.sources import FolderSource
from foundation.validation.validate import UnreadableError
from models import DemandModel, forecast
from models.backtest import GivenScales, Judged, Outcome, Trace, judge, modelled, rivals
from pipeline.artifacts import ModelStore
from pipeline.results import Night, Snapshot
from pipeline.run import accepted_inputs, snapshot_of, train_stage


@dataclass(frozen=True)
class Plan:
    """Which origins: ``count`` of them, ``every_days`` apart, the last one a horizon before the day after ``end``.

    ``end`` None is the last day with sales.
    """

    count: int
    every_days: int = 28
    end: date | None = None


@dataclass(frozen=True)
class Challenge:
    """What is asked beyond the origins.

    ``changes`` are ``key=value`` that make the challenger of the configuration, or ``config`` names another
    configuration; ``is_promoting`` sets the champion alias where the gate lets the challenger through.
    ``weights`` is a file of given weights and scales.
    """

    changes: tuple[str, ...] = ()
    config: str | None = None
    is_promoting: bool = False
    weights: str | None = None

    @property
    def has_challenger(self) -> bool:
        """Whether there is a second configuration."""
        return bool(self.changes or self.config)


log = logging.getLogger(__name__)
_FEWEST_HISTORY_DAYS = 84


@dataclass(frozen=True)
class Truth:
    """What is known in the end: the inputs' reference and fingerprint, and the first day after the last actual."""

    as_of: date
    folder: str
    fingerprint: str


@dataclass(frozen=True)
class Examined:
    """One origin, forecast and scored: small enough to be kept for all origins.

    ``inputs`` is what was known at the origin. ``model`` is the model that forecast it.
    """

    origin: date
    inputs: Snapshot
    model: DemandModel
    judged: Judged
    trace: Trace


def accept_truth(settings: Settings, plan: Plan) -> Truth:
    """Return the inputs up to the end of the backtest; raises ``InputError`` with one line per fault."""
    grid = settings.grid
    as_of = None if plan.end is None else plan.end + timedelta(days=1)
    while as_of is not None and not grid.holds(as_of):
        as_of -= timedelta(days=1)
    accepted = snapshot.accept(settings, as_of, "forecast")
    return Truth(accepted.as_of, accepted.reference, accepted.fingerprint)


def origins_of(settings: Settings, plan: Plan, truth: Truth) -> list[date]:
    """Return the origins, earliest first.

    Raises ``ConfigurationError`` where the days between them are not whole periods or the first one would have
    fewer than 84 days of sales before it.
    """
    grid = settings.grid
    if plan.every_days % grid.days:
        raise ConfigurationError(f"--every {plan.every_days}: not whole periods of {grid.days} days")
    last = grid.step(truth.as_of, -settings.horizon)
    apart = plan.every_days // grid.days
    origins = [grid.step(last, -apart * k) for k in range(plan.count)][::-1]
    begun = snapshot.read(truth.folder)["sales"]["date"].min().date()
    room = (last - begun).days - _FEWEST_HISTORY_DAYS
    if (origins[0] - begun).days < _FEWEST_HISTORY_DAYS:
        most = max(room // plan.every_days + 1, 0)
        raise ConfigurationError(
            f"--origins {plan.count}: the first would be {origins[0]}, with sales only from {begun} on and "
            f"{_FEWEST_HISTORY_DAYS} days of them needed; at most {most} fit"
        )
    return origins


def known_on(settings: Settings, origin: date) -> Night:
    """Return what was known on the origin and on its training date; writes nothing but input snapshots."""
    accepted = accepted_inputs(settings, origin, "forecast")
    inputs = snapshot_of(accepted)
    day = settings.training_date(origin)
    is_own_day = day == origin or is_too_short(accepted.first_sale, day, settings)
    return Night(settings, inputs, inputs if is_own_day else _snapshot(settings, day))


def examine(night: Night, truth: Truth, given: GivenScales | None = None) -> Examined:
    """Return the origin forecast with the nightly model and scored on what was then demanded."""
    model = trained_model(night)
    outcome = outcome_of(night, truth, model, seen(night))
    judged = judge(outcome, given)
    log.info("origin %s: WRMSSE %.3f", night.as_of, judged.overall["wrmsse"].iloc[0])
    return Examined(night.as_of, night.inputs, model, judged, Trace.of(outcome))


def trained_model(night: Night) -> DemandModel:
    """Return the model of the night's training date, trained where the warehouse has none."""
    trained = train_stage(night)
    model = ModelStore(night.settings.warehouse).find(trained.identity)
    if model is None:
        raise StageError("backtest", f"model {trained.model_version} is no longer in the warehouse; run again")
    return model


def seen(night: Night) -> tuple[Panel, FeatureMatrix]:
    """Return the panel and the forecast matrix of what was known on the night."""
    panel = build_panel(snapshot.read(night.inputs.folder), night.settings, night.as_of)
    return panel, forecast_matrix(panel, night.settings)


def outcome_of(night: Night, truth: Truth, model: DemandModel, seen: tuple[Panel, FeatureMatrix]) -> Outcome:
    """Return what the model and every baseline forecast, and what was then demanded."""
    settings, origin = night.settings, night.as_of
    panel, matrix = seen
    frames = forecast(model, matrix, settings, origin)
    tables = snapshot.read(truth.folder)
    series = _described(panel, tables)
    methods = {"forestock": modelled(model, frames, series, settings)} | rivals(panel.demand, settings)
    return Outcome(
        origin, settings.forecast.quantiles, settings.grid.days, series, settings.series.hierarchy,
        actual_demand(panel, tables["sales"], settings), panel.units_sold.astype(float), methods,
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


def read_weights(path: str) -> GivenScales:
    """Return the weights and scales of a CSV or Parquet file.

    Raises ``InputError`` where it is not there, cannot be read or lacks a column.
    """
    file = Path(path).expanduser()
    try:
        source = FolderSource(str(file.parent), file.suffix.lstrip("."))
        if not source.has(file.stem):
            raise InputError(f"--weights {path}: there is no such file")
        return GivenScales(source.read(file.stem, as_text=("series",)).to_pandas())
    except (UnreadableError, KeyError) as error:
        label = error.problem if isinstance(error, UnreadableError) else "is neither .csv nor .parquet"
        raise InputError(f"--weights {path}: {label}") from error
