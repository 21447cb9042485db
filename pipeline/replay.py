"""Replay: simulate every policy on past demand, compare, write and record.

Forecasts of past dates are computed by the stages of the nightly run, each with what was known then, and stored in the
warehouse under their identity, so that another replay finds them. Not here: the simulation
(``positioning.simulation``), Prefect (``flows.backtest``), printing (``forestock.cli.judge``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.matrix import forecast_matrix
from features.panel_builder import build_panel
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from models.naive_forecast import naive_forecast
from models.tracking.runs import Record, Tracker, in_sections
from pipeline import run
from positioning.plan import plan
from positioning.simulation.base_stock import choose_base_stock
from positioning.simulation.engine import Game, NoShipments, Policy, decision_periods, play, read_game
from positioning.simulation.kpi import Replayed, all_kpis, registered_kpis
from positioning.simulation.ledger import OPERATING_TERMS, UNIT_COUNTS, Ledger, summary, tidy
from positioning.simulation.order_routing import ValueRouting
from positioning.simulation.perfect_foresight import bound_eur
from positioning.simulation.planned import (
    Forecaster,
    Foresight,
    Frames,
    Planned,
    mean_daily_units,
    network_without_shared_limits,
)
from positioning.simulation.reading import read_network
from positioning.simulation.state import open_state
from positioning.simulation.world import read_demand
from review.charts import png
from review.replay import ReplayPage, closed_picture, course_picture, replay_page, terms_picture


@dataclass(frozen=True)
class Span:
    """What to replay.

    Attributes
    ----------
    start, end
        First and last date, both included.
    n_decisions
        Number of planning dates, from ``start`` on, with decisions; None is all.
    every_days
        Days between planning dates; None is one period.
    is_unlimited
        Whether capacities that SKUs share are lifted for every policy.
    has_foresight
        Whether a policy that plans with the actual demand is included.
    routes_by_value
        Whether a policy that routes orders by the value of a unit is included.
    """

    start: date
    end: date
    n_decisions: int | None = None
    every_days: int | None = None
    is_unlimited: bool = False
    has_foresight: bool = False
    routes_by_value: bool = False


def periods_of(settings: Settings, span: Span) -> int:
    """Return the number of periods of the span; raises ``ConfigurationError`` if it does not fit the grid."""
    grid = settings.grid
    if not grid.holds(span.start):
        raise ConfigurationError(f"--start {span.start} is not the first day of a period ({grid.code})")
    if span.end < span.start:
        raise ConfigurationError(f"--end {span.end} is before --start {span.start}")
    if (span.every_days or grid.days) % grid.days:
        raise ConfigurationError(f"--every {span.every_days} is not whole periods of {grid.days} days")
    return int((span.end - span.start).days // grid.days + 1)


Pictures = Mapping[str, tuple[str, bytes]]  # caption and PNG by file name
_GOODS = ("purchase_eur", "goods_sold_eur", "stock_change_eur")


def pictures_of(done: Simulation) -> Pictures:
    """Return every picture of a replay by file name, each with its caption."""
    policies, currency = done.figures["policy"].tolist(), done.settings.currency
    operating = done.costs[~done.costs["term"].isin(_GOODS)]
    drawn = {
        "1_course": ("Cost so far, stock and service by day", course_picture(done.days, policies, done.bound_eur[0], currency)),
        "2_closed": ("Part of the reachable gain each policy closes", closed_picture(done.figures)),
        "3_terms": ("What the cost is made of", terms_picture(operating, policies, currency)),
    }  # fmt: skip
    return {name: (caption, png(figure)) for name, (caption, figure) in drawn.items()}


def page_of(done: Simulation, pictures: Pictures) -> str:
    """Return the page of a replay as HTML."""
    span, settings = done.span, done.settings
    facts = {
        "Pipeline": settings.name, "decisions": str(span.n_decisions or "all"), "kinds": ", ".join(settings.positioning.kinds),
        "capacities": "lifted" if span.is_unlimited else "on",
    }  # fmt: skip
    title = f"Replay of {settings.name}, {span.start} to {span.end}"
    return replay_page(ReplayPage(title, settings.currency, facts, done.figures, registered_kpis(), done.bound_eur, dict(pictures.values()), done.notes))  # fmt: skip


def write_page(done: Simulation) -> str:
    """Write the page into the warehouse and return its place; the page of an earlier replay from the same date is replaced."""
    place = files.joined(done.settings.warehouse, "pages", f"replay-{done.span.start}.html")
    return files.write_text(place, page_of(done, pictures_of(done)))


log = logging.getLogger(__name__)

PLAN_POLICY, NAIVE, FORESIGHT = "forestock", "seasonal_naive", "foresight"
VALUE_ROUTING = "forestock_value_routing"
_PAST_DAYS = 182


@dataclass(frozen=True)
class Simulation:
    """The outcome of a replay.

    Attributes
    ----------
    settings, span
        What was replayed.
    figures
        One row per policy: costs, savings with intervals, share of the possible savings, KPIs.
    costs
        Costs by policy, date and term, in the currency.
    days
        Operating cost, stock at the end of the day, units demanded and served by policy and date.
    bound_eur
        Perfect-foresight bound on the cost, without and with the value of goods.
    notes
        Sentences for the reader.
    """

    settings: Settings
    span: Span
    figures: pd.DataFrame
    costs: pd.DataFrame
    days: pd.DataFrame
    bound_eur: tuple[float, float]
    notes: tuple[str, ...]


def run_simulation(settings: Settings, span: Span) -> Simulation:
    """Simulate every policy over ``span`` and return the outcome.

    Raises ``ConfigurationError`` for a span off the grid of periods, ``InputError`` if sales do not reach its end or no
    stock snapshot is known at its start.
    """
    periods = periods_of(settings, span)
    tables = _known_at(settings, span.start)
    if span.is_unlimited:
        tables = network_without_shared_limits(tables)
    after = snapshot.read(snapshot.accept(settings, settings.grid.step(span.start, periods), "forecast"))
    game = _game(settings, span, tables, after["sales"])
    log.info("%d SKUs, %d periods, %d decision points", len(game.network.skus.index), periods, len(game.decisions))
    specified = _Forecasts(settings)
    policies, notes = _policies(settings, game, tables, specified)
    if span.has_foresight:
        policies.insert(-1, Planned(FORESIGHT, Foresight(specified, game), plan, tables, settings))
    if span.routes_by_value:
        planned = Planned(VALUE_ROUTING, specified, plan, tables, settings)
        policies.insert(-1, ValueRouting(VALUE_ROUTING, planned))
    ledgers = [_played(game, policy) for policy in policies]
    log.info("bound: one linear program per SKU")
    bounds = {with_goods: bound_eur(game, with_goods=with_goods, threads=settings.positioning.processes) for with_goods in (False, True)}  # fmt: skip
    daily = mean_daily_units(specified(span.start)["forecast"], game.network)
    figures = _figures(ledgers, bounds, [all_kpis(Replayed(ledger, game.network, daily)) for ledger in ledgers])
    dates = settings.grid.range(span.start, periods)
    costs = pd.concat([tidy(ledger, dates) for ledger in ledgers], ignore_index=True)
    days = pd.concat([_days(ledger, dates) for ledger in ledgers], ignore_index=True)
    return Simulation(
        settings, span, figures, costs, days, (float(bounds[False].sum()), float(bounds[True].sum())), notes
    )


def write_simulation(done: Simulation) -> None:
    """Write `simulation` and `simulation_kpi` of the replay's start; an earlier replay from it is replaced."""
    warehouse = Warehouse(done.settings)
    warehouse.write("simulation", done.costs, done.span.start)
    long = done.figures.melt(id_vars="policy", var_name="kpi", value_name="kpi_value")
    bound = pd.DataFrame({"policy": "bound", "kpi": ["value_eur", "value_eur_with_goods"], "kpi_value": done.bound_eur})
    warehouse.write("simulation_kpi", pd.concat([long, bound], ignore_index=True), done.span.start)


