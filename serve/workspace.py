"""What the workspace needs from the use cases, as protocols, and the values that are exchanged.

``pipeline.workspace`` implements them; the CLI passes the implementation in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from foundation.settings import Settings, WhatIf

Verb = Literal["approve", "reject", "withdraw"]


@dataclass(frozen=True)
class DecisionRequest:
    """A decision that a caller asks for.

    Attributes
    ----------
    verb
        ``approve``, ``reject``, or ``withdraw`` (back to undecided).
    lines
        Version of each line as the caller saw it, by proposal id.
    departures
        Version of each departure as the caller saw it, by departure id; all of its open lines are decided.
    units
        Changed units by proposal id.
    reason
        Reason, required for a rejection.
    """

    verb: Verb
    lines: Mapping[str, str] = field(default_factory=dict)
    departures: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class Conflict:
    """A line or departure that somebody else has decided since the caller saw it.

    Attributes
    ----------
    name
        Proposal id or departure id.
    status, by, reason
        The last decision.
    decided_at
        Its time in UTC.
    """

    name: str
    status: str
    by: str
    reason: str
    decided_at: pd.Timestamp


@dataclass(frozen=True)
class DecisionReply:
    """The outcome of a request: nothing is decided if there is a conflict.

    Attributes
    ----------
    decided
        New version of each decided proposal by id.
    skipped
        Proposal id and reason of lines without a decision.
    conflicts
        Lines and departures with another version than the caller saw.
    departures
        Ids of the departures of decided lines.
    """

    decided: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    departures: tuple[str, ...] = ()


@dataclass(frozen=True)
class LineStates:
    """The state of every line of a plan, as arrays in the order of its lines; never changed in place.

    Attributes
    ----------
    status
        Status as text, object (n_lines).
    units
        Decided units, float64 (n_lines); NaN: as proposed.
    decided_at
        Microseconds since 1970 in UTC of the last decision, int64 (n_lines); 0 without one. Its text is the line's version.
    by, reason
        Person and reason of the last decision, object (n_lines); empty texts without one.
    """

    status: np.ndarray
    units: np.ndarray
    decided_at: np.ndarray
    by: np.ndarray
    reason: np.ndarray

    def version(self, row: int) -> str:
        """Return the version of a line."""
        return str(self.decided_at[row])

    def moments(self, rows: np.ndarray) -> pd.Series:
        """Return the times of the last decisions in UTC; NaT without one."""
        numbers = pd.Series(self.decided_at[rows])
        return pd.to_datetime(numbers.where(numbers > 0), unit="us", utc=True).astype("datetime64[us, UTC]")

    def after(self, rows: np.ndarray, decisions: pd.DataFrame) -> LineStates:
        """Return the states after rows of ``decision`` on the lines ``rows``, one for each."""
        changes = {
            "status": decisions["status"].to_numpy(object),
            "units": decisions["units"].astype("float64").to_numpy(),
            "decided_at": decisions["at"].astype("datetime64[us, UTC]").astype("int64").to_numpy(),
            "by": decisions["by"].fillna("").to_numpy(object),
            "reason": decisions["reason"].astype(object).fillna("").to_numpy(object),
        }
        changed = {}
        for name, values in changes.items():
            changed[name] = getattr(self, name).copy()
            changed[name][rows] = values
        return LineStates(**changed)


class OpenPlan(Protocol):
    """A plan that stays in memory while people decide on it.

    ``lines`` holds the columns of ``transfer`` with those of ``skus`` that filters use, ``states`` their states, in the same order.
    ``departures`` holds the columns of ``departure``; ``worth`` one row per departure in the same order: ``value_eur``, ``kept``, ``fill_rate``,
    ``loads_needed``, ``version`` (of its line that was decided last) and the
    number of lines by status.
    """

    as_of: date
    lines: pd.DataFrame
    states: LineStates
    departures: pd.DataFrame
    worth: pd.DataFrame
    revision: int

    def decide(self, request: DecisionRequest, by: str, now: pd.Timestamp) -> DecisionReply:
        """Decide, unless a line or departure has another version than the caller saw."""
        ...

    def timezone(self, place: str) -> str:
        """Return the time zone of a hub; UTC for any other place."""
        ...

    def preview(self, proposal_id: str, units: int, now: pd.Timestamp) -> pd.Series:
        """Return the row of ``worth`` of a line's departure if the line is approved for ``units``; writes nothing."""
        ...

    def rows_of(self, ids: Collection[str]) -> np.ndarray:
        """Return the row numbers of proposals."""
        ...

    def row_of_departure(self, departure_id: str) -> int:
        """Return the row number of a departure."""
        ...

    def catch_up(self, now: float | None = None) -> None:
        """Take in decisions that were written elsewhere, at most once a second; ``now`` is in seconds, None: at once."""
        ...


