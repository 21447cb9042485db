"""What can never be used or served: lanes too slow for the horizon, places and handling classes no lane serves.

A plan without them is valid and silently poorer, so these are warnings. Not here: lanes that contradict themselves (``rows``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from foundation.errors import InputWarning, counted_noun, listed
from foundation.validation.input_table import RECENT_DAYS, ValidInputs

_VERBS = {"supply": "ordered", "transfer": "transferred"}


def reach_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield what the network can never use or serve."""
    if not inputs.has("lanes", "lane", "kind", "origin", "destination", "lead_time_days"):
        return
    yield from _slow_lanes(inputs)
    yield from _cut_cover(inputs)
    yield from _lanes_without_room(inputs)
    yield from _unserved_regions(inputs)
    yield from _unserved_classes(inputs)
    yield from _idle_hubs(inputs)


def _slow_lanes(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Lanes whose goods arrive after the window the plan looks at, whatever the day they leave."""
    specified, period = inputs.settings.positioning, inputs.settings.grid.days
    horizon = inputs.settings.horizon * period
    window = horizon if specified.cover_days is None else min(-(-specified.cover_days // period) * period, horizon)
    lead = inputs.numbers("lanes", "lead_time_days")
    arrival = np.ceil(lead / period) * period
    for kind in specified.kinds:
        is_slow = (inputs.texts("lanes", "kind") == kind) & (arrival >= window)
        if not is_slow.any():
            continue
        days = sorted({int(day) for day in lead[is_slow]})
        take = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
        needed = int(-(-(days[-1] + specified.review_days) // period))
        weeks = f" {'week' if inputs.settings.horizon == 1 else 'weeks'}" if period > 1 else ""
        limit, remedy = f"the horizon is {inputs.settings.horizon}{weeks}", f"set horizon to {needed} or more"
        if window < horizon:
            limit = f"positioning.cover_days is {specified.cover_days}"
            remedy = f"set positioning.cover_days to {needed * period} or more" + (
                f" and horizon to {needed} or more" if needed > inputs.settings.horizon else ""
            )
        lanes = f"{is_slow.sum()} {kind} {'lane takes' if is_slow.sum() == 1 else 'lanes take'}"
        names = listed(sorted(inputs.texts("lanes", "lane")[is_slow]))
        problem = f"{lanes} {take} days, {limit}; nothing is ever {_VERBS[kind]} on them ({names})"
        yield InputWarning("lanes", "lead_time_days", problem, remedy)


def _cut_cover(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Order lanes whose goods arrive in time, but must last for longer than the horizon reaches."""
    specified, period = inputs.settings.positioning, inputs.settings.grid.days
    horizon = inputs.settings.horizon * period
    if specified.cover_days is not None or "supply" not in specified.kinds:
        return
    lead = inputs.numbers("lanes", "lead_time_days")
    in_time = np.ceil(lead / period) * period < horizon
    is_cut = (inputs.texts("lanes", "kind") == "supply") & in_time & (lead + specified.review_days > horizon)
    if is_cut.any():
        longest = int(lead[is_cut].max())
        needed = -(-(longest + specified.review_days) // period)
        problem = (
            f"of kind supply take up to {longest} days, {longest + specified.review_days} with positioning.review_days, beyond the horizon "
            f"of {horizon} days ({listed(sorted(inputs.texts('lanes', 'lane')[is_cut]))}); orders on them leave out the demand beyond it"
        )
        yield InputWarning("lanes", "lead_time_days", problem, f"set horizon to {needed} or more", int(is_cut.sum()))


def _lanes_without_room(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Lanes whose departures carry nothing: no load, or loads smaller than every SKU."""
    moving = np.isin(inputs.texts("lanes", "kind"), inputs.settings.positioning.kinds)
    smallest = {
        "load_l": inputs.numbers("skus", "volume_l", 0.0).min() if inputs.has("skus") else 0.0,
        "load_kg": inputs.numbers("skus", "mass_kg", 0.0).min() if inputs.has("skus") else 0.0,
    }
    none = {"loads_per_departure": inputs.numbers("lanes", "loads_per_departure", np.inf) < 1}
    none |= {name: inputs.numbers("lanes", name, np.inf) < least for name, least in smallest.items()}
    for name, is_none in none.items():
        if (result := moving & is_none).any():
            problem = f"{result.sum()} of {moving.sum()} lanes can carry no SKU ({listed(sorted(inputs.texts('lanes', 'lane')[result]))}); nothing is ever sent on them"
            yield InputWarning("lanes", name, problem, "correct the value, or leave it empty for no limit")


def _unserved_regions(inputs: ValidInputs) -> Iterator[InputWarning]:
    served = set(inputs.texts("lanes", "destination")[inputs.texts("lanes", "kind") == "delivery"])
    regions = sorted(set(inputs.texts("regions", "region")) - served) if inputs.has("regions", "region") else []
    if regions:
        sold = inputs.recent_units
        units = sold.loc[sold["region"].isin(regions), "units_sold"].sum()
        problem = f"{counted_noun(len(regions), 'region')} without a delivery lane, first: {listed(regions)}; all their demand ({counted_noun(units, 'unit')} sold in the last {RECENT_DAYS} days) will count as lost"
        yield InputWarning("regions", "region", problem, "add a lane of kind delivery to each, or remove them")


def _unserved_classes(inputs: ValidInputs) -> Iterator[InputWarning]:
    """SKUs sold lately in regions that no hub and lane which may carry their handling class delivers to."""
    if not inputs.has("skus", "sku") or not inputs.has("hubs", "hub"):
        return
    of_hub = dict(zip(inputs.texts("hubs", "hub"), inputs.texts("hubs", "handling_classes"), strict=True))
    kinds = inputs.texts("lanes", "kind")
    rows = zip(
        kinds,
        inputs.texts("lanes", "origin"),
        inputs.texts("lanes", "destination"),
        inputs.texts("lanes", "handling_classes"),
        strict=True,
    )
    deliveries = [(of_hub.get(hub, ""), region, classes) for kind, hub, region, classes in rows if kind == "delivery"]
    class_of = dict(zip(inputs.texts("skus", "sku"), inputs.texts("skus", "handling_class", "ambient"), strict=True))
    reachable = {
        name: {region for hub, region, lane in deliveries if _carries(hub, name) and _carries(lane, name)}
        for name in sorted(set(class_of.values()))
    }
    anywhere = {region for _, region, _ in deliveries}
    sold = inputs.recent_units
    sold = sold[(sold["units_sold"] > 0) & sold["region"].isin(anywhere)].assign(
        name=lambda rows: rows["sku"].map(class_of)
    )
    for name, rows_of_class in sold.groupby("name", sort=True):
        lost = rows_of_class[~rows_of_class["region"].isin(reachable[str(name)])]
        if lost.empty:
            continue
        problem = (
            f"{counted_noun(lost['sku'].nunique(), 'SKU')} of class {name}, sold in {counted_noun(lost['region'].nunique(), 'region')} "
            f"({listed(sorted(lost['region'].unique()))}) to which no hub and lane may deliver them; "
            f"their demand ({counted_noun(lost['units_sold'].sum(), 'unit')} sold in the last {RECENT_DAYS} days) will count as lost"
        )
        yield InputWarning(
            "skus", "handling_class", problem, f"add {name} to handling_classes of a hub and of its lanes"
        )


def _carries(classes: str, name: str) -> bool:
    names = {part.strip() for part in classes.split("|") if part.strip()}
    return not names or name in names


def _idle_hubs(inputs: ValidInputs) -> Iterator[InputWarning]:
    if not inputs.has("hubs", "hub"):
        return
    idle = sorted(set(inputs.texts("hubs", "hub")) - set(inputs.texts("lanes", "origin")))
    if idle:
        problem = f"{counted_noun(len(idle), 'hub')} without a lane that begins there, first: {listed(idle)}; nothing can be sent from them"
        yield InputWarning("hubs", "hub", problem, "add lanes that begin there, or remove them")
