"""A released proposal counts once, in whatever order inventory systems record it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from dispatch.ledger import earlier_proposals
from foundation.settings import Settings
from positioning.inputs.inventory import Previous, Stock, is_still_rejected, read_previous, read_stock, with_released
from positioning.inputs.network import build_network
from tests.worlds.proposal_world import decision, ledger, proposal, transfer

NEXT = date(2016, 5, 24)
HUBS, SKUS = ("A", "B"), ("tea",)


@dataclass(frozen=True)
class Netted:
    """Usable units by hub, and units still to come by hub, after netting."""

    usable: dict[str, float]
    coming: dict[str, float]
    previous: Previous


def _net(
    as_of: date = NEXT, stock: pd.DataFrame | None = None, inbound: pd.DataFrame | None = None, **parts: object
) -> Netted:
    """Net 12 tea from A to B, shipped on the 23rd and due on the 25th, 30 on hand at A and 5 at B."""
    held = pd.DataFrame({"date": [pd.Timestamp(as_of)] * 2, "hub": ["A", "B"], "sku": "tea", "units_on_hand": [30, 5]})
    tables = {
        "hubs": pd.DataFrame({"hub": list(HUBS)}),
        "regions": pd.DataFrame({"region": ["r"]}),
        "lanes": pd.DataFrame(
            {"lane": ["A-B"], "origin": ["A"], "destination": ["B"], "kind": ["transfer"], "lead_time_days": [2]}
        ),
        "stock": held if stock is None else stock,
    }
    if inbound is not None:
        tables["inbound"] = inbound
    settings = Settings(positioning={"release_timeout_days": 3})  # type: ignore[arg-type] # a section as a dict
    decisions = ledger(decision("x", "released", "2016-05-23T07:00") | parts)
    ready = pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(hours=6)
    earlier = earlier_proposals(decisions, transfer(proposal("x")), as_of, ready)
    network = build_network(tables, settings, as_of)
    previous = read_previous(earlier, tables, network, SKUS, settings)
    netted = with_released(read_stock(tables, network, SKUS, settings), previous)
    return Netted(_by_hub(netted.usable[0]), _coming(netted), previous)


def _by_hub(units: np.ndarray) -> dict[str, float]:
    return dict(zip(HUBS, units.tolist(), strict=True))


def _coming(stock: Stock) -> dict[str, float]:
    units = np.zeros(len(HUBS))
    np.add.at(units, stock.arrivals["hub"].to_numpy(dtype="int64"), stock.arrivals["units"].to_numpy())
    return _by_hub(units)


def _inbound(**changes: object) -> pd.DataFrame:
    row = {
        "inbound_id": "i", "hub": "B", "sku": "tea", "units": 12, "arrival_date": pd.Timestamp("2016-05-25"),
        "origin": "A", "proposal_id": "x",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def _stock(day: str, **reserved: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.Timestamp(day), "hub": ["A", "B"], "sku": "tea", "units_on_hand": [30, 5],
            "units_reserved": [reserved.get("A", 0), reserved.get("B", 0)],
        }
    )  # fmt: skip


def test_a_release_only_in_the_ledger_counts_at_both_ends() -> None:
    result = _net()
    assert result.usable == {"A": 18, "B": 5}
    assert result.coming == {"A": 0, "B": 12}


def test_a_release_counts_with_the_units_that_a_planner_changed() -> None:
    result = _net(units=24)
    assert result.usable["A"] == 6
    assert result.coming["B"] == 24


def test_a_release_in_inbound_is_counted_by_the_inventory_systems() -> None:
    """By then the origin has booked or reserved the units, and its snapshot excludes them."""
    result = _net(inbound=_inbound())
    assert result.usable == {"A": 30, "B": 5}
    assert result.coming == {"A": 0, "B": 12}


def test_a_release_reserved_at_the_origin_and_in_inbound_counts_once_at_each_end() -> None:
    result = _net(stock=_stock("2016-05-24", A=12), inbound=_inbound())
    assert result.usable == {"A": 18, "B": 5}
    assert result.coming == {"A": 0, "B": 12}


def test_a_reservation_never_replaces_a_release() -> None:
    """A reservation names no proposal and may be a customer's."""
    assert _net(stock=_stock("2016-05-24", A=4)).usable["A"] == 30 - 4 - 12


