"""A plan kept in memory while people decide on it: its lines with their states, its departures with their worth.

A decision takes the same checks as the commands' (``pipeline.decisions``), is written to the ledger before anybody sees it, and is
refused if a line has changed since the caller saw it. Decisions that arrive at the same time are written together. Tables that repeat the ledger's statuses are updated later, by ``settle``.
Not here: pages and routes (``serve``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from dispatch import worth
from dispatch.decide import Outcome, Signature
from dispatch.ledger import STATUSES, states
from foundation.errors import InputError
from foundation.keys import among
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import kept_inputs
from pipeline.decisions import Plan, Selection, decided, exclusive, open_plan, refresh, refuse_before
from serve.workspace import Conflict, DecisionReply, DecisionRequest, LineStates

_DESCRIPTION = ("handling_class", "owner")
_VALUED = ("departure_id", "sku", "units", "benefit_eur")
_CHECK_SECONDS = 1.0
_QUIET_SECONDS = 20.0
_MOST_FILES = 120


@dataclass(frozen=True)
class _HeldPlan(Plan):
    """A plan whose tables are in memory."""

    held_position: pd.DataFrame
    held_supply: pd.DataFrame

    def position(self) -> pd.DataFrame:
        """Return the rows of ``position`` in memory."""
        return self.held_position

    def supply(self) -> pd.DataFrame:
        """Return the suppliers' offers in memory."""
        return self.held_supply


@dataclass(frozen=True)
class _Job:
    """A decision that waits for its turn, and its reply."""

    request: DecisionRequest
    signature: Signature
    reply: Future[DecisionReply] = field(default_factory=Future)


@dataclass(frozen=True)
class _Decided:
    """A decision that is checked and not yet written."""

    job: _Job
    rows: np.ndarray
    outcome: Outcome


