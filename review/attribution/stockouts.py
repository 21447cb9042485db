"""Why hubs ran out: forecast, placement, late arrival, lane, or too little in the whole network.

Here: the stock of each hub played from the night on with what then happened, and once more with every set of
causes mended. Not here: sharing among causes (``game``), reading tables (flows).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import Frequency, as_timestamp
from review.attribution.shapley import Frames, nearest_hubs, shapley

_TEXTS = ("inbound_id", "hub", "sku", "origin", "proposal_id")
_COLUMNS = ["hub", "sku", "units", "meant_for", "came_on", "cause"]


def awaited(happened: Happened) -> pd.DataFrame:
    """Return hub, sku, units, ``meant_for``, ``came_on`` (null: not yet) and cause of every line awaited at the night.

    A line that is no longer in ``inbound`` has come when it was meant to, unless a later look says otherwise:

    * an order line still there has come on the day it says now, or not yet where that day has passed;
    * a released proposal that is neither in ``inbound`` now nor executed has not come where its lane stopped;
    * what is late by a lane that no longer runs, or between hubs that closed, is the lane's; the rest is late.
    """
    lines = pd.concat([_orders(happened), _proposals(happened)], ignore_index=True)
    is_missed = lines["came_on"].isna() | (lines["came_on"] > lines["meant_for"])
    stopped = _stopped(lines, happened)
    lines["cause"] = "on_time"
    lines.loc[is_missed, "cause"] = "late_arrival"
    lines.loc[is_missed & stopped, "cause"] = "lane"
    is_due = lines["meant_for"] < as_timestamp(happened.until)
    return lines.loc[is_due, _COLUMNS].reset_index(drop=True)


def _orders(happened: Happened) -> pd.DataFrame:
    """Return the order lines of the night's snapshot with the day they came on."""
    then, now = _inbound(happened.then), _inbound(happened.now)
    later = now.drop_duplicates("inbound_id").set_index("inbound_id")["arrival_date"]
    parts = _looked_up(later, then["inbound_id"])
    snapshot = _snapshot_day(happened.now)
    came = parts.where(parts >= snapshot) if snapshot is not None else parts
    return then.assign(meant_for=then["arrival_date"], came_on=came.where(parts.notna(), then["arrival_date"]))


def _proposals(happened: Happened) -> pd.DataFrame:
    """Return the released proposals the night did not see in ``inbound``, with the day they came on."""
    then, now = _inbound(happened.then), _inbound(happened.now)
    lines = happened.released[~happened.released["proposal_id"].isin(then["proposal_id"].dropna())]
    lines = lines.rename(columns={"destination": "hub"})
    lines = lines.assign(units=lines["units"].astype("float64"), meant_for=_moments(lines["arrival_date"]))
    seen = now[now["proposal_id"].notna()].drop_duplicates("proposal_id").set_index("proposal_id")["arrival_date"]
    parts = _looked_up(seen, lines["proposal_id"])
    came = parts.where(parts.notna(), lines["meant_for"])
    is_lost = _stopped(lines, happened) & parts.isna() & (lines["status"] != "executed")
    return lines.assign(came_on=came.mask(is_lost))


def _inbound(tables: Frames) -> pd.DataFrame:
    """Return the order lines with every column that is looked at, unknown ones null."""
    given = tables.get("inbound")
    if given is None or given.empty:
        return pd.DataFrame({"arrival_date": pd.Series(dtype="datetime64[us]"), **dict.fromkeys(_TEXTS, pd.Series(dtype="str")), "units": pd.Series(dtype="float64")})  # fmt: skip
    texts = {
        name: given[name].astype("str") if name in given else pd.Series(pd.NA, given.index, "str") for name in _TEXTS
    }
    return pd.DataFrame({**texts, "units": given["units"].astype("float64"), "arrival_date": given["arrival_date"]})


def _looked_up(days: pd.Series, names: pd.Series) -> pd.Series:
    return _moments(days.reindex(pd.Index(names.astype(object))).set_axis(names.index))


def _moments(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).astype("datetime64[us]")


def _snapshot_day(tables: Frames) -> pd.Timestamp | None:
    stock = tables.get("stock")
    return None if stock is None or stock.empty else pd.Timestamp(stock["date"].max())


