"""What inputs can never serve or do not cover.

Here: lanes too slow for the horizon, places and handling classes no lane serves, series and dates that an external forecast lacks. A plan without
them is valid and silently poorer, so these are warnings. Not here: lanes that contradict themselves, incomplete quantiles (``rows``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import InputWarning, counted_noun, listed
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.validation.input_table import RECENT_DAYS, ValidInputs

_EXTERNAL = "external_forecast"
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


def external_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield a warning about the series × dates of the horizon that the external forecast lacks; a simple method carries them."""
    if not inputs.has(_EXTERNAL, "date", "region", "sku") or not inputs.has("sales", "date", "region", "sku"):
        return
    settings, as_of = inputs.settings, inputs.as_of
    series = _series(inputs)
    if not len(series):
        return
    rows = _of_horizon(inputs.tables[_EXTERNAL], settings, as_of)
    place = series.get_indexer(pd.MultiIndex.from_arrays([rows["region"].astype(str), rows["sku"].astype(str)]))
    counts = np.bincount(place[place >= 0], minlength=len(series))
    missing = settings.horizon * len(series) - int(counts.sum())
    if missing <= 0:
        return
    problem = f"has no row for {missing:,} of {settings.horizon * len(series):,} series × dates of the horizon"
    without = [f"{sku} in {region}" for region, sku in series[counts == 0]]
    if without:
        problem += f"; {counted_noun(len(without), 'series', 'series')} without any: {listed(without)}"
    last, end = rows["date"].max(), settings.grid.step(as_of, settings.horizon - 1)
    if len(rows) and last < as_timestamp(end):
        problem += f"; it ends on {last:%Y-%m-%d}, and the horizon on {end}"
    remedy = "load the missing rows, or accept that the best simple method carries them (column tier)"
    yield InputWarning(_EXTERNAL, "date", problem, remedy, is_incomplete=True)


def _of_horizon(forecast: pd.DataFrame, settings: Settings, as_of: date) -> pd.DataFrame:
    """Return the rows of the horizon that were made last for their series."""
    if "as_of" in forecast and forecast["as_of"].notna().any():
        issued = forecast["as_of"].fillna(pd.Timestamp.min.as_unit("us"))
        latest = issued.groupby([forecast["region"].astype(str), forecast["sku"].astype(str)]).transform("max")
        forecast = forecast[(issued == latest).to_numpy()]
    first, end = as_timestamp(as_of), as_timestamp(settings.grid.step(as_of, settings.horizon))
    return forecast[((forecast["date"] >= first) & (forecast["date"] < end)).to_numpy()]


def _series(inputs: ValidInputs) -> pd.MultiIndex:
    """Return region and SKU of every series that is forecast: with a sales or price row before ``as_of``, not delisted."""
    day, pairs = as_timestamp(inputs.as_of), []
    for name in ("sales", "prices"):
        if inputs.has(name, "date", "region", "sku"):
            table = inputs.tables[name]
            known = table.loc[(table["date"] < day).to_numpy(), ["region", "sku"]]
            pairs.append(known.drop_duplicates().astype(str))
    frame = pd.concat(pairs).drop_duplicates()
    skus = inputs.tables["skus"]
    gone = skus["delist_date"] <= day if "delist_date" in skus else pd.Series(data=False, index=skus.index)
    replaced = set(inputs.texts("skus", "replaces")) if "replaces" in skus else set()
    left_out = {*skus.loc[gone.fillna(value=False).to_numpy(bool), "sku"].astype(str), *replaced}
    return pd.MultiIndex.from_frame(frame[~frame["sku"].isin(left_out)].sort_values(["region", "sku"]))