def test_an_inbound_line_of_another_proposal_does_not_replace_a_release() -> None:
    result = _net(inbound=_inbound(proposal_id="other"))
    assert result.usable["A"] == 18
    assert result.coming["B"] == 24


def test_a_snapshot_on_the_arrival_date_includes_the_release() -> None:
    result = _net(as_of=date(2016, 5, 25), stock=_stock("2016-05-25"))
    assert result.usable == {"A": 30, "B": 5}
    assert result.coming == {"A": 0, "B": 0}


def test_a_snapshot_before_the_arrival_date_does_not_include_the_release() -> None:
    result = _net(as_of=date(2016, 5, 25), stock=_stock("2016-05-24"))
    assert result.usable["A"] == 18
    assert result.coming["B"] == 12


@pytest.mark.parametrize(("as_of", "is_open"), [(date(2016, 5, 25), True), (date(2016, 5, 26), False)])
def test_a_release_not_seen_for_three_days_stops_counting_and_is_reported(as_of: date, is_open: bool) -> None:
    result = _net(as_of=as_of, stock=_stock("2016-05-24"))
    assert (result.usable["A"] == 18) == is_open
    assert len(result.previous.unseen) == (not is_open)


def test_an_executed_release_no_longer_counts_after_inbound_drops_it() -> None:
    """After an early arrival the inbound line is gone and no snapshot is late enough; the ledger has the state."""
    assert _net(status="executed").usable["A"] == 30


def test_an_approved_proposal_is_not_counted_as_released() -> None:
    assert _net(status="approved").usable["A"] == 30


def test_a_line_of_a_removed_hub_is_not_counted() -> None:
    settings, as_of = Settings(), NEXT
    tables = {"hubs": pd.DataFrame({"hub": ["B"]}), "regions": pd.DataFrame({"region": ["r"]})}
    tables["lanes"] = pd.DataFrame(
        {n: pd.Series(dtype=object) for n in ("lane", "origin", "destination", "kind", "lead_time_days")}
    )
    network = build_network(tables, settings, as_of)
    earlier = transfer(proposal("x", status="released", sku="gone"))
    assert read_previous(earlier, tables, network, SKUS, settings).open.empty


@pytest.mark.parametrize(
    ("as_of", "benefit_eur", "is_kept_away"),
    [
        (date(2016, 5, 24), 44.99, True),
        (date(2016, 5, 24), 45.0, False),
        (date(2016, 5, 29), 30.0, True),
        (date(2016, 5, 30), 30.0, False),
    ],
)
def test_a_rejection_holds_for_seven_days_or_until_the_benefit_is_half_as_large_again(
    as_of: date, benefit_eur: float, is_kept_away: bool
) -> None:
    """Rejected on the 23rd at €30: not proposed below €45 and before the 30th, on any departure."""
    previous = _net(as_of=as_of, status="rejected").previous
    assert is_still_rejected(previous, ("transfer", "tea", "A", "B"), benefit_eur) == is_kept_away
    assert not is_still_rejected(previous, ("transfer", "tea", "B", "A"), benefit_eur)


@pytest.mark.parametrize(("due", "coming", "lapsed"), [("2016-05-23", 12, 0), ("2016-03-25", 12, 0), ("2016-03-24", 0, 12), ("2014-12-01", 0, 12)])  # fmt: skip
def test_arrivals_overdue_for_too_long_stop_counting(due: str, coming: int, lapsed: int) -> None:
    """The snapshot is of 2016-05-24: sixty days before it is the last day that still counts."""
    inbound = _inbound(arrival_date=pd.Timestamp(due), proposal_id="other")
    held = pd.DataFrame({"date": [pd.Timestamp(NEXT)] * 2, "hub": ["A", "B"], "sku": "tea", "units_on_hand": [30, 5]})
    tables = {
        "hubs": pd.DataFrame({"hub": list(HUBS)}), "regions": pd.DataFrame({"region": ["r"]}), "stock": held, "inbound": inbound,
        "lanes": pd.DataFrame({"lane": ["A-B"], "origin": ["A"], "destination": ["B"], "kind": ["transfer"], "lead_time_days": [2]}),
    }  # fmt: skip
    result = read_stock(tables, build_network(tables, Settings(), NEXT), SKUS, Settings())
    assert _coming(result)["B"] == coming
    assert result.lapsed["units"].sum() == lapsed
    assert result.usable[0].tolist() == [30, 5]
