"""The KPIs of a replay, each defined once as one small function.

Ratios of nothing to nothing are NaN, except plan nervousness, where 0 ÷ 0 = 0. Not here: costs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from positioning.simulation.ledger import OPERATING_TERMS, Ledger
from positioning.simulation.world import Network

CHURN_DAYS = 28


def unit_fill_rate(on_time_units: float, demanded_units: float) -> float:
    """Units filled on time from stock ÷ units demanded.

    A unit is filled on time from stock when a hub has it in the period it is asked for; what is not
    there is lost, so this is units served ÷ units demanded, whatever the door-to-door time.
    """
    return _ratio(on_time_units, demanded_units)


def local_fill_rate(local_units: float, demanded_units: float) -> float:
    """Units shipped from the region's nearest hub ÷ units demanded (not ÷ units served)."""
    return _ratio(local_units, demanded_units)


def promise_hit_rate(units_by_promise: float, demanded_units: float) -> float:
    """Units at the door by the time promised when ordered ÷ units demanded."""
    return _ratio(units_by_promise, demanded_units)


def time_to_door_mean_days(lead_units: np.ndarray) -> float:
    """Mean days from order to door of what was served; ``lead_units[d]`` units took d days."""
    return _ratio(float(lead_units @ np.arange(len(lead_units))), float(lead_units.sum()))


def time_to_door_p95_days(lead_units: np.ndarray) -> float:
    """Fewest days within which at least 95 % of the units served were at the door."""
    total = lead_units.sum()
    return float(np.argmax(lead_units.cumsum() >= 0.95 * total)) if total else float("nan")


def eur_per_unit_served(operating_eur: float, served_units: float) -> float:
    """Operating cost, lost sales included, ÷ units served."""
    return _ratio(operating_eur, served_units)


def days_of_supply(usable_units: np.ndarray, daily_units: np.ndarray) -> np.ndarray:
    """Usable units ÷ mean forecast daily units ahead, elementwise; NaN without demand."""
    return np.divide(usable_units, daily_units, out=np.full(np.shape(usable_units), np.nan), where=daily_units > 0)


def stock_imbalance(units: np.ndarray, daily_units: np.ndarray) -> float:
    """Σ_h max(0, s_h − S·d_h/D) ÷ S over hubs with d_h > 0, articles (rows) weighted by S; 0 is perfect.

    ``units`` (K, H) is s, ``daily_units`` (K, H) the demand d of the regions a hub is nearest to.
    """
    counts = daily_units > 0
    stock, rate = np.where(counts, units, 0.0), np.where(counts, daily_units, 0.0)
    total, demand = stock.sum(axis=1, keepdims=True), rate.sum(axis=1, keepdims=True)
    fair = total * np.divide(rate, demand, out=np.zeros_like(rate), where=demand > 0)
    return _ratio(float(np.maximum(stock - fair, 0.0).sum()), float(total.sum()))


def transfer_churn(moves: list[tuple[int, str, str, str, int]]) -> float:
    """Units moved i→j and back j→i within 28 days ÷ units moved.

    ``moves`` are (day, sku, from, to, units). Units sent back are matched with the oldest units of
    the same sku that came the other way at most 28 days before and are not matched yet; a round
    trip counts its units once above and twice below the line.
    """
    open_units: dict[tuple[str, str, str], list[list[int]]] = defaultdict(list)
    back = moved = 0
    for day, sku, origin, destination, units in sorted(moves):
        moved += units
        left = units
        for earlier in open_units[sku, destination, origin]:
            if day - earlier[0] <= CHURN_DAYS and left > 0:
                matched = min(left, earlier[1])
                earlier[1] -= matched
                left -= matched
        back += units - left
        open_units[sku, origin, destination].append([day, left])
    return _ratio(back, moved)


def plan_nervousness(plans: list[pd.DataFrame], nights: list[pd.Timestamp]) -> float:
    """Σ|x_t − x_{t−1}| ÷ Σ x_t over departures not yet released and in both plans; 0 ÷ 0 = 0.

    ``plans[t]`` has `sku`, `lane`, `ship_date`, `units` and `is_outlook` of the plan of ``nights[t]``.
    A departure is a lane and ship date; it was released by the plan before when that plan decided it
    (not outlook). A line that one of the two plans lacks counts as 0 units there.
    """
    changed = planned = 0.0
    for before, now, night in zip(plans[:-1], plans[1:], nights[1:], strict=True):
        old, new = _lines(before[_outlook(before)]), _lines(now)
        old = old[old.index.get_level_values("ship_date") >= night]
        shared = _departures(old).intersection(_departures(new))
        old, new = old[_departures(old).isin(shared)], new[_departures(new).isin(shared)]
        changed += float(new.sub(old, fill_value=0.0).abs().sum())
        planned += float(new.sum())
    return changed / planned if planned else (0.0 if changed == 0 else float("inf"))


def kg_co2e_per_unit(kg_co2e: float, served_units: float) -> float:
    """Σ mass × km × factor of all shipments and deliveries ÷ units served, well to wheel."""
    return _ratio(kg_co2e, served_units)


