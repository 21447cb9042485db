"""The KPIs of a replay: a registry with one entry per KPI, and their formulas.

0 ÷ 0 is NaN, except in plan nervousness, where it is 0. Not here: costs (``ledger``), the comparison of policies (``comparison``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from positioning.simulation.ledger import OPERATING_TERMS, Ledger
from positioning.simulation.world import Network

CHURN_DAYS = 28


def time_to_door_mean_days(lead_units: np.ndarray) -> float:
    """Return the mean days from order to delivery over units served; ``lead_units[d]`` units took d days."""
    return _ratio(float(lead_units @ np.arange(len(lead_units))), float(lead_units.sum()))


def time_to_door_p95_days(lead_units: np.ndarray) -> float:
    """Return the fewest days within which at least 95% of the units served were delivered."""
    total = lead_units.sum()
    return float(np.argmax(lead_units.cumsum() >= 0.95 * total)) if total else float("nan")


def eur_per_unit_served(operating_eur: float, served_units: float) -> float:
    """Return operating cost, including lost sales, ÷ units served."""
    return _ratio(operating_eur, served_units)


def days_of_supply(usable_units: np.ndarray, daily_units: np.ndarray) -> np.ndarray:
    """Return usable units ÷ mean forecast daily units ahead, elementwise; NaN without demand."""
    return np.divide(usable_units, daily_units, out=np.full(np.shape(usable_units), np.nan), where=daily_units > 0)


def stock_imbalance(units: np.ndarray, daily_units: np.ndarray) -> float:
    """Return Σ_h max(0, s_h − S·d_h/D) ÷ S over hubs with d_h > 0, SKUs (rows) weighted by S; 0 is balanced.

    ``units`` (K, H) is s, ``daily_units`` (K, H) the demand d of the regions a hub is nearest to.
    """
    counts = daily_units > 0
    stock, rate = np.where(counts, units, 0.0), np.where(counts, daily_units, 0.0)
    total, demand = stock.sum(axis=1, keepdims=True), rate.sum(axis=1, keepdims=True)
    fair = total * np.divide(rate, demand, out=np.zeros_like(rate), where=demand > 0)
    return _ratio(float(np.maximum(stock - fair, 0.0).sum()), float(total.sum()))


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
    return _ratio(back, moved)


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


def kg_co2e_per_unit(kg_co2e: float, served_units: float) -> float:
    """Return Σ mass × km × factor of all shipments and deliveries ÷ units served, well to wheel."""
    return _ratio(kg_co2e, served_units)


@dataclass(frozen=True)
class Replayed:
    """The data a KPI is computed from.

    Attributes
    ----------
    ledger
        Account of one policy.
    network
        Network of the replay.
    daily_units
        Mean daily demand ahead of the regions each hub is nearest to, (K, H); the same for all policies.
    """

    ledger: Ledger
    network: Network
    daily_units: np.ndarray


@dataclass(frozen=True)
class Kpi:
    """One KPI of a replay.

    Attributes
    ----------
    name
        Value of the column `kpi`.
    label
        Name on pages and in the terminal.
    unit
        ``rate`` for a share, otherwise the unit of the value, for example ``days``.
    value
        Computes the KPI; NaN where it is not defined.
    decimals
        Decimals of the text.
    """

    name: str
    label: str
    unit: str
    value: Callable[[Replayed], float]
    decimals: int = 1

    def text(self, value: float | None) -> str:
        """Return a value of the KPI as pages and the terminal show it, a dash where it is unknown."""
        if value is None or not np.isfinite(value):
            return "–"
        return f"{100 * value:,.{self.decimals}f}%" if self.unit == "rate" else f"{value:,.{self.decimals}f}"


KPIS: dict[str, Kpi] = {}


def register(kpi: Kpi) -> Kpi:
    """Add ``kpi`` to every replay from now on; raises ``ValueError`` where the name is taken."""
    if kpi.name in KPIS:
        raise ValueError(f"KPI {kpi.name} is registered already")
    KPIS[kpi.name] = kpi
    return kpi


def all_kpis(replayed: Replayed) -> dict[str, float]:
    """Return every registered KPI of a replay by name."""
    return {kpi.name: float(kpi.value(replayed)) for kpi in KPIS.values()}


def _share(count: str) -> Callable[[Replayed], float]:
    return lambda replayed: _ratio(replayed.ledger.count(count), replayed.ledger.count("demanded"))


def _per_unit_served(replayed: Replayed) -> float:
    operating = sum(replayed.ledger.term_eur(term) for term in OPERATING_TERMS)
    return eur_per_unit_served(operating, replayed.ledger.count("served"))


def _supply_days(replayed: Replayed) -> float:
    mean_stock = replayed.ledger.stock.sum(axis=(0, 1)).mean()
    return float(days_of_supply(mean_stock, replayed.daily_units.sum()))


def _imbalance(replayed: Replayed) -> float:
    stock = replayed.ledger.stock
    return float(np.mean([stock_imbalance(stock[:, :, end], replayed.daily_units) for end in range(stock.shape[2])]))


def _churn(replayed: Replayed) -> float:
    return transfer_churn(_moves(replayed.ledger, replayed.network))


def _nervousness(replayed: Replayed) -> float:
    network, plans = replayed.network, replayed.ledger.plans
    dates = [pd.Timestamp(network.start + timedelta(days=period * network.period_days)) for period, _ in plans]
    return plan_nervousness([plan for _, plan in plans], dates)


def _carbon(replayed: Replayed) -> float:
    return kg_co2e_per_unit(float(replayed.ledger.kg_co2e.sum()), replayed.ledger.count("served"))


for _kpi in (
    Kpi("unit_fill_rate", "Fill rate", "rate", _share("served")),
    Kpi("local_fill_rate", "Served from the nearest hub", "rate", _share("local")),
    Kpi("promise_hit_rate", "Delivered by the promised time", "rate", _share("on_time")),
    Kpi("time_to_door_mean_days", "Days to delivery, mean", "days", lambda r: time_to_door_mean_days(r.ledger.lead_units), 2),
    Kpi("time_to_door_p95_days", "Days to delivery, 95th percentile", "days", lambda r: time_to_door_p95_days(r.ledger.lead_units), 0),
    Kpi("eur_per_unit_served", "Cost per unit served", "EUR per unit", _per_unit_served, 2),
    Kpi("days_of_supply", "Days of supply", "days", _supply_days),
    Kpi("stock_imbalance", "Stock imbalance", "rate", _imbalance),
    Kpi("transfer_churn", "Units moved back and forth", "rate", _churn),
    Kpi("plan_nervousness", "Plan nervousness", "rate", _nervousness),
    Kpi("kg_co2e_per_unit", "kg CO₂e per unit served", "kg per unit", _carbon, 3),
    Kpi("refused_units", "Requested units that did not fit", "units", lambda replayed: replayed.ledger.refused_units, 0),
):  # fmt: skip
    register(_kpi)


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
