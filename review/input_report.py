"""The report of input validation: faults with their corrections, warnings, assumptions, and the contents of the tables.

Here: what the report contains, and its page. Not here: the checks (``foundation.validation``), the terminal (``forestock.cli``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from foundation.assumptions import Assumption
from foundation.errors import Fault, counted_noun
from foundation.validation.money_defaults import MoneyDefault
from foundation.wording import Money, rate
from review.plan.page import environment


@dataclass(frozen=True)
class TableContents:
    """One input table.

    Attributes
    ----------
    name : str
        Name of the table.
    n_rows : int or None
        Number of rows; None if the table is not provided.
    first, last : str
        First and last date; empty for tables without dates.
    without : str
        What a run lacks because the table is not provided; empty if it is provided.
    """

    name: str
    n_rows: int | None
    first: str
    last: str
    without: str


@dataclass(frozen=True)
class InputReport:
    """What validation says about the inputs of a run.

    Attributes
    ----------
    name, currency, configuration : str
        The pipeline, its currency, and the file of its configuration.
    as_of : date or None
        The planning date; None if it is not known.
    stops : bool
        Whether a run would stop.
    errors : tuple of Fault
        Faults that stop a run.
    warnings : tuple of str
        Faults of rows that are set aside, and warnings.
    assumptions : tuple of Assumption
        Defaults taken where the inputs are silent, most money first.
    defaults : tuple of MoneyDefault
        Settings that matter for money and are not set.
    tables : tuple of TableContents
        Contents of the tables.
    recent_units : float
        Units sold in the last four weeks.
    is_forecast_only : bool
        Whether the inputs have no network, so that only a forecast is possible.
    """

    name: str
    currency: str
    configuration: str
    as_of: date | None
    stops: bool
    errors: tuple[Fault, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    defaults: tuple[MoneyDefault, ...]
    tables: tuple[TableContents, ...]
    recent_units: float
    is_forecast_only: bool

    @property
    def outcome(self) -> str:
        """The outcome in one sentence."""
        if self.stops:
            return f"A run would stop: {counted_noun(len(self.errors), 'error')} to correct."
        extent = ", with " + counted_noun(len(self.warnings), "warning") if self.warnings else ""
        return f"The inputs are valid for {self.as_of}{extent}."

    def share(self, assumption: Assumption) -> str:
        """Return how much of the plan depends on an assumption, as a clause; empty if it is not known."""
        parts = []
        if assumption.units is not None and self.recent_units > 0:
            parts.append(f"{rate(assumption.units / self.recent_units, 0)} of the units sold in four weeks")
        if assumption.eur:
            parts.append(Money(self.currency)(assumption.eur))
        return ", ".join(parts)


def input_page(report: InputReport, commands: Sequence[tuple[str, str]]) -> str:
    """Return the report as one HTML text that makes no request.

    Parameters
    ----------
    report : InputReport
        The report.
    commands : sequence of (str, str)
        What to do next: purpose and command.
    """
    rows = [(assumption, report.share(assumption)) for assumption in report.assumptions]
    return environment().get_template("input_report.html.j2").render(report=report, assumptions=rows, commands=commands)