def all_kpis(ledger: Ledger, network: Network, daily_units: np.ndarray) -> dict[str, float]:
    """Return every KPI of a replay by name.

    ``daily_units`` (K, H) is the mean daily demand ahead of the regions each hub is nearest to, one
    yardstick for all policies; days of supply and imbalance are means over the ends of the periods.
    """
    demanded, served = ledger.count("demanded"), ledger.count("served")
    stock = ledger.stock
    ends = range(stock.shape[2])
    operating = sum(ledger.term_eur(term) for term in OPERATING_TERMS)
    nights = [pd.Timestamp(network.start + timedelta(days=period * network.period_days)) for period, _ in ledger.plans]
    return {
        "unit_fill_rate": unit_fill_rate(served, demanded),
        "local_fill_rate": local_fill_rate(ledger.count("local"), demanded),
        "promise_hit_rate": promise_hit_rate(ledger.count("on_time"), demanded),
        "time_to_door_mean_days": time_to_door_mean_days(ledger.lead_units),
        "time_to_door_p95_days": time_to_door_p95_days(ledger.lead_units),
        "eur_per_unit_served": eur_per_unit_served(operating, served),
        "days_of_supply": float(days_of_supply(stock.sum(axis=(0, 1)).mean(), daily_units.sum())),
        "stock_imbalance": float(np.mean([stock_imbalance(stock[:, :, end], daily_units) for end in ends])),
        "transfer_churn": transfer_churn(_moves(ledger, network)),
        "plan_nervousness": plan_nervousness([plan for _, plan in ledger.plans], nights),
        "kg_co2e_per_unit": kg_co2e_per_unit(float(ledger.kg_co2e.sum()), served),
    }


def _moves(ledger: Ledger, network: Network) -> list[tuple[int, str, str, str, int]]:
    lanes, hubs = network.lanes, network.hubs.index
    return [
        (period * network.period_days, str(sku), str(hubs[lanes.origin[lane]]), str(hubs[lanes.destination[lane]]), int(units))
        for period, skus, used, amounts in ledger.moves
        for sku, lane, units in zip(skus, used, amounts, strict=True)
        if not lanes.is_supply[lane]
    ]  # fmt: skip


def _outlook(plan: pd.DataFrame) -> np.ndarray:
    return plan["is_outlook"].to_numpy(dtype=bool) if "is_outlook" in plan else np.zeros(len(plan), dtype=bool)


def _lines(plan: pd.DataFrame) -> pd.Series:
    return plan.groupby(["sku", "lane", "ship_date"])["units"].sum().astype(float)


def _departures(lines: pd.Series) -> pd.MultiIndex:
    keys = lines.index.to_frame()
    return pd.MultiIndex.from_frame(keys[["lane", "ship_date"]])


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


REPLICATES = 2_000
_SEED = 20_160_425


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def closed(no_shipment_eur: float, policy_eur: float, bound_eur: float) -> float:
    """Return the part of the gain in hindsight that a policy reaches: 1 at the bound, 0 for nothing.

    NaN where hindsight has nothing to gain, or no end of it.
    """
    reachable = no_shipment_eur - bound_eur
    return (no_shipment_eur - policy_eur) / reachable if 1e-9 < reachable < np.inf else float("nan")


def paired_difference(policy_eur: np.ndarray, other_eur: np.ndarray) -> Interval:
    """Return Σ (policy − other) over articles with its bootstrap interval; below 0 the policy is cheaper.

    Articles (K,) are drawn with replacement, both policies together: 2.5 % and 97.5 % of the
    replicates (Efron & Tibshirani, An Introduction to the Bootstrap, ch. 13).
    """
    difference = policy_eur - other_eur
    return _interval(float(difference.sum()), _weights(len(difference)) @ difference)


def closed_interval(no_shipment_eur: np.ndarray, policy_eur: np.ndarray, bound_eur: np.ndarray) -> Interval:
    """Return ``closed`` over articles (K,) with its bootstrap interval."""
    weights = _weights(len(no_shipment_eur))
    gained, reachable = weights @ (no_shipment_eur - policy_eur), weights @ (no_shipment_eur - bound_eur)
    value = closed(float(no_shipment_eur.sum()), float(policy_eur.sum()), float(bound_eur.sum()))
    drawn = np.divide(gained, reachable, out=np.full(len(gained), np.nan), where=reachable > 1e-9)
    return _interval(value, drawn)


def summary(ledgers: list[Ledger], bounds: dict[bool, np.ndarray], judged: str) -> pd.DataFrame:
    """Return one row per policy: V, closed with its interval, the differences to doing nothing and to ``judged``.

    ``ledgers[0]`` does nothing; ``bounds`` are each article's, without (False) and with goods (True). ``dearer_eur`` is
    what a policy costs more than the one named ``judged``.
    """
    rows, beside = [], next(ledger for ledger in ledgers if ledger.policy == judged)
    for ledger in ledgers:
        row: dict[str, object] = {"policy": ledger.policy}
        for with_goods, ending in ((False, ""), (True, "_with_goods")):
            no_shipment, specified = ledgers[0].sku_eur(with_goods=with_goods), ledger.sku_eur(with_goods=with_goods)
            share = closed_interval(no_shipment, specified, bounds[with_goods])
            change = paired_difference(no_shipment, specified)
            more = paired_difference(specified, beside.sku_eur(with_goods=with_goods))
            row |= {
                f"value_eur{ending}": float(specified.sum()),
                f"closed{ending}": share.value, f"closed_low{ending}": share.low, f"closed_high{ending}": share.high,
                f"saved_eur{ending}": change.value, f"saved_eur_low{ending}": change.low, f"saved_eur_high{ending}": change.high,
                f"dearer_eur{ending}": more.value, f"dearer_eur_low{ending}": more.low, f"dearer_eur_high{ending}": more.high,
            }  # fmt: skip
        rows.append(row | {"refused_units": ledger.refused_units})
    return pd.DataFrame(rows).astype({"policy": "str"})


@lru_cache(maxsize=2)
def _weights(size: int) -> np.ndarray:
    """Return how often each article is drawn in each replicate, (REPLICATES, size)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(size, np.full(size, 1.0 / size), REPLICATES).astype(np.float64)


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return Interval(value, float(low), float(high))
