"""A what-if changes what it names and nothing else; without a change it is the plan of record."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import positioning
from foundation.errors import ConfigurationError
from foundation.settings import WhatIf
from positioning.what_if import Inputs
from tests.worlds.positioning_world import AS_OF, World, delivery, sku, supply, transfer

WORLD = World(
    skus=[sku()],
    hubs=[{"hub": "A", "storage_l": 400.0}, {"hub": "B", "storage_l": None}],
    lanes=[delivery("A", "a"), delivery("B", "b"), delivery("A", "b", 3.0), transfer("A", "B", loads_per_departure=1.0, eur_per_load=4.0, load_l=90.0), supply("S", "B")],
    stock={("A", "k"): 60},
    demand={("k", "a"): 2.0, ("k", "b"): 2.0},
)  # fmt: skip


def _inputs() -> Inputs:
    return Inputs(WORLD.tables(), WORLD.forecasts(), WORLD.settings)


def _changed(**keys: Any) -> Inputs:
    return positioning.changed(_inputs(), WhatIf(name="x", **keys), AS_OF)


def _plan(**keys: Any) -> dict[str, pd.DataFrame]:
    under = _changed(**keys)
    return positioning.plan(under.tables, under.forecasts, under.settings, AS_OF)


def test_without_a_change_the_plan_is_the_plan_of_record() -> None:
    record, other = WORLD.plan(), _plan()
    for name, frame in record.items():
        pd.testing.assert_frame_equal(frame, other[name])
    kept = positioning.kept_total_eur(_changed(), record["transfer"], AS_OF)
    assert kept == pytest.approx(record["plan"]["total_eur"].iloc[0])


def test_the_inputs_given_are_left_as_they_are() -> None:
    """They are those of the plan of record; the next what-if starts from them again."""
    given = _inputs()
    keys = {"closed_hubs": ("A",), "transport_factor": {"all": 9.0}, "added_storage_l": {"A": 1.0}}
    positioning.changed(given, WhatIf(name="x", demand_factor={"b": 2.0}, **keys), AS_OF)
    for frames, fresh in ((given.tables, WORLD.tables()), (given.forecasts, WORLD.forecasts())):
        for name, frame in fresh.items():
            pd.testing.assert_frame_equal(frames[name], frame)


def test_a_closed_hub_neither_sends_nor_receives_nor_delivers() -> None:
    frames = _plan(closed_hubs=("B",))
    assert frames["transfer"].empty
    served = _plan(closed_hubs=("A",))["service"].set_index("region")
    assert served.loc["a", "lost_units"] == pytest.approx(served.loc["a", "demand_units"])
    assert _plan(closed_hubs=("A", "B"))["service"]["lost_units"].sum() == pytest.approx(
        _plan()["service"]["demand_units"].sum()
    )


def test_a_lost_lane_carries_no_units() -> None:
    assert "A>B" in set(_plan()["transfer"]["lane"])
    assert "A>B" not in set(_plan(lost_lanes=("A>B",))["transfer"]["lane"])


def test_demand_of_a_region_is_scaled_whole_and_others_stay() -> None:
    forecast = _changed(demand_factor={"b": 1.5}).forecasts
    for name in ("forecast", "forecast_window"):
        was, now = WORLD.forecasts()[name], forecast[name]
        numbers = [column for column in was if column == "mean_units" or column.startswith("q")]
        is_b = was["region"] == "b"
        pd.testing.assert_frame_equal(now.loc[is_b, numbers], was.loc[is_b, numbers] * 1.5)
        pd.testing.assert_frame_equal(now[~is_b], was[~is_b])


def test_transport_costs_more_by_lane_and_by_kind_together() -> None:
    lanes = _changed(transport_factor={"transfer": 2.0, "A>B": 1.5, "delivery": 3.0}).tables["lanes"].set_index("lane")
    was = WORLD.tables()["lanes"].set_index("lane")
    assert lanes.loc["A>B", "eur_per_unit"] == pytest.approx(3 * was.loc["A>B", "eur_per_unit"])
    assert lanes.loc["A>B", "eur_per_load"] == pytest.approx(12.0)
    assert lanes.loc["A>b", "eur_per_unit"] == pytest.approx(9.0)
    assert lanes.loc["S>B", "eur_per_unit"] == was.loc["S>B", "eur_per_unit"]


def test_room_is_added_where_there_is_a_limit() -> None:
    tables = _changed(added_storage_l={"A": 100.0, "B": 100.0}, added_loads={"A>B": 2.0}).tables
    hubs = tables["hubs"].set_index("hub")["storage_l"]
    assert hubs["A"] == 500.0
    assert pd.isna(hubs["B"])
    assert tables["lanes"].set_index("lane").loc["A>B", "loads_per_departure"] == 3.0


def test_more_loads_never_cost_and_a_higher_carbon_price_never_pays() -> None:
    cost = {name: _plan(**keys)["plan"]["total_eur"].iloc[0] for name, keys in {
        "record": {}, "loads": {"added_loads": {"A>B": 3.0}}, "less": {"added_loads": {"A>B": -1.0}},
    }.items()}  # fmt: skip
    assert cost["loads"] <= cost["record"] + 1e-6 <= cost["less"] + 2e-6


def test_keys_of_positioning_take_other_values() -> None:
    assert _changed(positioning={"carbon_eur_per_t": 200}).settings.positioning.carbon_eur_per_t == 200


def test_carrying_out_the_plan_of_record_is_no_better_than_planning_again() -> None:
    """What a planner wins by reacting: never negative, by more than rounding of whole packs and loads."""
    record = WORLD.plan()["transfer"]
    for keys in ({"lost_lanes": ("S>B",)}, {"demand_factor": {"b": 3.0}}, {"closed_hubs": ("B",)}):
        kept = positioning.kept_total_eur(_changed(**keys), record, AS_OF)
        assert kept >= _plan(**keys)["plan"]["total_eur"].iloc[0] - 1e-6


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"closed_hubs": ("C",)}, "closed_hubs: 'C' is not known"),
        ({"lost_lanes": ("A>C",)}, r"lost_lanes: 'A>C' is not known \(did you mean 'A>"),
        ({"demand_factor": {"bb": 1.0}}, "demand_factor: 'bb' is not known"),
        ({"transport_factor": {"truck": 2.0}}, "transport_factor: 'truck' is not known"),
        ({"added_storage_l": {"a": 2.0}}, "added_storage_l: 'a' is not known"),
    ],
)
def test_an_unknown_name_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _changed(**keys)
