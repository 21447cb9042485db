"""Causes of stockouts: forecast, placement, late arrival, lane, or a shortage in the whole network.

Here: the stock of each hub simulated from the planning date with actual demand and arrivals, and again with every set of
causes removed. Not here: the division among causes (``shapley``), reading tables (``pipeline``).
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
_COLUMNS = ["hub", "sku", "units", "planned_for", "arrived_on", "cause"]


def awaited(hindsight: Hindsight) -> pd.DataFrame:
    """Return hub, SKU, units, ``planned_for``, ``arrived_on`` (null: not arrived) and cause of every line known to the run.

    A line that has left ``inbound`` is assumed to have arrived on the planned day, with these exceptions:

    * an order line that is still in ``inbound`` arrives on its current date, and has not arrived where that date has passed;
    * a released proposal that is neither in ``inbound`` nor executed has not arrived where its lane stopped;
    * a late line is attributed to ``lane`` where its lane no longer runs or one of its ends closed, otherwise to ``late_arrival``.
    """
    lines = pd.concat([_orders(hindsight), _proposals(hindsight)], ignore_index=True)
    is_missed = lines["arrived_on"].isna() | (lines["arrived_on"] > lines["planned_for"])
    stopped = _stopped(lines, hindsight)
    lines["cause"] = "on_time"
    lines.loc[is_missed, "cause"] = "late_arrival"
    lines.loc[is_missed & stopped, "cause"] = "lane"
    is_due = lines["planned_for"] < as_timestamp(hindsight.until)
    return lines.loc[is_due, _COLUMNS].reset_index(drop=True)


def _orders(hindsight: Hindsight) -> pd.DataFrame:
    """Return the order lines known to the run with the day they arrived."""
    then, now = _inbound(hindsight.then), _inbound(hindsight.now)
    later = now.drop_duplicates("inbound_id").set_index("inbound_id")["arrival_date"]
    parts = _looked_up(later, then["inbound_id"])
    snapshot = _snapshot_day(hindsight.now)
    actual = parts.where(parts >= snapshot) if snapshot is not None else parts
    return then.assign(planned_for=then["arrival_date"], arrived_on=actual.where(parts.notna(), then["arrival_date"]))


def _proposals(hindsight: Hindsight) -> pd.DataFrame:
    """Return the released proposals that ``inbound`` did not yet contain, with the day they arrived."""
    then, now = _inbound(hindsight.then), _inbound(hindsight.now)
    lines = hindsight.released[~hindsight.released["proposal_id"].isin(then["proposal_id"].dropna())]
    lines = lines.rename(columns={"destination": "hub"})
    lines = lines.assign(units=lines["units"].astype("float64"), planned_for=_moments(lines["arrival_date"]))
    seen = now[now["proposal_id"].notna()].drop_duplicates("proposal_id").set_index("proposal_id")["arrival_date"]
    parts = _looked_up(seen, lines["proposal_id"])
    actual = parts.where(parts.notna(), lines["planned_for"])
    is_lost = _stopped(lines, hindsight) & parts.isna() & (lines["status"] != "executed")
    return lines.assign(arrived_on=actual.mask(is_lost))


def _inbound(tables: Frames) -> pd.DataFrame:
    """Return the order lines with every column used here; columns that are not provided are null."""
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


def _stopped(lines: pd.DataFrame, hindsight: Hindsight) -> pd.Series:
    """Return whether each line's lane no longer runs, or one of its ends closed on or before the planned arrival, (n,)."""
    now, then = hindsight.now["lanes"], hindsight.then["lanes"]
    pairs = [set(zip(t["origin"].astype(str), t["destination"].astype(str), strict=True)) for t in (now, then)]
    origin = lines["origin"].astype(object) if "origin" in lines else pd.Series(None, index=lines.index, dtype=object)
    way = list(zip(origin.astype(str), lines["hub"].astype(str), strict=True))
    is_gone = [pair in pairs[1] and pair not in pairs[0] for pair in way]
    closed = _closed(hindsight)
    is_closed = [
        any(place in closed and closed[place] <= day for place in pair)
        for pair, day in zip(way, lines["planned_for"], strict=True)
    ]
    return pd.Series(is_gone, index=lines.index, dtype=bool) | pd.Series(is_closed, index=lines.index, dtype=bool)