def record_simulation(done: Simulation) -> str:
    """Record the replay in MLflow with a child run per policy; raises ``StageError`` if MLflow cannot be reached."""
    span = done.span
    by_policy = done.figures.set_index("policy")
    children = [
        Record(
            str(policy),
            span.start,
            "A policy of a replay.",
            metrics=in_sections({str(name): float(row[name]) for name in row.index}),
        )
        for policy, row in by_policy.iterrows()
    ]
    params = {
        "start": span.start,
        "end": span.end,
        "n_decisions": span.n_decisions or "all",
        "every_days": span.every_days or "period",
    }
    params |= {
        "is_unlimited": span.is_unlimited,
        "has_foresight": span.has_foresight,
        "routes_by_value": span.routes_by_value,
        "kinds": ",".join(done.settings.positioning.kinds),
    }
    settings = done.settings.positioning.model_dump(mode="json", exclude={"kinds", "processes"})
    params |= {f"positioning.{key}": value for key, value in settings.items()}
    tables = {
        "policies.json": done.figures,
        "days.json": done.days.assign(date=done.days["date"].dt.strftime("%Y-%m-%d")),
    }
    pictures = pictures_of(done)
    images = {f"pictures/{name}.png": image for name, (_, image) in pictures.items()}
    note = "\n\n".join(["Decisions replayed against actual demand; see docs/replay.md.", *done.notes])
    name = f"simulate {span.start} {span.end}"
    metrics = in_sections({"bound_eur": done.bound_eur[0], "bound_eur_with_goods": done.bound_eur[1]})
    tracker = Tracker(done.settings, "simulation", "Replays of past decisions.")
    return tracker.record(
        Record(
            name,
            span.start,
            note,
            tags={"stage": "simulate", "as_of": str(span.start), "pipeline": done.settings.name},
            params=params,
            metrics=metrics,
            tables=tables,
            children=children,
            images=images,
            texts={"report.html": page_of(done, pictures)},
        )
    )


