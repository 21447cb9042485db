"""The summary of a plan: figures for the page, a Markdown text and the best proposals as rows.

Here: figures and texts. Not here: pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from foundation.assumptions import assumptions_of
from foundation.settings import Settings
from foundation.tables.columns import PLAN_TERMS
from foundation.wording import Money, carbon, day, number, rate
from review.plan.attention import findings
from review.plan.proposals import decided, ranked


@dataclass(frozen=True)
class Term:
    """One term of the cost, without and with the plan, in the configured currency; credits are negative."""

    text: str
    before_eur: float
    after_eur: float

    @property
    def change_eur(self) -> float:
        """The cost with the plan minus the cost without it; negative where the plan saves."""
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
    """The main figures of a plan.

    Attributes
    ----------
    plan
        The row of the table ``plan``.
    terms
        Cost terms that are not zero both without and with the plan.
    before, after
        Service without and with the plan.
    """

    plan: pd.Series
    terms: list[Term]
    before: Service
    after: Service

    @property
    def saving_eur(self) -> float:
        """The expected cost without the plan minus the expected cost with it, in the configured currency."""
        return float(self.plan["total_eur_before"] - self.plan["total_eur"])

    @property
    def total(self) -> Term:
        """All terms together."""
        return Term("Total", float(self.plan["total_eur_before"]), float(self.plan["total_eur"]))


def headline(plan: pd.DataFrame, service: pd.DataFrame) -> Headline | None:
    """Return the headline of one run, or ``None`` when there is no plan.

    The last row of ``plan`` counts; ``service`` has one row per region × SKU.
    """
    if plan.empty:
        return None
    row = plan.iloc[-1]
    terms = [_term(row, name) for name in PLAN_TERMS]
    shown = [term for term in terms if term.before_eur or term.after_eur]
    return Headline(row, shown, _service(service, "_before"), _service(service, ""))


def _term(row: pd.Series, name: str) -> Term:
    """Return a term as a cost; the change in inventory value is a credit, so its sign is reversed and the terms add up."""
    is_credit = name == "end_value_eur"
    sign, text = (-1.0, "Change in inventory value: loss (+) or gain (−)") if is_credit else (1.0, PLAN_TERMS[name])
    return Term(text, sign * float(row[f"{name}_before"]), sign * float(row[f"{name}_after"]))


def _service(service: pd.DataFrame, ending: str) -> Service:
    sums = service[["demand_units", *(f"{name}_units{ending}" for name in ("local", "late", "lost"))]].sum()
    demand, local, late, lost = (float(value) for value in sums)
    shares = ((local / demand), (demand - late - lost) / demand) if demand else (float("nan"), float("nan"))
    return Service(demand, shares[0], shares[1], lost, late)


Frames = dict[str, pd.DataFrame]
_SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_[]<>|#"})


def plan_summary(outputs: Frames, settings: Settings, as_of: date) -> str:
    """Return the summary of the plan of ``as_of`` as Markdown; ``outputs`` as for ``plan_page``."""
    figures = headline(outputs["plan"], outputs["service"])
    title = f"# {escaped(settings.review.title)}, {day(as_of)}\n\n"
    if figures is None:
        return f"{title}There is no plan for this date.\n"
    exceptions = [
        f"* {escaped(finding.title)}: {finding.count}"
        + (f" ({Money(settings.currency)(finding.eur)})" if finding.eur else "")
        for finding in findings(outputs["exception"])
    ]
    return title + "\n".join(
        [
            *_lines(figures, outputs["transfer"], Money(settings.currency)),
            "",
            "## Exceptions",
            "",
            *(exceptions or ["There are no exceptions."]),
            "",
            *_assumed(outputs),
        ]
    )


def _assumed(outputs: Frames) -> list[str]:
    taken = assumptions_of(outputs["assumption"]) if "assumption" in outputs else ()
    return ["## Assumptions", "", *(f"* {escaped(str(assumption))}" for assumption in taken), ""] if taken else []


def _lines(figures: Headline, transfer: pd.DataFrame, money: Money) -> list[str]:
    plan, before, after = figures.plan, figures.before, figures.after
    n_outlook = int(transfer["is_outlook"].sum())
    later = f" ({number(n_outlook)} of them due in later runs)" if n_outlook else ""
    so_far = decided(transfer)
    return [
        f"**Expected savings {money(figures.saving_eur)}** from {number(plan['n_proposals'])} proposals{later}; on held-out scenarios "
        f"{money(plan['out_of_sample_benefit_eur'])}, sampling error ± {money(plan['sampling_error_eur'])}.",
        *((f"Decided so far: {so_far}.",) if so_far else ()),
        "",
        f"* Lost units {number(before.lost_units)} → {number(after.lost_units)} of {number(after.demand_units)} units of demand",
        f"* Served by the nearest hub {rate(before.local_fill_rate)} → {rate(after.local_fill_rate)}",
        f"* On time as promised {rate(before.promise_hit_rate)} → {rate(after.promise_hit_rate)}",
        f"* {carbon(plan['kg_co2e'])}, well to wheel",
        f"* The cost is at most {rate(plan['gap_rate'], 2)} ({rate(plan['gap_of_benefit_rate'])} of the possible savings) above that of the best "
        "plan on these demand scenarios; this does not certify the forecast, the sample of scenarios or later runs",
    ]


def top_proposals(transfer: pd.DataFrame, settings: Settings) -> list[dict[str, str]]:
    """Return the best proposals that are due in this run as rows of texts, at most ``review.top_proposals``."""
    money = Money(settings.currency)
    due = ranked(transfer[~transfer["is_outlook"].astype(bool)]).head(settings.review.top_proposals)
    columns = (
        "sku",
        "origin",
        "destination",
        "units",
        "ship_date",
        "arrival_date",
        "benefit_eur",
        "cost_eur",
        "reason",
        "proposal_id",
    )
    return [
        {
            "sku": sku, "from": origin, "to": destination, "units": number(units), "ships": day(ship), "usable": day(arrival),
            "savings": money(benefit), "cost": money(cost), "reason": reason, "proposal": proposal,
        }
        for sku, origin, destination, units, ship, arrival, benefit, cost, reason, proposal in zip(
            *(due[column].tolist() for column in columns), strict=True
        )
    ]  # fmt: skip


def escaped(text: str) -> str:
    """Return ``text`` with the special characters of Markdown escaped."""
    return text.translate(_SPECIAL)
