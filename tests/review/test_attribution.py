"""A planted cause is named first, the shares of all causes add up to one, and worlds without disturbances have no cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from review.attribution import late_parcels, return_findings, stockouts
from review.attribution.parcels import shrunk
from review.attribution.shapley import shapley
from tests.worlds import planted_causes as plants
from tests.worlds.planted_causes import UNTIL, World

TRIES, ENOUGH = 20, 18
Plant = Callable[[int], World]


def _first_of_stockout(built: World) -> str:
    causes = stockouts(built.hindsight)
    selected = causes[(causes["hub"] == built.hub) & (causes["sku"] == built.sku)]
    return "" if selected.empty else str(selected.sort_values("share_rate").iloc[-1]["cause"])


@pytest.mark.slow
@pytest.mark.parametrize("plant", [plants.hub_emptied, plants.lane_closed, plants.order_late, plants.demand_missed])
def test_why_a_hub_ran_out_names_the_planted_cause_first(plant: Plant) -> None:
    built = [plant(seed) for seed in range(TRIES)]
    assert sum(_first_of_stockout(one) == one.planted for one in built) >= ENOUGH


@pytest.mark.parametrize("plant", [plants.hub_emptied, plants.lane_closed, plants.order_late, plants.demand_missed])
def test_shares_of_every_hub_that_ran_out_add_up_to_one(plant: Plant) -> None:
    causes = stockouts(plant(3).hindsight)
    assert causes.groupby(["hub", "sku"])["share_rate"].sum().to_numpy() == pytest.approx(1.0)
    assert causes["share_rate"].between(0, 1).all()
    assert set(causes.groupby(["hub", "sku"]).size()) == {5}


@pytest.mark.slow
@pytest.mark.parametrize("plant", [plants.carrier_slow, plants.hub_unready, plants.stock_misplaced])
def test_why_parcels_were_late_names_the_planted_cause_and_place_first(plant: Plant) -> None:
    """A problem of the carrier must not be attributed upstream, and vice versa."""
    hits = 0
    for seed in range(TRIES):
        built = plant(seed)
        causes = late_parcels(built.hindsight.now, UNTIL)
        by_cause = causes.groupby("cause")["caused_units"].sum()
        places = causes[causes["cause"] == built.planted]
        where = {key: places.groupby(key)["caused_units"].sum().idxmax() for key in ("hub", "region", "carrier")}
        is_there = all(getattr(built, key) in ("", name) for key, name in where.items())
        hits += by_cause.idxmax() == built.planted and is_there
        assert causes["share_rate"].sum() == pytest.approx(1.0)
        assert causes["caused_units"].sum() == pytest.approx(round(causes["caused_units"].sum()))
    assert hits >= ENOUGH


@pytest.mark.slow
def test_unusual_returns_name_the_planted_sku_and_reason_first() -> None:
    hits = 0
    for seed in range(TRIES):
        built = plants.product_returned(seed)
        service = built.hindsight.outputs["forecast"].groupby(["region", "sku"], as_index=False)["mean_units"].sum()
        service = service.rename(columns={"mean_units": "demand_units"}).assign(lost_units=0.0)
        first = return_findings(built.hindsight.now, service).iloc[0]
        hits += (first["kind"], first["place"], first["reason"]) == ("sku", built.sku, built.planted) and first[
            "is_outlier"
        ]
    assert hits >= ENOUGH


def test_without_disturbances_there_is_no_stockout() -> None:
    built = plants.world(1).hindsight
    expected = built.outputs["forecast"].rename(columns={"mean_units": "units_sold"})
    assert stockouts(replace(built, now=built.now | {"sales": expected})).empty


def test_demand_during_a_stockout_is_the_forecast_and_is_attributed_to_stock() -> None:
    """Sales of an empty shelf are zero; they must not be read as zero demand."""
    built = plants.hub_emptied(2)
    now = built.hindsight.now
    sales = now["sales"].assign(in_stock_rate=1.0)
    regions = now["lanes"].query("kind == 'delivery' and distance_km == 10 and origin == @built.hub")["destination"]
    is_empty = (sales["sku"] == built.sku) & sales["region"].isin(regions)
    sales.loc[is_empty, ["units_sold", "in_stock_rate"]] = 0.0
    built = replace(built, hindsight=replace(built.hindsight, now=now | {"sales": sales}))
    assert _first_of_stockout(built) == "placement"


def test_a_released_proposal_whose_lane_stopped_is_the_lanes() -> None:
    built = plants.world(5)
    position = built.hindsight.outputs["position"]
    row = position.sort_values("expected_demand_units").iloc[-1]
    line = {"as_of": pd.Timestamp(plants.AS_OF), "proposal_id": "p", "kind": "supply", "sku": row["sku"], "origin": "SUP", "destination": row["hub"],
            "units": row["expected_demand_units"], "arrival_date": pd.Timestamp(plants.AS_OF) + pd.Timedelta(days=2), "status": "released"}  # fmt: skip
    inbound = built.hindsight.then["inbound"]
    then = built.hindsight.then | {"inbound": inbound[(inbound["hub"] != row["hub"]) | (inbound["sku"] != row["sku"])]}
    lanes = built.hindsight.now["lanes"]
    now = built.hindsight.now | {"lanes": lanes[lanes["lane"] != f"SUP>{row['hub']}"]}
    built = replace(built, hub=row["hub"], sku=row["sku"])
    hindsight = replace(built.hindsight, then=then, now=now, released=pd.DataFrame([line]))
    assert _first_of_stockout(replace(built, hindsight=hindsight)) == "lane"
    running = replace(hindsight, now=built.hindsight.now)
    causes = stockouts(running)
    assert causes[(causes["hub"] == row["hub"]) & (causes["sku"] == row["sku"])].empty


def test_without_parcels_and_returns_there_are_no_findings() -> None:
    built = plants.world(1).hindsight
    assert late_parcels(built.now, UNTIL).empty
    assert return_findings(built.now, pd.DataFrame()).empty


def test_a_parcel_that_never_came_is_late_and_one_on_time_is_not() -> None:
    built = plants.carrier_slow(4)
    parcels = built.hindsight.now["deliveries"].head(2).copy()
    parcels["delivered_at"] = [pd.NaT, parcels["promised_at"].iloc[1]]
    causes = late_parcels(built.hindsight.now | {"deliveries": parcels}, UNTIL)
    assert causes["caused_units"].sum() == pytest.approx(1.0)


def test_shapley_values_are_efficient_and_zero_for_irrelevant_causes() -> None:
    draw = np.random.default_rng(7)
    worth = {mask: float(draw.uniform(0, 9)) for mask in range(4)}
    left = lambda removed: np.array(20.0 - worth[sum(1 << cause for cause in removed if cause < 2)])  # noqa: E731 - a game of two, and a bystander
    shares = shapley(3, left)
    assert shares.sum() == pytest.approx(float(left(frozenset()) - left(frozenset({0, 1, 2}))))
    assert shares[2] == pytest.approx(0.0)


def test_rates_are_shrunk_the_more_the_less_was_sold() -> None:
    events, exposure = np.array([3.0, 300.0, 20.0, 25.0, 18.0]), np.array([10.0, 1000.0, 500.0, 500.0, 500.0])
    rate, low, mean = shrunk(events, exposure)
    assert mean < rate[0] < rate[1] == pytest.approx(0.3, abs=0.01)
    assert (low <= rate).all()
    same, _, common = shrunk(np.full(4, 5.0), np.full(4, 100.0))
    assert same == pytest.approx(common)
