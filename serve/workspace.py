"""What the workspace needs from the use cases, as protocols, and the values that are exchanged.

``pipeline.workspace`` implements them; the CLI passes the implementation in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

import pandas as pd

from foundation.settings import Settings

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


class OpenPlan(Protocol):
    """A plan that stays in memory while people decide on it.

    ``lines`` holds the columns of ``transfer`` with those of ``skus`` that filters use. ``states`` holds one row per line, in the same order:
    ``status``, ``decided_units``, ``decided_at``, ``by``, ``reason``, ``version``. ``departures`` holds the columns of ``departure``;
    ``worth`` one row per departure in the same order: ``value_eur``, ``kept``, ``fill_rate``, ``loads_needed``, ``version`` and the
    number of lines by status.
    """

    as_of: date
    lines: pd.DataFrame
    states: pd.DataFrame
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

    def row_of_departure(self, departure_id: str) -> int:
        """Return the row number of a departure."""
        ...

    def catch_up(self) -> None:
        """Take in decisions that other processes wrote."""
        ...


class Workspace(Protocol):
    """The warehouse of one configuration, as the pages need it."""

    settings: Settings

    def dates(self) -> list[date]:
        """Return the planning dates with a plan, ascending."""
        ...

    def plan(self, as_of: date | None) -> OpenPlan:
        """Return the plan of a date (None: the newest)."""
        ...