class OpenPlan:
    """The plan of a date; see ``serve.workspace.OpenPlan``. Reads need no lock: every change replaces whole objects."""

    def __init__(self, settings: Settings, as_of: date | None) -> None:
        plan = open_plan(settings, as_of)
        self.settings, self.as_of, self.revision = settings, plan.as_of, 0
        self._warehouse = Warehouse(settings)
        folder = kept_inputs(settings, plan.as_of)
        inputs = {} if folder is None else snapshot.read(folder, ("skus", "supply", "hubs"))
        self._skus = inputs.get("skus")
        self._timezones = _timezones(inputs.get("hubs", pd.DataFrame()))
        self._position = self._warehouse.read("position", plan.as_of)
        self._supply = inputs.get("supply", pd.DataFrame({"supplier": [], "sku": []}, dtype="str"))
        self.departures = self._warehouse.read("departure", plan.as_of)
        lines = plan.proposals.drop(columns=["status", "decided_units", "decided_at"])
        self.lines = _described(lines, self._skus, settings)
        self._valued = self.lines[list(_VALUED)]
        self._row = {str(name): row for row, name in enumerate(self.lines["proposal_id"])}
        self._departure_row = {str(name): row for row, name in enumerate(self.departures["departure_id"])}
        self._rows_of_departure = {str(name): rows for name, rows in self.lines.groupby("departure_id").indices.items()}
        self._lock, self._queue_lock, self._queue = threading.RLock(), threading.Lock(), list[_Job]()
        self._version, self._checked, self._is_settled, self._last_decided = -2, -1e9, True, 0.0
        self.states, self.worth = _line_states(self.lines, plan.decisions.iloc[:0]), pd.DataFrame()
        self._take_in()

    def catch_up(self, now: float | None = None) -> None:
        """Take in decisions that were written elsewhere, at most once a second; ``now`` is in seconds, None: at once."""
        if now is None or now - self._checked >= _CHECK_SECONDS:
            self._checked = self._checked if now is None else now
            with self._lock:
                self._take_in()

    def decide(self, request: DecisionRequest, by: str, now: pd.Timestamp) -> DecisionReply:
        """Decide, unless a line or departure has another version than the caller saw; then return who decided it.

        Raises ``InputError``, and writes no row, for an unknown line, units or a reason that are invalid.
        """
        job = _Job(request, Signature(now, by, request.reason))
        with self._queue_lock:
            self._queue.append(job)
        with self._lock:
            if not job.reply.done():
                self._decide_queued()
        return job.reply.result()

    def preview(self, proposal_id: str, units: int, now: pd.Timestamp) -> pd.Series:
        """Return the row of ``worth`` of a line's departure if the line is approved for ``units``; writes nothing.

        An approved line counts as undecided. Raises ``InputError`` if the units are not possible.
        """
        rows = self.rows_of([proposal_id])
        states = _undecided(self.states, rows)
        request = DecisionRequest("approve", units={proposal_id: units})
        outcome = self._outcome(request, Signature(now, "preview"), rows, states)
        if len(outcome.skipped):
            raise InputError(f"the line {outcome.skipped['why'].iat[0]}")
        name = str(self.lines["departure_id"].iat[int(rows[0])])
        return self._worth_of([name], states.after(rows, outcome.rows)).iloc[0]

    def row_of_departure(self, departure_id: str) -> int:
        """Return the row number of a departure; raises ``InputError`` for an id that the plan does not have."""
        if departure_id not in self._departure_row:
            raise InputError(f"the plan of {self.as_of} has no departure {departure_id[:80]!r}")
        return self._departure_row[departure_id]

    def rows_of(self, ids: Iterable[str]) -> np.ndarray:
        """Return the row numbers of proposals; raises ``InputError`` for an id that the plan does not have."""
        names = list(ids)
        rows = [self._row.get(name, -1) for name in names]
        if -1 in rows:
            raise InputError(f"the plan of {self.as_of} has no proposal {names[rows.index(-1)][:80]!r}")
        return np.array(rows, dtype="int64")

    def current(self, rows: np.ndarray, states: LineStates | None = None) -> pd.DataFrame:
        """Return lines by row number with their status, decided units and time, as the checks of decisions read them."""
        known = states or self.states
        parts = {"decided_units": known.units[rows], "decided_at": known.moments(rows), "status": known.status[rows]}
        return self.lines.iloc[rows].reset_index(drop=True).assign(**parts)

    def timezone(self, place: str) -> str:
        """Return the time zone of a hub; UTC for any other place."""
        return self._timezones.get(place, "UTC")

    def settle(self, now: float = float("inf")) -> bool:
        """Update the tables that repeat the ledger's statuses, once no decision was made for a while; return whether it did.

        ``now`` is in seconds on the clock of ``catch_up``.
        """
        if self._is_settled or now - self._last_decided < _QUIET_SECONDS:
            return False
        self._is_settled = True
        with exclusive(self.settings):
            refresh(self.settings, self.as_of)
        return True

    def compact(self) -> None:
        """Merge the small files of the ledger, one per decision, once there are many."""
        with self._lock, exclusive(self.settings):
            self._take_in()
            if self._warehouse.compact("decision", _MOST_FILES):
                self._version = self._warehouse.version("decision")

    def _take_in(self) -> None:
        """Read the ledger again if it has changed since it was read or written here."""
        version = self._warehouse.version("decision")
        if version != self._version:
            states_now = _line_states(self.lines, self._warehouse.read("decision"))
            worth_now = self._worth_of(list(self.departures["departure_id"]), states_now)
            self.states, self.worth, self._version = states_now, worth_now, version
            self.revision += 1

    def _decide_queued(self) -> None:
        """Decide everything in the queue, in order, and write all of it at once."""
        with self._queue_lock:
            jobs, self._queue = self._queue, []
        try:
            with exclusive(self.settings):
                self._take_in()
                result, staged = self._checked_jobs(jobs)
                if rows := [one.outcome.rows for one in result if len(one.outcome.rows)]:
                    written = pd.concat(rows, ignore_index=True)
                    self._warehouse.append("decision", written)
                    self._version = self._warehouse.version("decision")
                    self._publish(staged, written["departure_id"].unique())
        except BaseException as error:
            for job in jobs:
                if not job.reply.done():
                    job.reply.set_exception(error)
            raise
        for one in result:
            one.job.reply.set_result(self._reply(one))

    def _checked_jobs(self, jobs: list[_Job]) -> tuple[list[_Decided], LineStates]:
        """Return the outcomes of the jobs without conflict, each after those before it, and the states after all."""
        staged, result = self.states, []
        for job in jobs:
            try:
                rows = self._rows(job.request, staged)
                if conflicts := self._conflicts(job.request, rows, staged):
                    job.reply.set_result(DecisionReply(conflicts=conflicts))
                    continue
                outcome = self._outcome(job.request, job.signature, rows, staged)
            except InputError as error:
                job.reply.set_exception(error)
                continue
            result.append(_Decided(job, self.rows_of(outcome.rows["proposal_id"]), outcome))
            staged = staged.after(result[-1].rows, outcome.rows) if len(outcome.rows) else staged
        return result, staged

    def _outcome(self, request: DecisionRequest, signature: Signature, rows: np.ndarray, states: LineStates) -> Outcome:
        chosen = self.current(rows, states)
        position = self._position
        if request.units:
            position = position[position["sku"].isin(chosen["sku"].unique())]
        plan = _HeldPlan(self.settings, self.as_of, chosen, _NO_DECISIONS, position, self._supply)
        refuse_before(plan, signature)
        selection = Selection(ids=tuple(request.units), units=dict(request.units))
        return decided(plan, request.verb, chosen, selection, signature)

    def _reply(self, one: _Decided) -> DecisionReply:
        ids, skipped = one.outcome.rows["proposal_id"], one.outcome.skipped
        versions = dict(
            zip(ids, one.outcome.rows["at"].astype("datetime64[us, UTC]").astype("int64").astype(str), strict=True)
        )
        departures = tuple(one.outcome.rows["departure_id"].dropna().unique())
        return DecisionReply(versions, tuple(zip(skipped["proposal_id"], skipped["why"], strict=True)), (), departures)

    def _rows(self, request: DecisionRequest, states: LineStates) -> np.ndarray:
        """Return the row numbers of the requested lines: those named, and the open ones of the departures named."""
        if unknown := [name for name in request.units if name not in request.lines]:
            raise InputError(f"the units of {unknown[0][:80]!r} change, but the line is not selected")
        rows = [self.rows_of(request.lines)]
        for name in request.departures:
            self.row_of_departure(name)
            here = self._rows_of_departure[name]
            is_open = np.isin(states.status[here].astype(str), _OPEN[request.verb])
            rows.append(here[is_open & ~self.lines["is_outlook"].to_numpy()[here]])
        result = np.unique(np.concatenate(rows))
        if not len(result) and not request.departures:
            raise InputError("no line is selected")
        return result

    def _conflicts(self, request: DecisionRequest, rows: np.ndarray, states: LineStates) -> tuple[Conflict, ...]:
        seen = dict(zip(self.rows_of(request.lines), request.lines.values(), strict=True))
        changed = [int(row) for row in rows if seen.get(row, states.version(row)) != states.version(row)]
        result = [self._conflict(str(self.lines["proposal_id"].iat[row]), row, states) for row in changed]
        for name, version in request.departures.items():
            here = self._rows_of_departure[name]
            latest = int(here[int(np.argmax(states.decided_at[here]))])
            if states.version(latest) != version:
                result.append(self._conflict(name, latest, states))
        return tuple(result)

    def _conflict(self, name: str, row: int, states: LineStates) -> Conflict:
        moment = pd.Timestamp(int(states.decided_at[row]), unit="us", tz="UTC")
        return Conflict(name, states.status[row], states.by[row], states.reason[row], moment)

    def _publish(self, states: LineStates, departures: Iterable[str]) -> None:
        """Show the written decisions: the states, and the worth of their departures."""
        names = [name for name in map(str, departures) if name in self._departure_row]
        place = [self._departure_row[name] for name in names]
        fresh = self._worth_of(names, states)
        changed = {name: self.worth[name].to_numpy(copy=True) for name in self.worth}
        for name, values in changed.items():
            values[place] = fresh[name].to_numpy()
        self.states, self.worth = states, pd.DataFrame(changed)
        self._is_settled, self._last_decided = False, self._checked
        self.revision += 1

    def _worth_of(self, names: list[str], states: LineStates) -> pd.DataFrame:
        """Return the worth of departures, in order: value, kept units, fill rate, loads, version and lines by status."""
        groups = [self._rows_of_departure.get(name, _NO_ROWS) for name in names]
        rows = np.concatenate([*groups, _NO_ROWS])
        place = np.repeat(np.arange(len(names)), [len(group) for group in groups])
        departures = self.departures.iloc[[self._departure_row[name] for name in names]]
        lines = self._valued.iloc[rows].reset_index(drop=True)
        lines = lines.assign(decided_units=states.units[rows], status=states.status[rows])
        known = worth.departure_states(lines, departures, self._skus).set_index("departure_id")
        result = known.reindex(names)[["value_eur", "kept", "fill_rate", "loads_needed"]].astype("float64")
        latest = np.zeros(len(names), dtype="int64")
        np.maximum.at(latest, place, states.decided_at[rows])
        counts = {name: np.bincount(place[states.status[rows] == name], minlength=len(names)) for name in STATUSES}
        return result.reset_index(drop=True).assign(version=latest, **counts)