def _closed(hindsight: Hindsight) -> dict[str, pd.Timestamp]:
    """Return the hubs that closed before ``until``, with the first day of the closure."""
    changes = hindsight.now.get("hub_capacity")
    if changes is None or "is_open" not in changes:
        return {}
    shut = changes[(~changes["is_open"].astype("boolean").fillna(True)).to_numpy(bool)]
    shut = shut[shut["from_date"] < as_timestamp(hindsight.until)]
    return {str(hub): pd.Timestamp(day) for hub, day in shut.groupby("hub", observed=True)["from_date"].min().items()}


CAUSES = ("forecast", "placement", "late_arrival", "lane")
SHORT = "network_short"
_KEYS = ["hub", "sku"]


@dataclass(frozen=True)
class Hindsight:
    """What was known to a run, and what has been observed since.

    Attributes
    ----------
    as_of
        Planning date of the run.
    until
        First day that is not considered.
    grid
        Frequency of the periods.
    then, now
        Input tables as known at ``as_of`` and at ``until``.
    outputs
        Output tables ``position`` and ``forecast`` of the run.
    released
        Proposals released by ``until`` (columns of ``transfer``).
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
    """Units by hub × SKU (K) and period (T): the actual values, and those that hold when each cause is removed."""

    keys: pd.DataFrame
    opening: np.ndarray
    fair_opening: np.ndarray
    demand: np.ndarray
    forecast_demand: np.ndarray
    actual: Mapping[str, np.ndarray]
    planned: Mapping[str, np.ndarray]


def stockouts(hindsight: Hindsight) -> pd.DataFrame:
    """Return hub, SKU, cause, ``caused_units`` and ``share_rate`` of every hub × SKU with a stockout, one row per cause.

    ``caused_units`` is the demand of the regions the hub is nearest to that its stock did not meet. The shares of one
    hub × SKU add up to one. ``network_short`` is the part that remains when all other causes are removed.
    """
    facts = _facts(hindsight)
    damage = _lost(facts, frozenset())
    left = _lost(facts, frozenset(range(len(CAUSES))))
    shares = np.vstack([shapley(len(CAUSES), lambda removed: _lost(facts, removed)), left])
    ran_out = damage > 1e-6
    frames = [
        facts.keys[ran_out].assign(cause=cause, caused_units=row[ran_out], share_rate=row[ran_out] / damage[ran_out])
        for cause, row in zip((*CAUSES, SHORT), shares, strict=True)
    ]
    result = pd.concat(frames, ignore_index=True)
    result["share_rate"] = result["share_rate"].clip(0.0, 1.0)
    return result.sort_values([*_KEYS, "cause"], ignore_index=True)


def _lost(facts: _Facts, removed: frozenset[int]) -> np.ndarray:
    """Return the units lost by hub × SKU (K,) when the causes with positions in ``removed`` are removed."""
    is_removed = [cause in removed for cause in range(len(CAUSES))]
    demand = facts.forecast_demand if is_removed[0] else facts.demand
    stock = (np.maximum(facts.fair_opening, facts.opening) if is_removed[1] else facts.opening).copy()
    actual = facts.actual["on_time"].copy()
    for place, cause in ((2, "late_arrival"), (3, "lane")):
        actual += (facts.planned if is_removed[place] else facts.actual)[cause]
    lost = np.zeros(len(stock))
    for period in range(demand.shape[1]):
        stock += actual[:, period]
        served = np.minimum(stock, demand[:, period])
        lost += demand[:, period] - served
        stock -= served
    return lost


def _facts(hindsight: Hindsight) -> _Facts:
    position = hindsight.outputs["position"].astype({"hub": "str", "sku": "str"})
    keys = position[_KEYS].sort_values(_KEYS, ignore_index=True)
    index = pd.MultiIndex.from_frame(keys)
    by_key = position.set_index(_KEYS).reindex(index)
    opening = by_key["units_on_hand"].to_numpy("float64") - _sent_away(hindsight, index)
    expected, demand = _demand(hindsight, index)
    lines = awaited(hindsight)
    actual = {cause: _by_period(lines[lines["cause"] == cause], "arrived_on", hindsight, index) for cause in _STATES}
    planned = {cause: _by_period(lines[lines["cause"] == cause], "planned_for", hindsight, index) for cause in _STATES}
    return _Facts(
        keys, np.maximum(opening, 0.0), _fair_shares(by_key), demand, _at_most(demand, expected), actual, planned
    )


_STATES = ("on_time", "late_arrival", "lane")


def _sent_away(hindsight: Hindsight, index: pd.MultiIndex) -> np.ndarray:
    """Return the units taken by released transfers of this run; the opening stock already excludes earlier ones."""
    lines = hindsight.released
    lines = lines[(lines["kind"] == "transfer") & (lines["as_of"] == as_timestamp(hindsight.as_of))]
    away = lines.groupby(["origin", "sku"])["units"].sum().astype("float64")
    return away.rename_axis(_KEYS).reindex(index).fillna(0.0).to_numpy()


def _fair_shares(position: pd.DataFrame) -> np.ndarray:
    """Return the units each hub would have held if the network's units had been placed in proportion to expected demand."""
    by_sku = position.groupby(level="sku")
    demand = position["expected_demand_units"].to_numpy("float64")
    whole = by_sku["expected_demand_units"].transform("sum").to_numpy("float64")
    units = by_sku["units_on_hand"].transform("sum").to_numpy("float64")
    return np.where(whole > 0, units * demand / np.maximum(whole, 1e-12), 0.0)


