"""A plan kept in memory while people decide on it: its lines with their states, its departures with their worth.

A decision takes the same checks as the commands' (``pipeline.decisions``), is written to the ledger before anybody sees it, and is
refused if a line has changed since the caller saw it. Tables that repeat the ledger's statuses are updated later, by ``settle``.
Not here: pages and routes (``serve``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from dispatch import worth
from dispatch.decide import Signature
from dispatch.ledger import FOLLOWERS, STATUSES, states
from foundation.errors import InputError
from foundation.keys import among
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import kept_inputs
from pipeline.decisions import Plan, Selection, decided, exclusive, open_plan, refresh, refuse_before
from serve.workspace import Conflict, DecisionReply, DecisionRequest

STATE_COLUMNS = ("status", "decided_units", "decided_at", "by", "reason", "version")
_DESCRIPTION = ("handling_class", "owner")
_UNDECIDED = "0"


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


class OpenPlan:
    """The plan of a date; see ``serve.workspace.OpenPlan``. Reads need no lock: every change replaces whole frames."""

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
        self.lines = _described(
            plan.proposals.drop(columns=["status", "decided_units", "decided_at"]), self._skus, settings
        )
        self._row = pd.Series(np.arange(len(self.lines)), index=self.lines["proposal_id"])
        self._departure_row = pd.Series(np.arange(len(self.departures)), index=self.departures["departure_id"])
        self._lock = threading.RLock()
        self._version, self._is_settled = -2, True
        self.states, self.worth = pd.DataFrame(), pd.DataFrame()
        self.catch_up()

    def catch_up(self) -> None:
        """Take in decisions that other processes wrote."""
        with self._lock:
            version = self._warehouse.version("decision")
            if version == self._version:
                return
            decisions = self._warehouse.read("decision")
            self._version = version
            self.states = _line_states(self.lines, decisions)
            self.worth = self._worth_of(self.departures)
            self.revision += 1

    def decide(self, request: DecisionRequest, by: str, now: pd.Timestamp) -> DecisionReply:
        """Decide, unless a line or departure has another version than the caller saw; then return who decided it.

        Raises ``InputError``, and writes no row, for an unknown line, units or a reason that are invalid.
        """
        signature = Signature(now, by, request.reason)
        with self._lock, exclusive(self.settings):
            self.catch_up()
            rows = self._rows(request)
            if conflicts := self._conflicts(request, rows):
                return DecisionReply(conflicts=conflicts)
            chosen = self.current(rows)
            plan = self._plan(chosen)
            refuse_before(plan, signature)
            selection = Selection(ids=tuple(request.units), units=dict(request.units))
            outcome = decided(plan, request.verb, chosen, selection, signature)
            if len(outcome.rows):
                self._warehouse.append("decision", outcome.rows)
                self._version = self._warehouse.version("decision")
                self._apply(outcome.rows)
        ids = outcome.rows["proposal_id"]
        versions = dict(zip(ids, self.states["version"].to_numpy()[self.rows_of(ids)], strict=True))
        skipped = tuple(zip(outcome.skipped["proposal_id"], outcome.skipped["why"], strict=True))
        departures = tuple(outcome.rows["departure_id"].dropna().unique())
        return DecisionReply(versions, skipped, (), departures)

    def preview(self, proposal_id: str, units: int, now: pd.Timestamp) -> pd.Series:
        """Return the row of ``worth`` of a line's departure if the line is approved for ``units``; writes nothing.

        Raises ``InputError`` if the units are not possible.
        """
        chosen = self.current(self.rows_of([proposal_id]))
        selection = Selection(ids=(proposal_id,), units={proposal_id: units})
        outcome = decided(self._plan(chosen), "approve", chosen, selection, Signature(now, "preview"))
        if len(outcome.skipped) and outcome.skipped["why"].iat[0] != "is approved already":
            raise InputError(f"the line {outcome.skipped['why'].iat[0]}")
        name = chosen["departure_id"].iat[0]
        lines = self.current(np.flatnonzero((self.lines["departure_id"] == name).to_numpy()))
        is_edited = lines["proposal_id"] == proposal_id
        lines = lines.assign(
            status=lines["status"].mask(is_edited, "approved"),
            decided_units=lines["decided_units"].mask(is_edited, float(units)),
        )
        departure = self.departures[self.departures["departure_id"] == name]
        return worth.departure_states(lines, departure, self._skus).iloc[0]

    def row_of_departure(self, departure_id: str) -> int:
        """Return the row number of a departure."""
        return int(self._departure_row[departure_id])

    def current(self, rows: np.ndarray) -> pd.DataFrame:
        """Return lines by row number with their status, decided units and time, as the checks of decisions read them."""
        taken = self.states.iloc[rows].reset_index(drop=True)
        lines = self.lines.iloc[rows].reset_index(drop=True)
        return lines.assign(**{name: taken[name] for name in ("decided_units", "decided_at", "status")})

    def timezone(self, place: str) -> str:
        """Return the time zone of a hub; UTC for any other place."""
        return self._timezones.get(place, "UTC")

    def settle(self) -> bool:
        """Update the tables that repeat the ledger's statuses, if a decision was made since; return whether it was."""
        with self._lock:
            is_due, self._is_settled = not self._is_settled, True
        if is_due:
            with exclusive(self.settings):
                refresh(self.settings, self.as_of)
        return is_due

    def rows_of(self, ids: Iterable[str]) -> np.ndarray:
        """Return the row numbers of proposals; raises ``InputError`` for an id that the plan does not have."""
        rows = self._row.reindex(list(ids))
        if rows.isna().any():
            raise InputError(f"the plan of {self.as_of} has no proposal {str(rows.index[rows.isna()][0])[:80]!r}")
        return rows.to_numpy("int64")

    def _rows(self, request: DecisionRequest) -> np.ndarray:
        """Return the row numbers of the requested lines: those named, and the open ones of the departures named."""
        if unknown := [name for name in request.units if name not in request.lines]:
            raise InputError(f"the units of {unknown[0][:80]!r} change, but the line is not selected")
        rows = [self.rows_of(request.lines)]
        before = ("proposed",) if request.verb == "approve" else ("proposed", "approved")
        before = ("approved", "rejected") if request.verb == "withdraw" else before
        for name in request.departures:
            if name not in self._departure_row.index:
                raise InputError(f"the plan of {self.as_of} has no departure {name[:80]!r}")
            is_open = (
                (self.lines["departure_id"] == name) & self.states["status"].isin(before) & ~self.lines["is_outlook"]
            )
            rows.append(np.flatnonzero(is_open.to_numpy()))
        result = np.unique(np.concatenate(rows))
        if not len(result):
            raise InputError("no line is selected that can still be decided")
        return result

    def _conflicts(self, request: DecisionRequest, rows: np.ndarray) -> tuple[Conflict, ...]:
        versions = self.states["version"].to_numpy(object)
        seen = {self.rows_of([name])[0]: version for name, version in request.lines.items()}
        changed = [int(row) for row in rows if seen.get(row, versions[row]) != versions[row]]
        result = [self._conflict(str(self.lines["proposal_id"].iat[row]), row) for row in changed]
        for name, version in request.departures.items():
            if self.worth["version"].iat[self.row_of_departure(name)] != version:
                here = np.flatnonzero((self.lines["departure_id"] == name).to_numpy())
                result.append(self._conflict(name, int(here[versions[here].astype("int64").argmax()])))
        return tuple(result)

    def _conflict(self, name: str, row: int) -> Conflict:
        state = self.states.iloc[row]
        return Conflict(name, str(state["status"]), state["by"] or "", state["reason"] or "", state["decided_at"])

    def _plan(self, chosen: pd.DataFrame) -> _HeldPlan:
        is_needed = self._position["sku"].isin(chosen["sku"].unique())
        position = self._position[is_needed]
        return _HeldPlan(self.settings, self.as_of, chosen, _NO_DECISIONS, position, self._supply)

    def _apply(self, rows: pd.DataFrame) -> None:
        """Take the written ledger rows into the states and the worth of their departures."""
        place = self.rows_of(rows["proposal_id"])
        changed = {name: self.states[name].to_numpy(copy=True) for name in STATE_COLUMNS if name != "decided_at"}
        changed["status"][place] = rows["status"].to_numpy()
        changed["decided_units"][place] = rows["units"].to_numpy("float64")
        changed["by"][place], changed["reason"][place] = rows["by"].to_numpy(object), rows["reason"].to_numpy(object)
        changed["version"][place] = _versions(rows["at"])
        times = self.states["decided_at"].copy()
        times.iloc[place] = rows["at"].to_numpy()
        self.states = pd.DataFrame(changed).assign(decided_at=times)
        affected = self.departures["departure_id"].isin(rows["departure_id"].unique()).to_numpy()
        fresh = self._worth_of(self.departures[affected])
        result = self.worth.copy()
        result.iloc[np.flatnonzero(affected)] = fresh.to_numpy(object)
        self.worth = result.astype(self.worth.dtypes)
        self._is_settled = False
        self.revision += 1

    def _worth_of(self, departures: pd.DataFrame) -> pd.DataFrame:
        """Return the worth of departures, in their order: value, kept units, fill rate, loads, version and lines by status."""
        is_here = self.lines["departure_id"].isin(departures["departure_id"]).to_numpy()
        rows = np.flatnonzero(is_here)
        current = self.current(rows)
        known = worth.departure_states(current, departures, self._skus).set_index("departure_id")
        names = pd.Index(departures["departure_id"])
        result = known.reindex(names)[["value_eur", "kept", "fill_rate", "loads_needed"]].astype("float64")
        number = self.states["version"].iloc[rows].astype("int64").to_numpy()
        grouped = current.assign(number=number).groupby("departure_id")
        counts = current.groupby(["departure_id", "status"]).size().unstack(fill_value=0)
        counts = counts.reindex(index=names, columns=list(STATUSES), fill_value=0)
        version = grouped["number"].max().reindex(names, fill_value=0).astype("int64").astype(str)
        return result.assign(version=version.astype(object), **{name: counts[name] for name in STATUSES}).reset_index(
            drop=True
        )


