"""Synthetic worlds with one planted cause each, which an attribution must name first.

Every world is drawn from a seed: hubs, regions, skus, demand and stock differ, small troubles of every kind are
everywhere, and one trouble is large. ``planted`` says which and where.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import Frequency
from foundation.tables import OUTPUTS
from review.attribution import Hindsight

AS_OF, UNTIL = date(2024, 3, 4), date(2024, 3, 18)
DAYS = (UNTIL - AS_OF).days
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class World:
    """A planning date and the two weeks after it; ``planted`` is the cause, ``hub``, ``region``, ``sku`` and ``carrier`` where it is."""

    hindsight: Hindsight
    planted: str = ""
    hub: str = ""
    region: str = ""
    sku: str = ""
    carrier: str = ""


def world(seed: int) -> World:
    """Return a world without disturbances: stock, orders and forecasts fit demand up to noise."""
    draw = np.random.default_rng(seed)
    hubs, regions, skus = (
        [f"{letter}{number}" for number in range(int(draw.integers(low, high)))]
        for letter, low, high in (("H", 3, 6), ("R", 4, 8), ("K", 5, 12))
    )
    tables = _network(draw, hubs, regions, skus)
    mean = pd.Series(draw.gamma(2.0, 3.0, len(regions) * len(skus)), pd.MultiIndex.from_product([regions, skus]))
    start = pd.Timestamp(AS_OF).as_unit("us")
    days = [start + pd.Timedelta(days=day) for day in range(DAYS)]
    forecast = pd.DataFrame([(d, r, k, m) for (r, k), m in mean.items() for d in days], columns=["date", "region", "sku", "mean_units"])  # type: ignore[misc] # pairs  # fmt: skip
    sales = forecast[["date", "region", "sku"]].assign(units_sold=draw.poisson(forecast["mean_units"]).astype(float))
    nearest = dict(zip(tables["lanes"].query("kind == 'delivery' and distance_km == 10")["destination"], tables["lanes"].query("kind == 'delivery' and distance_km == 10")["origin"], strict=True))  # fmt: skip
    specified = mean.rename_axis(["region", "sku"]).rename("mean").reset_index().assign(hub=lambda rows: rows["region"].map(nearest))  # fmt: skip
    daily = (
        specified.groupby(["hub", "sku"])["mean"]
        .sum()
        .reindex(pd.MultiIndex.from_product([hubs, skus]), fill_value=0.0)
    )
    position, orders = _stock(draw, daily, start)
    tables |= {"inbound": orders, "stock": pd.DataFrame({"date": [start], "hub": hubs[0], "sku": skus[0], "units_on_hand": 0})}  # fmt: skip
    now = tables | {"sales": sales, "inbound": orders.iloc[:0], "stock": tables["stock"].assign(date=pd.Timestamp(UNTIL).as_unit("us"))}  # fmt: skip
    released = pd.DataFrame({name: pd.Series(dtype="object") for name in OUTPUTS["transfer"].names})
    outputs = {"position": position, "forecast": forecast}
    return World(Hindsight(AS_OF, UNTIL, Frequency("D"), tables, now, outputs, released))


def _network(draw: np.random.Generator, hubs: list[str], regions: list[str], skus: list[str]) -> Frames:
    """Return hubs, skus, regions and lanes: each region 10 km from one hub and farther from all others."""
    near = {region: hubs[place % len(hubs)] for place, region in enumerate(regions)}
    lanes = [
        (
            f"{h}>{r}",
            h,
            r,
            "delivery",
            1 if near[r] == h else 3,
            10.0 if near[r] == h else float(draw.uniform(200, 900)),
        )
        for h in hubs
        for r in regions
    ]
    lanes += [(f"SUP>{h}", "SUP", h, "supply", 5, 50.0) for h in hubs]
    return {
        "hubs": pd.DataFrame({"hub": hubs}), "regions": pd.DataFrame({"region": regions}),
        "skus": pd.DataFrame({"sku": skus, "unit_cost_eur": draw.uniform(2, 9, len(skus))}),
        "lanes": pd.DataFrame(lanes, columns=["lane", "origin", "destination", "kind", "lead_time_days", "distance_km"]).assign(eur_per_unit=1.0),
    }  # fmt: skip


def _stock(draw: np.random.Generator, daily: pd.Series, start: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return stock of about eight days at every hub, and an order of about eight more due on the sixth day."""
    noise = draw.uniform(0.95, 1.15, len(daily))
    keys = daily.index.to_frame(index=False, name=["hub", "sku"])
    position = keys.assign(units_on_hand=np.round(8 * daily.to_numpy() * noise), expected_demand_units=DAYS * daily.to_numpy())  # fmt: skip
    late = draw.random(len(keys)) < 0.1  # an order in ten is a day late anyway
    arrival = start + pd.to_timedelta(np.where(late, 7, 6), unit="D")
    orders = keys.assign(
        inbound_id=[f"PO{number}" for number in range(len(keys))], units=np.round(8 * daily.to_numpy()), origin="SUP",
        arrival_date=pd.Series(arrival).dt.as_unit("us"), proposal_id=None,
    )  # fmt: skip
    return position, orders