def _demand(hindsight: Hindsight, index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return expected and actual demand in units by hub × SKU and period, each (K, T).

    In a period with a stockout, demand is the units sold plus the forecast for the share of the period without stock:
    a stockout is no evidence about the forecast.
    """
    start, end = as_timestamp(hindsight.as_of), as_timestamp(hindsight.until)
    keys = ["date", "region", "sku"]
    forecast = hindsight.outputs["forecast"].astype({"region": "str", "sku": "str"}).set_index(keys)["mean_units"]
    sales = hindsight.now["sales"]
    sales = sales[(sales["date"] >= start) & (sales["date"] < end)].astype({"region": "str", "sku": "str"})
    both = forecast[forecast.index.get_level_values("date") < end].rename("expected").to_frame()
    both = both.join(sales.set_index(keys)[["units_sold", *({"in_stock_rate"} & set(sales))]], how="left")
    in_stock = both["in_stock_rate"].fillna(1.0) if "in_stock_rate" in both else 1.0
    both["actual"] = both["units_sold"].fillna(0.0) + (1.0 - in_stock) * both["expected"]
    rows = both.reset_index().merge(nearest_hubs(hindsight.then), on=["region", "sku"])
    period = hindsight.grid.days
    rows["period"] = (rows["date"] - start).dt.days // period
    summed = rows.groupby([*_KEYS, "period"])[["expected", "actual"]].sum()
    count = -(-(hindsight.until - hindsight.as_of).days // period)
    wide = [summed[name].unstack("period").reindex(index).reindex(columns=range(count)) for name in ("expected", "actual")]  # fmt: skip
    return wide[0].fillna(0.0).to_numpy("float64"), wide[1].fillna(0.0).to_numpy("float64")


def _at_most(demand: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return actual demand, scaled down to the sum of the forecast where its sum exceeds it."""
    total = demand.sum(axis=1)
    scale = np.where(total > 0, np.minimum(expected.sum(axis=1) / np.maximum(total, 1e-12), 1.0), 1.0)
    return demand * scale[:, None]


def _by_period(lines: pd.DataFrame, column: str, hindsight: Hindsight, index: pd.MultiIndex) -> np.ndarray:
    """Return units by hub × SKU and period (K, T); a line counts in the first period that starts on or after its day."""
    days = hindsight.grid.days
    count = -(-(hindsight.until - hindsight.as_of).days // days)
    actual = np.zeros((len(index), count))
    place = index.get_indexer(pd.MultiIndex.from_frame(lines[_KEYS]))
    away = (lines[column] - as_timestamp(hindsight.as_of)).dt.days.to_numpy("float64")
    period = np.maximum(np.ceil(away / days), 0.0)
    ok = (place >= 0) & (period < count)  # comparisons with an unknown day are false
    np.add.at(actual, (place[ok], period[ok].astype("int64")), lines["units"].to_numpy("float64")[ok])
    return actual
