"""What can never be used or served: lanes too slow for the horizon, places and handling classes no lane serves.

A plan without them is valid and silently poorer, so these are doubts. Not here: lanes that contradict themselves (``network``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from foundation.errors import Doubt, listed
from foundation.periods import as_timestamp
from foundation.validation.given import Given

_SOLD_WITHIN_DAYS = 28
_VERBS = {"supply": "ordered", "transfer": "transferred"}


def reach_doubts(given: Given) -> Iterator[Doubt]:
    """Yield what the network can never use or serve."""
    if not given.has("lanes", "lane", "kind", "origin", "destination", "lead_time_days"):
        return
    yield from _slow_lanes(given)
    yield from _cut_cover(given)
    yield from _lanes_without_room(given)
    yield from _unserved_regions(given)
    yield from _unserved_classes(given)
    yield from _idle_hubs(given)


def recent_units(given: Given) -> pd.DataFrame:
    """Return units sold in the last four weeks before ``as_of`` by region and SKU: ``region sku units_sold``."""
    if not given.has("sales", "date", "region", "sku", "units_sold"):
        return pd.DataFrame(
            {"region": pd.Series(dtype="str"), "sku": pd.Series(dtype="str"), "units_sold": pd.Series(dtype="float64")}
        )
    sales = given.tables["sales"]
    recent = sales[sales["date"] >= as_timestamp(given.as_of) - pd.Timedelta(days=_SOLD_WITHIN_DAYS)]
    summed = recent.groupby(["region", "sku"], observed=True)["units_sold"].sum().reset_index()
    return summed.astype({"region": "str", "sku": "str"})


def _slow_lanes(given: Given) -> Iterator[Doubt]:
    """Lanes whose goods arrive after the window the plan looks at, whatever the day they leave."""
    specified, period = given.settings.positioning, given.settings.grid.days
    horizon = given.settings.horizon * period
    window = horizon if specified.cover_days is None else min(-(-specified.cover_days // period) * period, horizon)
    lead = given.numbers("lanes", "lead_time_days")
    arrival = np.ceil(lead / period) * period
    for kind in specified.kinds:
        is_slow = (given.texts("lanes", "kind") == kind) & (arrival >= window)
        if not is_slow.any():
            continue
        days = sorted({int(day) for day in lead[is_slow]})
        take = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
        needed = int(-(-(days[-1] + specified.review_days) // period))
        weeks = f" {'week' if given.settings.horizon == 1 else 'weeks'}" if period > 1 else ""
        limit, remedy = f"the horizon is {given.settings.horizon}{weeks}", f"set horizon to {needed} or more"
        if window < horizon:
            limit = f"positioning.cover_days is {specified.cover_days}"
            remedy = f"set positioning.cover_days to {needed * period} or more" + (
                f" and horizon to {needed} or more" if needed > given.settings.horizon else ""
            )
        lanes = f"{is_slow.sum()} {kind} {'lane takes' if is_slow.sum() == 1 else 'lanes take'}"
        names = listed(sorted(given.texts("lanes", "lane")[is_slow]))
        label = f"{lanes} {take} days, {limit}; nothing is ever {_VERBS[kind]} on them ({names})"
        yield Doubt("lanes", "lead_time_days", label, remedy)


def _cut_cover(given: Given) -> Iterator[Doubt]:
    """Order lanes whose goods arrive in time, but must last for longer than the horizon reaches."""
    specified, period = given.settings.positioning, given.settings.grid.days
    horizon = given.settings.horizon * period
    if specified.cover_days is not None or "supply" not in specified.kinds:
        return
    lead = given.numbers("lanes", "lead_time_days")
    in_time = np.ceil(lead / period) * period < horizon
    is_cut = (given.texts("lanes", "kind") == "supply") & in_time & (lead + specified.review_days > horizon)
    if is_cut.any():
        longest = int(lead[is_cut].max())
        needed = -(-(longest + specified.review_days) // period)
        label = (
            f"of kind supply take up to {longest} days, {longest + specified.review_days} with positioning.review_days, beyond the horizon "
            f"of {horizon} days ({listed(sorted(given.texts('lanes', 'lane')[is_cut]))}); orders on them leave out the demand beyond it"
        )
        yield Doubt("lanes", "lead_time_days", label, f"set horizon to {needed} or more", int(is_cut.sum()))


def _lanes_without_room(given: Given) -> Iterator[Doubt]:
    """Lanes whose departures carry nothing: no load, or loads smaller than every SKU."""
    moving = np.isin(given.texts("lanes", "kind"), given.settings.positioning.kinds)
    smallest = {
        "load_l": given.numbers("skus", "volume_l", 0.0).min() if given.has("skus") else 0.0,
        "load_kg": given.numbers("skus", "mass_kg", 0.0).min() if given.has("skus") else 0.0,
    }
    none = {"loads_per_departure": given.numbers("lanes", "loads_per_departure", np.inf) < 1}
    none |= {name: given.numbers("lanes", name, np.inf) < least for name, least in smallest.items()}
    for name, is_none in none.items():
        if (result := moving & is_none).any():
            label = f"{result.sum()} of {moving.sum()} lanes can carry no SKU ({listed(sorted(given.texts('lanes', 'lane')[result]))}); nothing is ever sent on them"
            yield Doubt("lanes", name, label, "correct the value, or leave it empty for no limit")


def _unserved_regions(given: Given) -> Iterator[Doubt]:
    served = set(given.texts("lanes", "destination")[given.texts("lanes", "kind") == "delivery"])
    regions = sorted(set(given.texts("regions", "region")) - served) if given.has("regions", "region") else []
    if regions:
        sold = recent_units(given)
        units = sold.loc[sold["region"].isin(regions), "units_sold"].sum()
        label = f"{len(regions)} without a delivery lane, first: {listed(regions)}; all their demand ({units:,.0f} units sold in the last {_SOLD_WITHIN_DAYS} days) will count as lost"
        yield Doubt("regions", "region", label, "add a lane of kind delivery to each, or remove them")


def _unserved_classes(given: Given) -> Iterator[Doubt]:
    """SKUs sold lately in regions that no hub and lane which may carry their handling class delivers to."""
    if not given.has("skus", "sku") or not given.has("hubs", "hub"):
        return
    of_hub = dict(zip(given.texts("hubs", "hub"), given.texts("hubs", "handling_classes"), strict=True))
    kinds = given.texts("lanes", "kind")
    rows = zip(
        kinds,
        given.texts("lanes", "origin"),
        given.texts("lanes", "destination"),
        given.texts("lanes", "handling_classes"),
        strict=True,
    )
    deliveries = [(of_hub.get(hub, ""), region, classes) for kind, hub, region, classes in rows if kind == "delivery"]
    class_of = dict(zip(given.texts("skus", "sku"), given.texts("skus", "handling_class", "ambient"), strict=True))
    reachable = {
        name: {region for hub, region, lane in deliveries if _carries(hub, name) and _carries(lane, name)}
        for name in sorted(set(class_of.values()))
    }
    anywhere = {region for _, region, _ in deliveries}
    sold = recent_units(given)
    sold = sold[(sold["units_sold"] > 0) & sold["region"].isin(anywhere)].assign(
        name=lambda rows: rows["sku"].map(class_of)
    )
    for name, rows_of_class in sold.groupby("name", sort=True):
        lost = rows_of_class[~rows_of_class["region"].isin(reachable[str(name)])]
        if lost.empty:
            continue
        label = (
            f"{lost['sku'].nunique()} SKUs of class {name} are sold in {lost['region'].nunique()} regions "
            f"({listed(sorted(lost['region'].unique()))}) that no hub and lane may deliver them to; "
            f"their demand ({lost['units_sold'].sum():,.0f} units sold in the last {_SOLD_WITHIN_DAYS} days) will count as lost"
        )
        yield Doubt("skus", "handling_class", label, f"add {name} to handling_classes of a hub and of its lanes")


def _carries(classes: str, name: str) -> bool:
    names = {part.strip() for part in classes.split("|") if part.strip()}
    return not names or name in names


def _idle_hubs(given: Given) -> Iterator[Doubt]:
    if not given.has("hubs", "hub"):
        return
    idle = sorted(set(given.texts("hubs", "hub")) - set(given.texts("lanes", "origin")))
    if idle:
        label = f"{len(idle)} without a lane that begins there, first: {listed(idle)}; nothing can be sent from them"
        yield Doubt("hubs", "hub", label, "add lanes that begin there, or remove them")