def _with(built: World, part: str, **frames: pd.DataFrame) -> World:
    hindsight = built.hindsight
    return replace(built, hindsight=replace(hindsight, **{part: {**getattr(hindsight, part), **frames}}))


def hub_emptied(seed: int) -> World:
    """Plant: all of one hub's stock of a sku stands at the other hubs, and its order is small."""
    built, draw = world(seed), np.random.default_rng(seed + 1000)
    position = built.hindsight.outputs["position"].copy()
    hub, sku = _busy(position, draw)
    is_sku, is_hub = position["sku"] == sku, position["hub"] == hub
    moved = float(position.loc[is_sku & is_hub, "units_on_hand"].iloc[0])
    others = int((is_sku & ~is_hub).sum())
    position.loc[is_sku & ~is_hub, "units_on_hand"] += np.round(moved / others)
    position.loc[is_sku & is_hub, "units_on_hand"] = 0.0
    return replace(_with(built, "outputs", position=position), planted="placement", hub=hub, sku=sku)


def lane_closed(seed: int) -> World:
    """Plant: the supply lane into a hub closes after the planning date; its orders never arrive."""
    built, draw = world(seed), np.random.default_rng(seed + 2000)
    hub, sku = _busy(built.hindsight.outputs["position"], draw)
    lanes = built.hindsight.now["lanes"]
    orders = built.hindsight.then["inbound"]
    stuck = orders[orders["hub"] == hub].assign(arrival_date=pd.Timestamp(AS_OF).as_unit("us"))
    built = _with(built, "now", lanes=lanes[lanes["lane"] != f"SUP>{hub}"], inbound=stuck)
    return replace(built, planted="lane", hub=hub, sku=sku)


def order_late(seed: int) -> World:
    """Plant: a hub's orders of one sku come a week later than they were confirmed for."""
    built, draw = world(seed), np.random.default_rng(seed + 3000)
    hub, sku = _busy(built.hindsight.outputs["position"], draw)
    orders = built.hindsight.then["inbound"]
    late = orders[(orders["hub"] == hub) & (orders["sku"] == sku)]
    late = late.assign(arrival_date=pd.Timestamp(UNTIL).as_unit("us") + pd.Timedelta(days=1))
    return replace(_with(built, "now", inbound=late), planted="late_arrival", hub=hub, sku=sku)


def demand_missed(seed: int) -> World:
    """Plant: customers of one sku want three times what was forecast."""
    built, draw = world(seed), np.random.default_rng(seed + 4000)
    hub, sku = _busy(built.hindsight.outputs["position"], draw)
    sales = built.hindsight.now["sales"].copy()
    sales.loc[sales["sku"] == sku, "units_sold"] *= 3
    return replace(_with(built, "now", sales=sales), planted="forecast", hub=hub, sku=sku)


def _busy(position: pd.DataFrame, draw: np.random.Generator) -> tuple[str, str]:
    """Return a hub and a sku with real demand there."""
    rows = position[position["expected_demand_units"] > 40].sort_values(["hub", "sku"])
    row = rows.iloc[int(draw.integers(len(rows)))]
    return str(row["hub"]), str(row["sku"])


def carrier_slow(seed: int) -> World:
    """Plant: one carrier takes four days more in one region; of all parcels some are unready, misplaced or slow."""
    built, draw = world(seed), np.random.default_rng(seed + 5000)
    regions = sorted(built.hindsight.now["regions"]["region"])
    region, carrier = str(draw.choice(regions)), str(draw.choice(["swift", "stork"]))
    parcels = _parcels(built, draw)
    is_slow = (parcels["region"] == region) & (parcels["carrier"] == carrier)
    parcels.loc[is_slow, "delivered_at"] += pd.Timedelta(days=4)
    return replace(_with(built, "now", deliveries=parcels), planted="carrier", region=region, carrier=carrier)


