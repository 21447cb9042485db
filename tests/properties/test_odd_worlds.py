"""Properties of every plan, in unusual worlds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.worlds.odd_worlds import odd_world
from tests.worlds.positioning_world import World

_FAST, _ALL = 30, 400
SHARE = 0.005  # of what is at stake; 0 in all of the first 30 worlds


def _assert_plan_holds(world: World) -> None:
    frames = world.plan()
    plan, lines, service = frames["plan"].iloc[0], frames["transfer"], frames["service"]
    assert plan["lower_bound_eur"] - 0.01 <= plan["total_eur"] <= plan["total_eur_before"] + 0.01
    assert plan["gap_of_benefit_rate"] <= SHARE
    figures = plan.drop(["plan_id", "run_version", "model_version", "as_of"], errors="ignore")
    assert np.isfinite(figures.to_numpy(dtype=float)).all(), figures
    money = lines[["cost_eur", "benefit_eur", "loss_if_refused_eur", "kg_co2e"]].to_numpy(dtype=float)
    assert (lines["units"] > 0).all()
    assert np.isfinite(money).all()
    assert lines["benefit_eur"].sum() == pytest.approx(plan["total_eur_before"] - plan["total_eur"], abs=0.01)
    assert (service["local_units"] + service["spilled_units"] + service["lost_units"]).to_numpy() == pytest.approx(
        service["demand_units"].to_numpy(), rel=1e-6, abs=1e-6
    )
    _assert_hubs_give_only_their_stock(world, lines)


def _assert_hubs_give_only_their_stock(world: World, lines: pd.DataFrame) -> None:
    due = pd.DataFrame(world.more.get("inbound", []), columns=["hub", "sku", "units"]).groupby(["hub", "sku"])["units"]
    given = lines[lines["kind"] == "transfer"].groupby(["origin", "sku"])["units"].sum()
    for key, units in given.items():
        assert units <= world.stock.get(key, 0) + due.sum().get(key, 0), key


@pytest.mark.parametrize("seed", range(_FAST))
def test_a_plan_holds_in_odd_worlds(seed: int) -> None:
    """An SKU that no hub may stock once ended the run."""
    _assert_plan_holds(odd_world(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(_FAST, _ALL))
def test_a_plan_holds_in_more_odd_worlds(seed: int) -> None:
    _assert_plan_holds(odd_world(seed))
