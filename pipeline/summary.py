"""What a night comes down to, gathered from its tables: money, best proposals, what needs a person, where to look.

Not here: how it is printed (``forestock.cli.terminal``) or what Prefect's pages show (``flows.artifacts``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from foundation.assumptions import Assumption, assumptions_of
from foundation.settings import Settings
from foundation.store.arrow import empty_frame
from foundation.store.warehouse import Warehouse
from models.tracking.client import tracking_command
from pipeline.artifacts import input_warnings
from pipeline.results import Result
from review.plan.attention import Finding, findings
from review.plan.proposals import decided, ranked
from review.plan.summary import Headline, headline
from review.wording import Money, number, rate

PROPOSAL_COLUMNS = ("sku", "origin", "destination", "units", "ship_date", "arrival_date", "benefit_eur", "reason")


@dataclass(frozen=True)
class Summary:
    """A night for a person.

    ``proposals`` are the best ones still to decide now, best first, with PROPOSAL_COLUMNS; ``n_proposals`` and
    ``proposed_eur`` are of all for this night, ``decided`` counts those decided on by status, ``n_outlook`` those
    decided by later nights. ``places`` maps what to where. ``warnings`` doubt the inputs; ``assumptions`` are the
    defaults taken where the input is silent, most money first.
    """

    title: str
    money: Money
    model_version: str
    figures: Headline | None
    expected_units: dict[int, float]
    proposals: pd.DataFrame
    n_proposals: int
    proposed_eur: float
    n_outlook: int
    decided: str
    findings: tuple[Finding, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    places: dict[str, str]
    warnings: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def verdict(self) -> str:
        """The plan in one sentence, or what was made instead."""
        if self.figures is None:
            units = ", ".join(f"{number(total)} in {days} days" for days, total in self.expected_units.items())
            return f"Expected demand: {units} units." if units else f"Model {self.model_version} is ready."
        saved = self.money(self.figures.saving_eur)
        before = self.money(self.figures.total.before_eur)
        if self.refusals:
            return f"The gate refused the plan: {'; '.join(self.refusals)}."
        if not self.n_proposals and self.n_outlook:
            return f"Nothing to decide today; what later nights are expected to send saves {saved} of {before}."
        label = "1 proposal saves" if self.n_proposals == 1 else f"{self.n_proposals} proposals save"
        already = f" Decided so far: {self.decided}." if self.decided else ""
        if self.n_outlook:
            return f"{label} {self.money(self.proposed_eur)}; with what later nights are expected to send the plan saves {saved} of {before} expected cost.{already}"
        return f"{label} {saved} of {before} expected cost.{already}"

    @property
    def proof(self) -> str:
        """How far the plan can be from the best one, and what it saves on demand it has not seen."""
        if self.figures is None:
            return ""
        row = self.figures.plan
        return (
            f"At most {rate(row['gap_rate'], 2)} of the cost from the best plan on these demand paths; on fresh ones it "
            f"saves {self.money(row['out_of_sample_benefit_eur'])}. Sampling error {self.money(row['sampling_error_eur'])}."
        )


def summarise(result: Result) -> Summary:
    """Return the summary of a night, read from its tables in the warehouse."""
    settings, as_of = result.context.settings, result.context.as_of
    warehouse = Warehouse(settings)

    def read(table: str) -> pd.DataFrame:
        return warehouse.read(table, as_of) if result.planned else empty_frame(warehouse.definition(table))

    transfer = read("transfer")
    proposals = ranked(transfer[~transfer["is_outlook"].astype(bool)])
    return Summary(
        title=f"{settings.name} · {as_of:%A} {as_of}",
        money=Money(settings.currency),
        model_version=result.trained.model_version,
        figures=headline(read("plan"), read("service")),
        expected_units=_expected_units(warehouse, result) if result.forecasted else {},
        proposals=proposals.loc[proposals["status"] == "proposed", list(PROPOSAL_COLUMNS)].head(
            settings.review.top_proposals
        ),
        n_proposals=len(proposals),
        proposed_eur=float(proposals["benefit_eur"].sum()),
        n_outlook=len(transfer) - len(proposals),
        decided=decided(transfer),
        findings=tuple(findings(read("exception"))),
        refusals=result.refusals,
        notes=result.notes,
        places=_places(settings, result),
        warnings=input_warnings(settings, as_of) if result.planned else result.context.warnings,
        assumptions=assumptions_of(read("assumption")) if result.planned else result.context.assumptions,
    )


def _expected_units(warehouse: Warehouse, result: Result) -> dict[int, float]:
    """Return expected units over all series by length of window in days."""
    window = warehouse.read("forecast_window", result.context.as_of, ["window_days", "mean_units"])
    sums = window.groupby("window_days", as_index=False)["mean_units"].sum()
    return dict(zip(sums["window_days"].tolist(), sums["mean_units"].tolist(), strict=True))


def _places(settings: Settings, result: Result) -> dict[str, str]:
    places = {"tables": settings.warehouse}
    if result.page is not None:
        places["page"] = result.page
    if command := tracking_command(settings):
        places["MLflow"] = command
    return places
