"""Plans as a policy of a replay, with a forecast or with the actual demand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import positioning
from foundation.demand_scenarios import CERTAIN, DemandLaw, draw
from foundation.settings import Settings, quantile_columns
from positioning.simulation.engine import play
from positioning.simulation.planned import Foresight, Planned, mean_daily_units, network_without_shared_limits
from tests.worlds.replay_worlds import START, game, settings, tables, with_past

DAYS = 6
QUIET = {("X", "k"): [0.0] * 4, ("Y", "k"): [0.0] * 4}


def _settings() -> Settings:
    return settings(kinds=("transfer",), min_benefit_eur=0.0, processes=1).model_copy(update={"horizon": 2 * DAYS})


def _forecast(as_of: date) -> dict[str, pd.DataFrame]:
    """Return a forecast of 1 unit a day at X and none at Y, wide, over twice the replay."""
    keys = pd.DataFrame({"region": ["X", "Y"], "sku": "k"}).astype("str")
    days = pd.DataFrame({"date": pd.date_range(as_of, periods=2 * DAYS).as_unit("us")})
    names = quantile_columns(Settings().forecast.quantiles)
    spread = dict(zip(names, np.linspace(0.0, 30.0, len(names)), strict=True))
    windows = keys.assign(window_days=7, mean_units=7.0, **spread)
    dependence = pd.DataFrame({"sku": ["k"], "day_correlation": 0.2, "region_correlation": 0.2})
    return {
        "forecast": keys.merge(days, how="cross").assign(mean_units=[1.0] * 2 * DAYS + [0.0] * 2 * DAYS),
        "forecast_window": windows,
        "forecast_dependence": dependence,
    }


def test_certain_demand_is_its_mean_on_every_path() -> None:
    law = DemandLaw(np.array([[3.0, 0.0], [1.0, 40.0]]), np.full((2, 2), CERTAIN), np.eye(2), 0.3)
    assert (draw(law, 5, (1, "k", "plan"), is_stratified=True) == law.mean_units).all()


def test_foresight_sends_exactly_the_units_that_will_be_demanded() -> None:
    """All stands at A, which serves Y late; B asks for 3 units on day 1 and 2 on day 3, the forecast says nothing."""
    world = tables({("A", "k"): 20}, {("X", "k"): [1.0] * DAYS, ("Y", "k"): [0.0, 3.0, 0.0, 2.0, 0.0, 0.0]})
    played = replace(game(world, DAYS, _settings()), decisions=(0,))
    knowing = Planned("foresight", Foresight(_forecast, played), positioning.plan, world, _settings())
    ledger = play(played, knowing)
    assert ledger.count("transferred") == 5
    assert ledger.term_eur("late_eur") == 0.0


def test_foresight_keeps_the_forecast_beyond_the_replay() -> None:
    world = tables({("A", "k"): 20}, {("X", "k"): [0.0, 2.0], ("Y", "k"): [0.0, 0.0]})
    text = Foresight(_forecast, game(world, 2, _settings()))(START)["forecast"]
    by_day = text.groupby(["region", "date"])["mean_units"].sum().unstack()
    assert by_day.loc["X"].tolist() == pytest.approx([0.0, 2.0] + [1.0] * (2 * DAYS - 2))
    assert by_day.loc["Y"].tolist() == [0.0] * 2 * DAYS


@pytest.mark.parametrize(("decisions", "expected"), [
    ((0,), [(4, 4)]), ((0, 1, 2, 3), [(2, None)] * 4), ((0, 3), [(3, None), (2, None)]),
])  # fmt: skip
def test_plan_reviews_no_sooner_than_the_next_decision(
    decisions: tuple[int, ...], expected: list[tuple[int, int | None]]
) -> None:
    """A plan that counts on a later departure that is not decided leaves regions short."""
    world, specified, seen = with_past(tables({("A", "k"): 5}, QUIET), 28, X=1.0, Y=1.0), settings(review_days=2), []

    def planner(_: object, __: object, known: Settings, ___: object) -> dict[str, pd.DataFrame]:
        seen.append((known.positioning.review_days, known.positioning.cover_days))
        return {"transfer": pd.DataFrame(columns=["sku", "lane", "units", "ship_date", "is_outlook", "benefit_eur"])}

    policy = Planned("plan", lambda _: {}, planner, world, specified)
    play(replace(game(world, 4, specified, past_periods=28), decisions=decisions), policy)
    assert seen == expected


def _lines(*rows: tuple[str, str, int, str, bool, float]) -> dict[str, pd.DataFrame]:
    columns = ["sku", "lane", "units", "ship_date", "is_outlook", "benefit_eur"]
    frame = pd.DataFrame(rows, columns=columns)
    return {"transfer": frame.assign(ship_date=pd.to_datetime(frame["ship_date"]))}


def test_a_plan_sees_the_simulated_stock_the_road_and_its_own_earlier_moves() -> None:
    """Day 0 sends 3 of 5 units to B; on day 1 they are there, A has 2 less what it sold, nothing is on the road."""
    seen: list[dict[str, pd.DataFrame]] = []

    def planner(known: dict[str, pd.DataFrame], _: object, __: Settings, as_of: date) -> dict[str, pd.DataFrame]:
        seen.append(known)
        return _lines(("k", "A>B", 3, "2024-01-01", False, 1.0)) if as_of == START else _lines()

    world = tables({("A", "k"): 5}, {("X", "k"): [1.0, 0.0], ("Y", "k"): [0.0, 0.0]})
    policy = Planned("plan", lambda as_of: {"forecast": pd.DataFrame({"as_of": [as_of]})}, planner, world, settings())
    ledger = play(game(world, 2), policy)
    assert ledger.count("transferred") == 3
    first, second = seen
    assert first["stock"][["hub", "units_on_hand"]].to_numpy().tolist() == [["A", 5]]
    assert second["stock"][["hub", "units_on_hand"]].to_numpy().tolist() == [["A", 1], ["B", 3]]
    assert second["inbound"].empty
    assert second["earlier"][["origin", "destination", "units", "status"]].to_numpy().tolist() == [
        ["A", "B", 3, "executed"]
    ]
    assert "sales" not in first


def test_units_left_at_suppliers_reach_the_next_plan() -> None:
    seen: list[float] = []

    def planner(known: dict[str, pd.DataFrame], *_: object) -> dict[str, pd.DataFrame]:
        seen.append(float(known["supply"]["units_available"].iloc[0]))
        return _lines(("k", "S>A", 4, f"2024-01-0{len(seen)}", False, 1.0))

    world = tables({("A", "k"): 0}, {("X", "k"): [0.0, 0.0], ("Y", "k"): [0.0, 0.0]})
    world["supply"]["units_available"] = 10.0
    play(game(world, 2), Planned("plan", lambda _: {}, planner, world, settings()))
    assert seen == [10.0, 6.0]


def test_most_valuable_lines_go_first_when_the_gate_must_choose() -> None:
    def planner(*_: object) -> dict[str, pd.DataFrame]:
        return _lines(("k", "A>B", 4, "2024-01-01", False, 1.0), ("m", "A>B", 4, "2024-01-01", False, 9.0))

    world = tables({("A", "k"): 4, ("A", "m"): 4}, {("X", "k"): [0.0], ("Y", "m"): [0.0]})
    world["hubs"]["outbound_units_per_period"] = 4
    ledger = play(game(world, 1), Planned("plan", lambda _: {}, planner, world, settings()))
    assert ledger.stock[:, :, 0].tolist() == [[4, 0], [0, 0]]
    assert ledger.refused_units == 4


def test_lifted_limits_do_not_bind_and_loads_still_cost() -> None:
    world = tables({("A", "k"): 50}, QUIET)
    world["hubs"]["storage_l"], world["lanes"]["loads_per_departure"] = 1.0, 0.0
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"] = 5.0, 10.0
    lifted = network_without_shared_limits(world)
    line = _lines(("k", "A>B", 25, "2024-01-01", False, 1.0))
    ledger = play(game(lifted, 1), Planned("plan", lambda _: {}, lambda *_: line, lifted, settings()))
    assert ledger.term_eur("transfer_eur") == pytest.approx(25 * 0.5 + 3 * 5)
    assert world["hubs"]["storage_l"].tolist() == [1.0, 1.0]


def test_daily_demand_belongs_to_the_nearest_hub() -> None:
    """X is nearest to A, Y to B: 4 units of X over 2 days are 2 a day at A."""
    world = tables({("A", "k"): 1}, QUIET)
    network = game(world, 4).network
    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    forecast = pd.DataFrame(
        {"date": [*days, *days], "region": ["X", "X", "Y", "Y"], "sku": "k", "mean_units": [1.0, 3.0, 5.0, 5.0]}
    )
    assert mean_daily_units(forecast, network).tolist() == [[2.0, 5.0]]