def hub_unready(seed: int) -> World:
    """Plant: one hub misses the cut-off for half of its parcels, which leave two days later."""
    built, draw = world(seed), np.random.default_rng(seed + 6000)
    parcels = _parcels(built, draw)
    hub = str(parcels["hub"].value_counts().index[0])
    is_late = (parcels["hub"] == hub) & (draw.random(len(parcels)) < 0.5)
    for name in ("picked_up_at", "delivered_at"):
        parcels.loc[is_late, name] += pd.Timedelta(days=2)
    parcels.loc[is_late, "ready_at"] = parcels.loc[is_late, "cutoff_at"] + pd.Timedelta(hours=2)
    return replace(_with(built, "now", deliveries=parcels), planted="hub_not_ready", hub=hub)


def stock_misplaced(seed: int) -> World:
    """Plant: parcels of one region come from a far hub, two days farther than the nearest."""
    built, draw = world(seed), np.random.default_rng(seed + 7000)
    parcels = _parcels(built, draw)
    region = str(draw.choice(sorted(parcels["region"].unique())))
    near = parcels.loc[parcels["region"] == region, "hub"].value_counts().index[0]
    far = sorted(set(built.hindsight.now["hubs"]["hub"]) - {near})[0]
    is_far = parcels["region"] == region
    parcels.loc[is_far, "delivered_at"] += pd.Timedelta(days=2)
    parcels.loc[is_far, "hub"] = far
    return replace(_with(built, "now", deliveries=parcels), planted="wrong_hub", region=region)


def _parcels(built: World, draw: np.random.Generator) -> pd.DataFrame:
    """Return parcels promised in two days that take one from the nearest hub, with a few of every problem."""
    lanes = built.hindsight.now["lanes"].query("kind == 'delivery'").sort_values("distance_km")
    near = lanes.drop_duplicates("destination").set_index("destination")["origin"]
    count = 900
    region = draw.choice(sorted(near.index), count)
    day = pd.Timestamp(AS_OF, tz="UTC") + pd.to_timedelta(draw.integers(0, 8, count), unit="D")
    cutoff = day + pd.Timedelta(hours=18)
    waits, slow = draw.random(count) < 0.02, draw.random(count) < 0.02
    picked = cutoff + pd.to_timedelta(np.where(waits, 2, 0), unit="D")
    delivered = picked + pd.to_timedelta(draw.uniform(0.5, 0.95, count) + np.where(slow, 2, 0), unit="D")
    return pd.DataFrame({
        "delivery_id": [f"P{number}" for number in range(count)], "date": day.tz_localize(None), "region": region,
        "hub": near.reindex(region).to_numpy(), "carrier": draw.choice(["swift", "stork", "heron"], count),
        "sku": draw.choice(built.hindsight.now["skus"]["sku"], count), "ready_at": cutoff - pd.Timedelta(hours=3) + pd.to_timedelta(np.where(waits, 5, 0), unit="h"),
        "cutoff_at": cutoff, "picked_up_at": picked, "promised_at": day + pd.Timedelta(days=2), "delivered_at": delivered,
    })  # fmt: skip


def product_returned(seed: int) -> World:
    """Plant: one sku comes back four times as often for one reason; every sku comes back a little for all of them."""
    built, draw = world(seed), np.random.default_rng(seed + 8000)
    sales = built.hindsight.now["sales"]
    sku, reason = str(_busy(built.hindsight.outputs["position"], draw)[1]), str(draw.choice(["broken", "too small"]))
    rows = []
    for name in ("broken", "too small", "changed mind"):
        rate = np.where((sales["sku"] == sku) & (name == reason), 0.16, 0.04)
        rows.append(sales.assign(units_returned=draw.poisson(sales["units_sold"] * rate), reason=name))
    returns = pd.concat(rows, ignore_index=True).query("units_returned > 0").drop(columns="units_sold")
    returns = returns.assign(order_date=returns["date"], date=returns["date"] + pd.Timedelta(days=5))
    return replace(_with(built, "now", returns=returns), planted=reason, sku=sku)