def _days(ledger: Ledger, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Return operating cost, stock and units by date of one policy."""
    eur = ledger.eur[: len(OPERATING_TERMS)].sum(axis=(0, 1))
    demanded, served = (ledger.units[UNIT_COUNTS.index(name)].sum(axis=0) for name in ("demanded", "served"))
    stock = ledger.stock.sum(axis=(0, 1))
    return pd.DataFrame({"policy": ledger.policy, "date": dates, "eur": eur, "stock_units": stock, "demanded": demanded, "served": served})  # fmt: skip


def _known_at(settings: Settings, start: date) -> Frames:
    accepted = snapshot.accept(settings, start, "rebalance")
    tables = snapshot.read(accepted)
    snapshot.release(accepted.reference)
    return tables


def _game(settings: Settings, span: Span, tables: Frames, sales: pd.DataFrame) -> Game:
    grid = settings.grid
    periods = periods_of(settings, span)
    network = read_network(tables, settings, span.start, periods)
    demand = read_demand(sales, network, max(_PAST_DAYS // grid.days, 2 * periods))
    decisions = decision_periods(periods, span.n_decisions, (span.every_days or grid.days) // grid.days)
    return read_game(network, demand, open_state(tables, network, settings), decisions, settings)


def _policies(
    settings: Settings, game: Game, tables: Frames, specified: Forecaster
) -> tuple[list[Policy], tuple[str, ...]]:
    """Return the policies: no shipment, base stock tuned before the start, and the plan with two forecasts."""
    log.info("base stock: parameters chosen on the window before the start")
    base = choose_base_stock(game, settings.positioning.review_days)
    note = f"Base stock: z = {base.z:g}, loads at least {base.min_fill_rate:.0%} full; chosen on the window before the start."
    naive = _naive_forecaster(settings)
    return [
        NoShipments(),
        base,
        Planned(NAIVE, naive, plan, tables, settings),
        Planned(PLAN_POLICY, specified, plan, tables, settings),
    ], (note,)


def _played(game: Game, policy: Policy) -> Ledger:
    log.info("policy %s", policy.name)
    return play(game, policy)


class _Forecasts:
    """The forecast of any planning date as a nightly run computes it, stored in the warehouse."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, as_of: date) -> Frames:
        context = run.validate_stage(self._settings, as_of, "forecast", is_strict=False)
        run.forecast_stage(context, run.train_stage(context))
        run.release(context)
        warehouse = Warehouse(self._settings)
        return {name: warehouse.read(name, as_of) for name in run.FORECAST_TABLES}


def _naive_forecaster(settings: Settings) -> Forecaster:
    """Return the seasonal-naive forecaster, which uses what was known at each planning date."""
    plain = settings.model_copy(
        update={"forecast": settings.forecast.model_copy(update={"families": ("weekday",), "ignored_features": ()})}
    )

    def forecast(as_of: date) -> Frames:
        accepted = snapshot.accept(settings, as_of, "forecast")
        panel = build_panel(snapshot.read(accepted), plain, as_of)
        snapshot.release(accepted.reference)
        return naive_forecast(panel.demand[:, : panel.n_history], forecast_matrix(panel, plain), settings, as_of)

    return forecast


def _figures(ledgers: list[Ledger], bounds: dict[bool, np.ndarray], kpis: list[dict[str, float]]) -> pd.DataFrame:
    """Return one row per policy: value, closed, savings with intervals, purchase and the KPIs."""
    table = summary(ledgers, bounds, PLAN_POLICY)
    extra = pd.DataFrame(kpis)
    extra.insert(0, "purchase_eur", [ledger.term_eur("purchase_eur") for ledger in ledgers])
    return pd.concat([table, extra], axis=1)
