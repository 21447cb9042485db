"""What a run shows, read from its tables: the summary (costs, best proposals, exceptions, places) and the page's inputs.

Not here: how it is printed (``forestock.cli.terminal``) or what Prefect's pages show (``flows.artifacts``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from dispatch.ledger import with_status
from foundation.assumptions import Assumption, assumptions_of
from foundation.settings import Settings
from foundation.store.arrow import empty_frame
from foundation.store.warehouse import Warehouse
from foundation.wording import Money, number, rate
from models.tracking.client import tracking_command, tracking_page
from pipeline.artifacts import input_warnings
from pipeline.results import Result
from review.plan.attention import Finding, findings
from review.plan.proposals import decided, ranked
from review.plan.summary import Headline, headline

PROPOSAL_COLUMNS = ("sku", "origin", "destination", "units", "ship_date", "arrival_date", "benefit_eur", "reason")


@dataclass(frozen=True)
class Summary:
    """What a run tells the user.

    Attributes
    ----------
    title
        Pipeline and date.
    money
        Formats amounts in the configured currency.
    model_version
        Version of the demand model.
    figures
        Costs before and after the plan; None without a plan.
    expected_units
        Forecast units of all series by window in days.
    proposals
        The best proposals that are still to be decided, best first, with PROPOSAL_COLUMNS.
    n_proposals
        Number of proposals to decide on this date, decided ones included.
    proposed_eur
        Benefit of those proposals.
    n_outlook
        Number of proposals that later runs decide.
    decided
        Number of decided proposals by status, as a text.
    findings
        Exceptions that need a person, grouped by kind.
    refusals
        Reasons of the plan gate; empty if the plan passed.
    notes
        Sentences of the stages.
    places
        Where tables, page and MLflow are, by label.
    warnings
        Sentences about doubtful inputs.
    assumptions
        Defaults chosen for data that was not provided, the most money first.
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
        """The plan in one sentence, or the last stage's result without a plan."""
        if self.figures is None:
            units = ", ".join(f"{number(total)} units in {days} days" for days, total in self.expected_units.items())
            return f"Expected demand: {units}." if units else f"Model {self.model_version} is ready."
        saved = self.money(self.figures.saving_eur)
        before = self.money(self.figures.total.before_eur)
        if self.refusals:
            return f"The plan gate refused the plan: {'; '.join(self.refusals)}."
        if not self.n_proposals and self.n_outlook:
            return f"No proposal needs a decision on this date; shipments of later dates are expected to save {saved} of {before}."
        label = "1 proposal saves" if self.n_proposals == 1 else f"{self.n_proposals} proposals save"
        already = f" Decided so far: {self.decided}." if self.decided else ""
        if self.n_outlook:
            return f"{label} {self.money(self.proposed_eur)}; with the expected shipments of later dates, the plan saves {saved} of {before} expected cost.{already}"
        return f"{label} {saved} of {before} expected cost.{already}"

    @property
    def proof(self) -> str:
        """The optimality gap and the savings on held-out scenarios."""
        if self.figures is None:
            return ""
        row = self.figures.plan
        return (
            f"Optimality gap: at most {rate(row['gap_rate'], 2)} of the cost. On held-out demand scenarios the plan saves "
            f"{self.money(row['out_of_sample_benefit_eur'])}; the sampling error is {self.money(row['sampling_error_eur'])}."
        )


def summarise(result: Result) -> Summary:
    """Return the summary of a run, read from its tables in the warehouse."""
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
        if (address := tracking_page(settings)) != command:
            places["then open"] = address
    return places


_PAGE_TABLES = ("position", "service", "transfer", "departure", "exception", "assumption", "plan", "forecast")
_LOOKED_BACK_DAYS = 7


def page_inputs(warehouse: Warehouse, as_of: date) -> dict[str, pd.DataFrame]:
    """Return the frames of ``review.plan_page`` for ``as_of``.

    The previous plan and the last monitoring run are included if they are at most seven days old. Proposals of the
    previous plan carry their current status.
    """
    result = {name: warehouse.read(name, as_of) for name in _PAGE_TABLES}
    looked_back = _last(warehouse, "accuracy", as_of, is_same_day=True)
    if looked_back:
        result["accuracy"] = warehouse.read("accuracy", looked_back)
    before = _last(warehouse, "plan", as_of, is_same_day=False)
    if before:
        result["plan_before"] = warehouse.read("plan", before)
        result["transfer_before"] = with_status(warehouse.read("transfer", before), warehouse.read("decision"))
    return result


def _last(warehouse: Warehouse, table: str, as_of: date, is_same_day: bool) -> date | None:
    """Return the last date of ``table`` within a week before ``as_of`` (on it too if ``is_same_day``), else None."""
    first = as_of - timedelta(days=_LOOKED_BACK_DAYS)
    days = [day for day in warehouse.dates(table) if first <= day < as_of or (is_same_day and day == as_of)]
    return days[-1] if days else None