def _stopped(lines: pd.DataFrame, happened: Happened) -> pd.Series:
    """Say which lines hang on a lane that no longer runs, or on a hub that was closed before they were to come."""
    now, then = happened.now["lanes"], happened.then["lanes"]
    pairs = [set(zip(t["origin"].astype(str), t["destination"].astype(str), strict=True)) for t in (now, then)]
    origin = lines["origin"].astype(object) if "origin" in lines else pd.Series(None, index=lines.index, dtype=object)
    way = list(zip(origin.astype(str), lines["hub"].astype(str), strict=True))
    is_gone = [pair in pairs[1] and pair not in pairs[0] for pair in way]
    closed = _closed(happened)
    is_closed = [
        any(place in closed and closed[place] <= day for place in pair)
        for pair, day in zip(way, lines["meant_for"], strict=True)
    ]
    return pd.Series(is_gone, index=lines.index, dtype=bool) | pd.Series(is_closed, index=lines.index, dtype=bool)


def _closed(happened: Happened) -> dict[str, pd.Timestamp]:
    """Return the hubs that were closed during the time looked at, with the day it began."""
    changes = happened.now.get("hub_capacity")
    if changes is None or "is_open" not in changes:
        return {}
    shut = changes[(~changes["is_open"].astype("boolean").fillna(True)).to_numpy(bool)]
    shut = shut[shut["from_date"] < as_timestamp(happened.until)]
    return {str(hub): pd.Timestamp(day) for hub, day in shut.groupby("hub", observed=True)["from_date"].min().items()}


CAUSES = ("forecast", "placement", "late_arrival", "lane")
SHORT = "network_short"
_KEYS = ["hub", "sku"]


@dataclass(frozen=True)
class Happened:
    """What was known at the night ``as_of`` and what has come since, up to (not including) ``until``.

    ``then`` and ``now`` are the input tables as known at the night and at ``until``; ``outputs`` the night's
    ``position`` and ``forecast``; ``released`` the proposals released by then (columns of ``transfer``).
    """

    as_of: date
    until: date
    grid: Frequency
    then: Frames
    now: Frames
    outputs: Frames
    released: pd.DataFrame


@dataclass(frozen=True)
class _Facts:
    """Arrays by hub × sku (K) and period (T), units: what there was, and what mending each cause puts in its place."""

    keys: pd.DataFrame
    opening: np.ndarray
    fair_opening: np.ndarray
    demand: np.ndarray
    forecast_demand: np.ndarray
    came: Mapping[str, np.ndarray]
    meant: Mapping[str, np.ndarray]


def stockouts(happened: Happened) -> pd.DataFrame:
    """Return hub, sku, cause, ``caused_units`` and ``share_rate`` of every hub × sku that ran out, all causes of each.

    ``caused_units`` is demand of the regions the hub is nearest to that its stock did not meet; the shares of one
    hub × sku add up to one. ``network_short`` is what no mending of the other causes avoids.
    """
    facts = _facts(happened)
    damage = _lost(facts, frozenset())
    left = _lost(facts, frozenset(range(len(CAUSES))))
    shares = np.vstack([shapley(len(CAUSES), lambda mended: _lost(facts, mended)), left])
    ran_out = damage > 1e-6
    frames = [
        facts.keys[ran_out].assign(cause=cause, caused_units=row[ran_out], share_rate=row[ran_out] / damage[ran_out])
        for cause, row in zip((*CAUSES, SHORT), shares, strict=True)
    ]
    result = pd.concat(frames, ignore_index=True)
    result["share_rate"] = result["share_rate"].clip(0.0, 1.0)
    return result.sort_values([*_KEYS, "cause"], ignore_index=True)


def _lost(facts: _Facts, mended: frozenset[int]) -> np.ndarray:
    """Return units lost by hub × sku (K,) when the causes at ``mended`` are mended."""
    is_mended = [cause in mended for cause in range(len(CAUSES))]
    demand = facts.forecast_demand if is_mended[0] else facts.demand
    stock = (np.maximum(facts.fair_opening, facts.opening) if is_mended[1] else facts.opening).copy()
    came = facts.came["on_time"].copy()
    for place, cause in ((2, "late_arrival"), (3, "lane")):
        came += (facts.meant if is_mended[place] else facts.came)[cause]
    lost = np.zeros(len(stock))
    for period in range(demand.shape[1]):
        stock += came[:, period]
        served = np.minimum(stock, demand[:, period])
        lost += demand[:, period] - served
        stock -= served
    return lost


