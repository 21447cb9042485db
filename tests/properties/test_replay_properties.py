"""Properties of every replay: units are conserved, no policy costs less than the bound, more stock never serves less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from foundation.settings import Settings
from positioning.simulation.base_stock import BaseStock
from positioning.simulation.engine import Game, NoShipments, Policy, play, serve
from positioning.simulation.ledger import Ledger
from positioning.simulation.perfect_foresight import bound_eur
from tests.worlds.replay_worlds import Scripted, game, settings, tables

PERIODS = 6
_SKUS = ("k", "m")
_HUBS, _REGIONS = ("A", "B"), ("X", "Y")
_FEW = st.integers(0, 12)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, pd.DataFrame], Settings]:
    """Draw stock, demand before and during the replay, packs, loads, capacities and prices."""
    stock = {(hub, sku): draw(_FEW) for hub in _HUBS for sku in _SKUS}
    sales = {
        (region, sku): draw(st.lists(_FEW, min_size=PERIODS, max_size=PERIODS)) for region in _REGIONS for sku in _SKUS
    }
    world = tables(stock, sales)
    before = world["sales"].assign(date=world["sales"]["date"] - pd.Timedelta(days=PERIODS))
    world["sales"] = pd.concat([before, world["sales"]], ignore_index=True)
    world["skus"]["pack_units"] = draw(st.sampled_from([1, 3]))
    world["skus"]["volume_l"] = draw(st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=2, max_size=2))
    world["supply"]["min_order_units"] = draw(st.sampled_from([0, 4]))
    world["supply"]["unit_cost_eur"] = draw(st.sampled_from([3.0, 4.0, 5.0]))
    world["supply"]["units_available"] = draw(st.sampled_from([np.nan, 5.0]))
    world["lanes"]["eur_per_load"] = draw(st.sampled_from([0.0, 6.0]))
    world["lanes"]["load_l"] = draw(st.sampled_from([np.nan, 4.0]))
    world["lanes"]["load_kg"] = draw(st.sampled_from([np.nan, 10.0]))
    world["lanes"]["loads_per_departure"] = draw(st.sampled_from([np.nan, 1.0, 3.0]))
    world["lanes"]["departs"] = draw(st.sampled_from(["", "Mon|Wed"]))
    world["hubs"]["storage_l"] = draw(st.sampled_from([np.nan, 9.0]))
    specified = settings(
        churn_eur_per_unit=draw(st.sampled_from([0.0, 0.05])), carbon_eur_per_t=draw(st.sampled_from([0.0, 80.0]))
    )
    return world, specified


@st.composite
def scripts(draw: st.DrawFn) -> Scripted:
    """Draw any shipments, feasible or not."""
    line = st.tuples(st.integers(0, PERIODS - 1), st.sampled_from(_SKUS), st.sampled_from(["A>B", "B>A", "S>A"]), _FEW)
    return Scripted(*draw(st.lists(line, max_size=12)))


def _played(drawn: tuple[dict[str, pd.DataFrame], Settings], policy: Policy) -> tuple[Game, Ledger]:
    played = game(drawn[0], PERIODS, drawn[1], past_periods=PERIODS)
    return played, play(played, policy)


@budget(max_examples=60, deadline=None, derandomize=True)
@given(worlds(), scripts(), st.sampled_from([0.0, 1.0]), st.booleans())
def test_a_replay_conserves_units_and_costs_no_less_than_the_bound(
    drawn: tuple[dict[str, pd.DataFrame], Settings], script: Scripted, z: float, with_goods: bool
) -> None:
    """One test of several properties, because reading a world takes longer than replaying it."""
    played, ledger = _played(drawn, script)
    _assert_units_are_conserved(played, ledger, drawn[0]["supply"]["unit_cost_eur"].iloc[0])
    _assert_only_stock_is_used(ledger)
    first, second = (play(played, BaseStock(z, 0.0, 1)) for _ in range(2))
    assert (first.eur == second.eur).all()
    bound = bound_eur(played, with_goods=with_goods).sum()
    for result in (play(played, NoShipments()), ledger, first):
        assert result.value_eur(with_goods=with_goods) >= bound - 1e-6, "the bound would make every `closed` wrong"


def _assert_units_are_conserved(played: Game, ledger: Ledger, purchase_eur: float) -> None:
    """Assert opening + bought = served + left; units that leave a hub arrive or are still in transit."""
    opening = int(played.opening.on_hand.sum() + played.opening.arriving.sum())
    goods_eur = ledger.value_eur(with_goods=True) - ledger.value_eur(with_goods=False)
    left = opening + ledger.count("supplied") - ledger.count("served")
    assert left >= int(ledger.stock[:, :, -1].sum()) >= 0
    assert np.isclose(goods_eur, left * 4.0 * 0.02 + ledger.count("supplied") * (purchase_eur - 4.0))


def _assert_only_stock_is_used(ledger: Ledger) -> None:
    assert (ledger.stock >= 0).all()
    assert (ledger.units >= 0).all()
    assert ledger.count("served") <= ledger.count("demanded")
    assert ledger.count("local") <= ledger.count("served")


@budget(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(_FEW, min_size=3, max_size=3),
    st.lists(_FEW, min_size=4, max_size=4),
    st.integers(0, 2),
    st.permutations(range(3)),
)
def test_more_stock_never_serves_less(stock: list[int], demand: list[int], hub: int, order: list[int]) -> None:
    """In one period, with any common preference of the regions, whichever hub gets one unit more."""
    preference = np.array([[order] * 4], dtype=np.int64)
    one_more = [units + (place == hub) for place, units in enumerate(stock)]
    filled = [
        serve(np.array([units], dtype=np.int64), np.array([demand]), preference, np.ones(3, dtype=bool)).sum()
        for units in (stock, one_more)
    ]
    assert filled[1] >= filled[0]


@budget(max_examples=40, deadline=None, derandomize=True)
@given(worlds())
def test_more_opening_stock_never_serves_less_without_shipments(
    drawn: tuple[dict[str, pd.DataFrame], Settings],
) -> None:
    """Over the whole replay, in a network where every hub reaches every region."""
    played, fewer = _played(drawn, NoShipments())
    opening = played.opening.copy()
    opening.on_hand += 1
    more = play(replace(played, opening=opening), NoShipments())
    assert more.count("served") >= fewer.count("served")