@dataclass(frozen=True)
class ExceptionChange:
    """A new state of exceptions.

    Attributes
    ----------
    exceptions
        Version of each exception as the caller saw it, by exception id.
    status
        ``open``, ``acknowledged``, or ``solved``.
    owner
        Who takes care of them; empty without an owner.
    due_date
        Day until which they are to be solved.
    reason
        How they were solved, or a note.
    """

    exceptions: Mapping[str, str]
    status: Literal["open", "acknowledged", "solved"]
    owner: str = ""
    due_date: date | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ReleasePreview:
    """What a release would send now.

    Attributes
    ----------
    token
        Hash of the lines and units; a release with it sends exactly these.
    documents
        One row per document: departure_id, lane, kind, origin, destination, dates, lines, units.
    lines
        One row per line of a document.
    skipped
        Proposal id and reason of approved lines that cannot be released.
    losing
        Departure id and value of departures that cost more than they save.
    forms
        Name and description of every export form.
    text
        The documents in the requested form.
    fault
        Why the form cannot be written; empty if it can.
    """

    token: str
    documents: pd.DataFrame
    lines: pd.DataFrame
    skipped: tuple[tuple[str, str], ...]
    losing: tuple[tuple[str, float], ...]
    forms: tuple[tuple[str, str], ...]
    text: str = ""
    fault: str = ""


@dataclass(frozen=True)
class ReleaseReply:
    """The outcome of a release: number of released lines, and what happened to their documents."""

    n_released: int
    delivery: str


@dataclass(frozen=True)
class Job:
    """A what-if that is computed in the background.

    Attributes
    ----------
    name
        Name of the what-if.
    as_of
        Planning date.
    by
        Who started it.
    status
        ``waiting``, ``running``, ``done``, or ``failed``.
    lines
        Its last log lines, or the reason of the failure.
    """

    name: str
    as_of: date
    by: str
    status: Literal["waiting", "running", "done", "failed"]
    lines: tuple[str, ...] = ()


class Workspace(Protocol):
    """The warehouse of one configuration, as the pages need it."""

    settings: Settings

    def dates(self) -> list[date]:
        """Return the planning dates with a plan, ascending."""
        ...

    def plan(self, as_of: date | None) -> OpenPlan:
        """Return the plan of a date (None: the newest)."""
        ...

    def inputs(
        self, as_of: date, names: Collection[str], where: Mapping[str, str] | None = None
    ) -> dict[str, pd.DataFrame]:
        """Return input tables that the plan of a date was made with; empty if they no longer exist."""
        ...

    def change_exceptions(self, change: ExceptionChange, by: str, now: pd.Timestamp) -> tuple[str, ...]:
        """Write new states of exceptions; return the ids that somebody else has changed since, and then write none."""
        ...

    def preview_release(self, as_of: date, form: str | None, now: pd.Timestamp) -> ReleasePreview:
        """Return what a release would send now."""
        ...

    def release(self, as_of: date, token: str, by: str, now: pd.Timestamp) -> ReleaseReply:
        """Release and deliver the lines of a preview."""
        ...

    def released_documents(self, as_of: date, form: str) -> tuple[str, str]:
        """Return the file name and text of the released lines of a plan in a form."""
        ...

    def start_what_if(self, as_of: date, change: WhatIf, by: str) -> None:
        """Compute a what-if in the background."""
        ...

    def jobs(self) -> list[Job]:
        """Return the what-ifs that were started, the last one first."""
        ...
