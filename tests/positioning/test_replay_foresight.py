"""A replayed plan that is told demand beforehand."""

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
from positioning.simulation.planned import Foresight, Planned
from tests.worlds.replay_worlds import START, game, settings, tables

DAYS = 6


def _own() -> Settings:
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


def test_foresight_sends_what_will_be_asked_for_and_no_unit_more() -> None:
    """All stands at A, which serves Y late; B asks for 3 units on day 1 and 2 on day 3, the forecast says nothing."""
    world = tables({("A", "k"): 20}, {("X", "k"): [1.0] * DAYS, ("Y", "k"): [0.0, 3.0, 0.0, 2.0, 0.0, 0.0]})
    played = replace(game(world, DAYS, _own()), decisions=(0,))
    knowing = Planned("foresight", Foresight(_forecast, played), positioning.plan, world, _own())
    ledger = play(played, knowing)
    assert ledger.count("transferred") == 5
    assert ledger.term_eur("late_eur") == 0.0


def test_foresight_leaves_what_lies_beyond_the_replay_as_forecast() -> None:
    world = tables({("A", "k"): 20}, {("X", "k"): [0.0, 2.0], ("Y", "k"): [0.0, 0.0]})
    text = Foresight(_forecast, game(world, 2, _own()))(START)["forecast"]
    by_day = text.groupby(["region", "date"])["mean_units"].sum().unstack()
    assert by_day.loc["X"].tolist() == pytest.approx([0.0, 2.0] + [1.0] * (2 * DAYS - 2))
    assert by_day.loc["Y"].tolist() == [0.0] * 2 * DAYS
