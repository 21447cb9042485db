"""The admission rule: departures, packs, and capacities cut the requests of every policy alike."""

from __future__ import annotations

import pandas as pd
import pytest

from positioning.simulation.admission import departures
from positioning.simulation.engine import play
from tests.worlds.replay_worlds import Scripted, game, settings, tables

_QUIET = {("X", "k"): [0.0] * 8, ("Y", "k"): [0.0] * 8}


def _moved(world: dict[str, pd.DataFrame], *lines: tuple[int, str, str, int], **positioning: object) -> tuple[int, int]:
    ledger = play(game(world, 8, settings(**positioning)), Scripted(*lines))
    return ledger.count("transferred") + ledger.count("supplied"), ledger.refused_units


def test_no_hub_gives_more_than_it_has_less_its_minimum() -> None:
    world = tables({("A", "k"): 5}, _QUIET)
    world["hub_skus"] = pd.DataFrame({"hub": ["A"], "sku": ["k"], "min_units": [2]})
    assert _moved(world, (0, "k", "A>B", 9)) == (3, 6)


def test_transfers_are_whole_packs_of_the_sku_and_orders_of_the_supplier() -> None:
    world = tables({("A", "k"): 50}, _QUIET)
    world["skus"]["pack_units"], world["supply"]["pack_units"] = 6, 4
    assert _moved(world, (0, "k", "A>B", 17)) == (12, 5)
    assert _moved(world, (0, "k", "S>A", 17)) == (16, 1)


def test_an_order_below_the_least_order_is_not_placed() -> None:
    world = tables({("A", "k"): 0}, _QUIET)
    world["supply"]["min_order_units"] = 10
    assert _moved(world, (0, "k", "S>A", 9)) == (0, 9)
    assert _moved(world, (0, "k", "S>A", 10)) == (10, 0)


def test_units_of_the_supplier_are_used_up_over_the_replay() -> None:
    world = tables({("A", "k"): 0}, _QUIET)
    world["supply"]["units_available"] = 12
    assert _moved(world, (0, "k", "S>A", 8), (1, "k", "S>A", 8)) == (12, 4)


@pytest.mark.parametrize(
    ("column", "limit"), [("storage_l", 7), ("inbound_units_per_period", 4), ("outbound_units_per_period", 4)]
)
def test_capacities_of_a_hub_cut_added_units(column: str, limit: int) -> None:
    """B holds 3 liters already, so 7 liters of storage leave room for 4."""
    world = tables({("A", "k"): 50, ("B", "k"): 3}, _QUIET)
    world["hubs"][column] = limit
    if column == "storage_l":
        world["hubs"].loc[0, column] = 1000
    assert _moved(world, (0, "k", "A>B", 9)) == (4, 5)


def test_confirmed_arrivals_take_their_room_first() -> None:
    world = tables({("A", "k"): 50}, _QUIET)
    world["hubs"]["inbound_units_per_period"] = 10
    line = {"inbound_id": "1", "hub": "B", "sku": "k", "units": 8, "arrival_date": pd.Timestamp("2024-01-02")}
    world["inbound"] = pd.DataFrame([line])
    assert _moved(world, (0, "k", "A>B", 9)) == (2, 7)


def test_a_departure_carries_no_more_than_its_loads_and_pays_each_started_one() -> None:
    """10 liters a load, two loads: 20 of 25 units leave, in two loads of 30 €; 11 units also need two."""
    world = tables({("A", "k"): 50}, _QUIET)
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"], world["lanes"]["loads_per_departure"] = 30.0, 10.0, 2.0
    assert _moved(world, (0, "k", "A>B", 25)) == (20, 5)
    ledger = play(game(world, 8), Scripted((0, "k", "A>B", 11)))
    assert ledger.term_eur("transfer_eur") == pytest.approx(11 * 0.5 + 60)


def test_lines_share_a_load_by_the_dimension_that_fills_it() -> None:
    """Both weigh 2 kg of the 100 kg, but 1 and 3 of the 4 liters: volume decides, 30 € fall 10 to 20."""
    world = tables({("A", "k"): 5, ("A", "m"): 5}, {**_QUIET, ("X", "m"): [0.0] * 8})
    world["skus"]["volume_l"] = [1.0, 1.0]
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"], world["lanes"]["load_kg"] = 30.0, 4.0, 100.0
    ledger = play(game(world, 8), Scripted((0, "k", "A>B", 1), (0, "m", "A>B", 2)))
    assert ledger.eur[0].sum(axis=1).tolist() == [pytest.approx(10.5), pytest.approx(21.0)]


def test_classes_of_hubs_and_lanes_are_kept() -> None:
    world = tables({("A", "k"): 5}, _QUIET)
    world["skus"]["handling_class"] = "chilled"
    world["hubs"]["handling_classes"] = ["ambient|chilled", "ambient"]
    assert _moved(world, (0, "k", "A>B", 5)) == (0, 5)


def test_a_line_for_a_day_the_lane_does_not_leave_stays() -> None:
    """Monday decides on Monday's departure. The next departure is on Thursday, and Thursday decides on it."""
    world = tables({("A", "k"): 50}, _QUIET)
    world["lanes"]["departs"] = "Mon|Thu"
    assert _moved(world, (0, "k", "A>B", 1), (1, "k", "A>B", 2), (3, "k", "A>B", 4)) == (5, 2)


def test_a_missed_cutoff_moves_the_decision_to_the_day_before() -> None:
    """A cut-off at 05:00 is gone at 06:00: tonight decides tomorrow's departure; 06:00 itself is met."""
    world = tables({("A", "k"): 50}, _QUIET)
    world["lanes"]["cutoff"] = ["18:00"] * 4 + ["05:00", "06:00", "18:00"]
    played = game(world, 8)
    leaving = departures(played.network, 0, played.ready_minutes, 20)
    assert leaving.ship_day.tolist() == [1, 0, 0]
    assert leaving.is_decided.all()


def test_frozen_stock_stays_until_the_day() -> None:
    world = tables({("A", "k"): 5}, _QUIET)
    world["hub_skus"] = pd.DataFrame({"hub": ["A"], "sku": ["k"], "frozen_until": [pd.Timestamp("2024-01-03")]})
    assert _moved(world, (1, "k", "A>B", 2), (2, "k", "A>B", 3)) == (3, 2)


def test_a_closed_hub_neither_receives_nor_serves() -> None:
    world = tables({("A", "k"): 5, ("B", "k"): 5}, {("X", "k"): [0.0] * 8, ("Y", "k"): [1.0] * 8})
    world["hub_capacity"] = pd.DataFrame({"hub": ["B"], "from_date": [pd.Timestamp("2024-01-01")], "is_open": [False]})
    ledger = play(game(world, 8), Scripted((0, "k", "A>B", 3)))
    assert ledger.count("transferred") == 0
    assert ledger.count("local") == 0


def test_outlook_lines_are_left_to_a_later_decision() -> None:
    class Outlook(Scripted):
        def decide(self, point: object) -> pd.DataFrame:
            return super().decide(point).assign(is_outlook=True)

    world = tables({("A", "k"): 5}, _QUIET)
    ledger = play(game(world, 8), Outlook((0, "k", "A>B", 3)))
    assert (ledger.count("transferred"), ledger.refused_units) == (0, 0)