_OPEN = {"approve": ["proposed"], "reject": ["proposed", "approved"], "withdraw": ["approved", "rejected"]}
_NO_ROWS = np.array([], dtype="int64")
_NO_DECISIONS = pd.DataFrame({"status": pd.Series(dtype="str"), "at": pd.Series(dtype="datetime64[us, UTC]")})


def _undecided(states: LineStates, rows: np.ndarray) -> LineStates:
    """Return the states with the approved lines among ``rows`` undecided."""
    status = states.status.copy()
    status[rows] = np.where(status[rows] == "approved", "proposed", status[rows])
    return replace(states, status=status)


def _described(lines: pd.DataFrame, skus: pd.DataFrame | None, settings: Settings) -> pd.DataFrame:
    """Return lines with the columns of ``skus`` that filters use: handling class, owner, and the finest hierarchy column."""
    sources = {name: name for name in _DESCRIPTION} | {"category": next(iter(settings.series.hierarchy), "")}
    known = pd.DataFrame() if skus is None else skus.astype({"sku": "str"}).set_index("sku")
    empty = pd.Series("", index=lines.index, dtype=object)
    added = {
        name: lines["sku"].map(known[column].astype(object)).fillna("").astype(object) if column in known else empty
        for name, column in sources.items()
    }
    return lines.assign(**added, is_outlook=lines["is_outlook"].astype(bool))


def _timezones(hubs: pd.DataFrame) -> dict[str, str]:
    known = hubs[hubs["timezone"].notna()] if "timezone" in hubs else hubs.iloc[:0]
    return dict(zip(known["hub"].astype(str), known["timezone"].astype(str), strict=True)) if len(known) else {}


def _line_states(lines: pd.DataFrame, decisions: pd.DataFrame) -> LineStates:
    """Return the state of each line, in the order of ``lines``."""
    known = states(decisions[among(decisions["proposal_id"], lines["proposal_id"])]).set_index("proposal_id")
    known = known.reindex(lines["proposal_id"]).reset_index(drop=True)
    moments = known["at"].astype("datetime64[us, UTC]")
    return LineStates(
        status=known["status"].astype(object).fillna("proposed").to_numpy(object),
        units=known["units"].astype("float64").to_numpy(),
        decided_at=moments.astype("int64").where(moments.notna(), 0).to_numpy("int64"),
        by=known["by"].astype(object).fillna("").to_numpy(object),
        reason=known["reason"].astype(object).fillna("").to_numpy(object),
    )
