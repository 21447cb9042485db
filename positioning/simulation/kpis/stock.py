"""KPIs of stock and shipments: days of supply, imbalance, units moved back and forth, changes of plans."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import numpy as np
import pandas as pd

from positioning.simulation.kpi import Kpi, Replayed, ratio

CHURN_DAYS = 28


def days_of_supply(usable_units: np.ndarray, daily_units: np.ndarray) -> np.ndarray:
    """Return usable units ÷ mean forecast daily units ahead, elementwise; NaN without demand."""
    return np.divide(usable_units, daily_units, out=np.full(np.shape(usable_units), np.nan), where=daily_units > 0)


def stock_imbalance(units: np.ndarray, daily_units: np.ndarray) -> float:
    """Return Σ_h max(0, s_h − S·d_h/D) ÷ S over hubs with d_h > 0, SKUs weighted by S; 0 is balanced.

    Parameters
    ----------
    units
        Stock s, (K, H).
    daily_units
        Daily demand d of the regions a hub is nearest to, (K, H).

    """
    counts = daily_units > 0
    stock, rate = np.where(counts, units, 0.0), np.where(counts, daily_units, 0.0)
    total, demand = stock.sum(axis=1, keepdims=True), rate.sum(axis=1, keepdims=True)
    fair = total * np.divide(rate, demand, out=np.zeros_like(rate), where=demand > 0)
    return ratio(float(np.maximum(stock - fair, 0.0).sum()), float(total.sum()))


def transfer_churn(moves: list[tuple[int, str, str, str, int]]) -> float:
    """Return units moved i→j and back j→i within 28 days ÷ units moved.

    ``moves`` are (day, SKU, origin, destination, units). Returning units are matched with the oldest unmatched units of
    the same SKU that moved the opposite way at most 28 days before. A round trip counts once in the
    numerator and twice in the denominator.
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
    return ratio(back, moved)


def plan_nervousness(plans: list[pd.DataFrame], dates: list[pd.Timestamp]) -> float:
    """Return Σ|x_t − x_{t−1}| ÷ Σ x_t over departures not yet released and in both plans; 0 ÷ 0 = 0.

    ``plans[t]`` has `sku`, `lane`, `ship_date`, `units` and `is_outlook` of the plan of ``dates[t]``.
    A departure is a lane and ship date; the previous plan released it if it decided it
    (not outlook). A line that one of the two plans lacks counts as 0 units there.
    """
    changed = planned = 0.0
    for before, now, date in zip(plans[:-1], plans[1:], dates[1:], strict=True):
        old, new = _lines(before[_outlook(before)]), _lines(now)
        old = old[old.index.get_level_values("ship_date") >= date]
        shared = _departures(old).intersection(_departures(new))
        old, new = old[_departures(old).isin(shared)], new[_departures(new).isin(shared)]
        changed += float(new.sub(old, fill_value=0.0).abs().sum())
        planned += float(new.sum())
    return changed / planned if planned else (0.0 if changed == 0 else float("inf"))


def _supply_days(replayed: Replayed) -> float:
    mean_stock = replayed.ledger.stock.sum(axis=(0, 1)).mean()
    return float(days_of_supply(np.asarray(mean_stock), np.asarray(replayed.daily_units.sum())))


def _imbalance(replayed: Replayed) -> float:
    stock = replayed.ledger.stock
    return float(np.mean([stock_imbalance(stock[:, :, end], replayed.daily_units) for end in range(stock.shape[2])]))


def _churn(replayed: Replayed) -> float:
    lanes, hubs, period_days = replayed.network.lanes, replayed.network.hubs.index, replayed.network.period_days
    moves = [
        (period * period_days, str(sku), str(hubs[lanes.origin[lane]]), str(hubs[lanes.destination[lane]]), int(units))
        for period, skus, used, amounts in replayed.ledger.moves
        for sku, lane, units in zip(skus, used, amounts, strict=True)
        if not lanes.is_supply[lane]
    ]
    return transfer_churn(moves)


def _nervousness(replayed: Replayed) -> float:
    network, plans = replayed.network, replayed.ledger.plans
    dates = [pd.Timestamp(network.start + timedelta(days=period * network.period_days)) for period, _ in plans]
    return plan_nervousness([plan for _, plan in plans], dates)


def _outlook(plan: pd.DataFrame) -> np.ndarray:
    return plan["is_outlook"].to_numpy(dtype=bool) if "is_outlook" in plan else np.zeros(len(plan), dtype=bool)


def _lines(plan: pd.DataFrame) -> pd.Series:
    return plan.groupby(["sku", "lane", "ship_date"])["units"].sum().astype(float)


def _departures(lines: pd.Series) -> pd.MultiIndex:
    keys = lines.index.to_frame()
    return pd.MultiIndex.from_frame(keys[["lane", "ship_date"]])


DAYS_OF_SUPPLY = Kpi("days_of_supply", "Days of supply", "days", _supply_days, order=70)
STOCK_IMBALANCE = Kpi("stock_imbalance", "Stock imbalance", "rate", _imbalance, order=80)
TRANSFER_CHURN = Kpi("transfer_churn", "Units moved back and forth", "rate", _churn, order=90)
PLAN_NERVOUSNESS = Kpi("plan_nervousness", "Plan nervousness", "rate", _nervousness, order=100)