_NO_DECISIONS = pd.DataFrame({"status": pd.Series(dtype="str"), "at": pd.Series(dtype="datetime64[us, UTC]")})


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


def _line_states(lines: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return STATE_COLUMNS of each line, in the order of ``lines``."""
    known = states(decisions[among(decisions["proposal_id"], lines["proposal_id"])]).set_index("proposal_id")
    known = known.reindex(lines["proposal_id"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "status": known["status"].astype(object).where(known["status"].notna(), "proposed"),
            "decided_units": known["units"].astype("float64"),
            "by": known["by"].astype(object).where(known["by"].notna(), None),
            "reason": known["reason"].astype(object).where(known["reason"].notna(), None),
            "version": _versions(known["at"]),
            "decided_at": known["at"],
        }
    )


def _versions(moments: pd.Series) -> np.ndarray:
    """Return the version of lines, the microsecond of their last decision as text; ``0`` without one."""
    numbers = moments.astype("datetime64[us, UTC]").astype("int64").where(moments.notna(), 0)
    return numbers.astype(str).to_numpy(object)


def may_follow(status: str, verb: str) -> bool:
    """Return whether a line in ``status`` may be approved, rejected or withdrawn."""
    after = {"approve": "approved", "reject": "rejected", "withdraw": "proposed"}[verb]
    return after in FOLLOWERS[status]