def _facts(happened: Happened) -> _Facts:
    position = happened.outputs["position"].astype({"hub": "str", "sku": "str"})
    keys = position[_KEYS].sort_values(_KEYS, ignore_index=True)
    index = pd.MultiIndex.from_frame(keys)
    by_key = position.set_index(_KEYS).reindex(index)
    opening = by_key["units_on_hand"].to_numpy("float64") - _sent_away(happened, index)
    expected, demand = _demand(happened, index)
    lines = awaited(happened)
    came = {cause: _by_period(lines[lines["cause"] == cause], "came_on", happened, index) for cause in _STATES}
    meant = {cause: _by_period(lines[lines["cause"] == cause], "meant_for", happened, index) for cause in _STATES}
    return _Facts(
        keys, np.maximum(opening, 0.0), _fair_shares(by_key), demand, _no_more_than(demand, expected), came, meant
    )


_STATES = ("on_time", "late_arrival", "lane")


def _sent_away(happened: Happened, index: pd.MultiIndex) -> np.ndarray:
    """Return the units the night's own released transfers took; earlier ones are out of its stock already."""
    lines = happened.released
    lines = lines[(lines["kind"] == "transfer") & (lines["as_of"] == as_timestamp(happened.as_of))]
    away = lines.groupby(["origin", "sku"])["units"].sum().astype("float64")
    return away.rename_axis(_KEYS).reindex(index).fillna(0.0).to_numpy()


def _fair_shares(position: pd.DataFrame) -> np.ndarray:
    """Return the units each hub would have held, had the network's units stood where demand was expected."""
    by_sku = position.groupby(level="sku")
    demand = position["expected_demand_units"].to_numpy("float64")
    whole = by_sku["expected_demand_units"].transform("sum").to_numpy("float64")
    units = by_sku["units_on_hand"].transform("sum").to_numpy("float64")
    return np.where(whole > 0, units * demand / np.maximum(whole, 1e-12), 0.0)


def _demand(happened: Happened, index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return expected and actual units by hub × sku and period, each (K, T).

    Demand of a period that was not fully in stock is what was sold plus the forecast of the share it was not:
    what nobody could buy neither blames nor clears the forecast.
    """
    start, end = as_timestamp(happened.as_of), as_timestamp(happened.until)
    keys = ["date", "region", "sku"]
    forecast = happened.outputs["forecast"].astype({"region": "str", "sku": "str"}).set_index(keys)["mean_units"]
    sales = happened.now["sales"]
    sales = sales[(sales["date"] >= start) & (sales["date"] < end)].astype({"region": "str", "sku": "str"})
    both = forecast[forecast.index.get_level_values("date") < end].rename("expected").to_frame()
    both = both.join(sales.set_index(keys)[["units_sold", *({"in_stock_rate"} & set(sales))]], how="left")
    in_stock = both["in_stock_rate"].fillna(1.0) if "in_stock_rate" in both else 1.0
    both["actual"] = both["units_sold"].fillna(0.0) + (1.0 - in_stock) * both["expected"]
    rows = both.reset_index().merge(nearest_hubs(happened.then), on=["region", "sku"])
    period = happened.grid.days
    rows["period"] = (rows["date"] - start).dt.days // period
    summed = rows.groupby([*_KEYS, "period"])[["expected", "actual"]].sum()
    count = -(-(happened.until - happened.as_of).days // period)
    wide = [summed[name].unstack("period").reindex(index).reindex(columns=range(count)) for name in ("expected", "actual")]  # fmt: skip
    return wide[0].fillna(0.0).to_numpy("float64"), wide[1].fillna(0.0).to_numpy("float64")


def _no_more_than(demand: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return actual demand scaled down where it was more in total than expected: its days, the forecast's sum."""
    total = demand.sum(axis=1)
    scale = np.where(total > 0, np.minimum(expected.sum(axis=1) / np.maximum(total, 1e-12), 1.0), 1.0)
    return demand * scale[:, None]


def _by_period(lines: pd.DataFrame, column: str, happened: Happened, index: pd.MultiIndex) -> np.ndarray:
    """Return units by hub × sku and period (K, T): in the first period that starts on the day or after."""
    days = happened.grid.days
    count = -(-(happened.until - happened.as_of).days // days)
    came = np.zeros((len(index), count))
    place = index.get_indexer(pd.MultiIndex.from_frame(lines[_KEYS]))
    away = (lines[column] - as_timestamp(happened.as_of)).dt.days.to_numpy("float64")
    period = np.maximum(np.ceil(away / days), 0.0)
    ok = (place >= 0) & (period < count)  # an unknown day compares false
    np.add.at(came, (place[ok], period[ok].astype("int64")), lines["units"].to_numpy("float64")[ok])
    return came
