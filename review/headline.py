"""The plan in one look: money, service, carbon, and how near the best plan it is.

Here: figures of the table ``plan`` and sums of ``service``. Not here: single proposals.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from foundation.tables.columns import PLAN_TERMS


@dataclass(frozen=True)
class Term:
    """One term of the cost, without and with the plan, in the configured currency; credits are negative."""

    text: str
    before_eur: float
    after_eur: float

    @property
    def change_eur(self) -> float:
        """With less without the plan; negative saves."""
        return self.after_eur - self.before_eur


@dataclass(frozen=True)
class Service:
    """Shares of the demanded units, and the units lost, over the cover window."""

    demand_units: float
    local_fill_rate: float
    promise_hit_rate: float
    lost_units: float
    late_units: float


@dataclass(frozen=True)
class Headline:
    """What a planner wants to know first; ``plan`` is the plan's row."""

    plan: pd.Series
    terms: list[Term]
    before: Service
    after: Service

    @property
    def saving_eur(self) -> float:
        """Expected cost without less expected cost with the plan."""
        return float(self.plan["total_eur_before"] - self.plan["total_eur"])

    @property
    def total(self) -> Term:
        """All terms together."""
        return Term("Total", float(self.plan["total_eur_before"]), float(self.plan["total_eur"]))


def headline(plan: pd.DataFrame, service: pd.DataFrame) -> Headline | None:
    """Return the headline of one night, or ``None`` when there is no plan.

    ``plan`` has at most one row per night, the last one counts; ``service`` has a row per region × sku.
    """
    if plan.empty:
        return None
    row = plan.iloc[-1]
    terms = [_term(row, name) for name in PLAN_TERMS]
    shown = [term for term in terms if term.before_eur or term.after_eur]
    return Headline(row, shown, _service(service, "_before"), _service(service, ""))


def _term(row: pd.Series, name: str) -> Term:
    """Return a term as a cost: the change of the goods' worth is a credit, so its sign is turned and the terms add up."""
    is_credit = name == "end_value_eur"
    sign, text = (-1.0, "Goods worth less (+) or more (−)") if is_credit else (1.0, PLAN_TERMS[name])
    return Term(text, sign * float(row[f"{name}_before"]), sign * float(row[f"{name}_after"]))


def _service(service: pd.DataFrame, ending: str) -> Service:
    sums = service[["demand_units", *(f"{name}_units{ending}" for name in ("local", "late", "lost"))]].sum()
    demand, local, late, lost = (float(value) for value in sums)
    shares = ((local / demand), (demand - late - lost) / demand) if demand else (float("nan"), float("nan"))
    return Service(demand, shares[0], shares[1], lost, late)
