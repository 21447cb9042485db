"""The use cases of the planner's workspace over one warehouse, with its what-ifs in the background and the states of exceptions.

Implements ``serve.workspace.Workspace``. Not here: pages and routes (``serve``), a plan in memory (``pipeline.open_plan``).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pandas as pd

from dispatch.decide import Signature
from foundation.errors import ConfigurationError, ForestockError, InputError, StageError, counted_noun
from foundation.settings import Settings, WhatIf
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import kept_inputs
from pipeline.decisions import Selection, decide_proposals, exclusive
from pipeline.handover import deliver_released, export_released, preview_release
from pipeline.open_plan import OpenPlan
from pipeline.what_if import compare_with_record
from serve.workspace import ExceptionChange, Job, ReleasePreview, ReleaseReply

log = logging.getLogger(__name__)
_MOST_JOBS = 20
_MOST_LINES = 12
_PACKAGES = ("pipeline", "positioning")
_MOST_PLANS = 3


class Jobs:
    """The jobs of one workspace, the last one first."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="what-if")
        self._jobs: list[Job] = []
        self._lock = threading.Lock()

    def all(self) -> list[Job]:
        """Return the jobs, the last one first."""
        with self._lock:
            return list(self._jobs)

    def start(self, job: Job, work: Callable[[], object]) -> bool:
        """Put a job in the queue; return False if one of that name and date is not finished."""
        with self._lock:
            if any(_is_same(one, job) and one.status in ("waiting", "running") for one in self._jobs):
                return False
            self._jobs = [job, *(one for one in self._jobs if not _is_same(one, job))][:_MOST_JOBS]
        self._pool.submit(self._run, job, work)
        return True

    def _run(self, job: Job, work: Callable[[], object]) -> None:
        self._change(job, status="running")
        handler = _Lines(lambda line: self._add(job, line))
        loggers = [logging.getLogger(name) for name in _PACKAGES]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
        try:
            work()
            self._change(job, status="done")
        except ForestockError as error:
            self._change(job, status="failed", lines=error.lines)
        except Exception:
            log.exception("the what-if %s failed", job.name)
            self._change(job, status="failed", lines=("It failed; the log of the server has the reason.",))
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.removeHandler(handler)
                logger.setLevel(level)

    def _add(self, job: Job, line: str) -> None:
        with self._lock:
            self._jobs = [
                replace(one, lines=(*one.lines, line)[-_MOST_LINES:]) if _is_same(one, job) else one
                for one in self._jobs
            ]

    def _change(self, job: Job, **changes: object) -> None:
        with self._lock:
            self._jobs = [replace(one, **changes) if _is_same(one, job) else one for one in self._jobs]  # type: ignore[arg-type] # fields of a job


def _is_same(one: Job, other: Job) -> bool:
    return (one.name, one.as_of) == (other.name, other.as_of)


class _Lines(logging.Handler):
    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the text of a record on."""
        self._take(record.getMessage())


def change_exceptions(settings: Settings, change: ExceptionChange, by: str, now: pd.Timestamp) -> tuple[str, ...]:
    """Write the new state of exceptions; return the ids that another person has changed since, and then write none.

    Raises ``InputError`` if an exception is solved without a reason.
    """
    if change.status == "solved" and not (change.reason or "").strip():
        raise InputError("say how the exception was solved; the next person who sees it needs the reason")
    with exclusive(settings, "exceptions"):
        warehouse = Warehouse(settings)
        states = (
            warehouse.read("exception_state")
            .sort_values("at", kind="stable")
            .drop_duplicates("exception_id", keep="last")
        )
        known = dict(zip(states["exception_id"], states["at"].astype("int64").astype(str), strict=True))
        if changed := tuple(name for name, version in change.exceptions.items() if known.get(name, "0") != version):
            return changed
        moment = max(now, states["at"].max() + pd.Timedelta(microseconds=1)) if len(states) else now
        rows = pd.DataFrame({"exception_id": list(change.exceptions)}).assign(
            at=moment, status=change.status, by=by, owner=change.owner or None,
            due_date=pd.Series(change.due_date, index=range(len(change.exceptions)), dtype="datetime64[us]"), reason=change.reason or None,
        )  # fmt: skip
        warehouse.append("exception_state", rows)
    return ()


class Workspace:
    """The warehouse of one configuration; the plans in use stay in memory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._warehouse = Warehouse(settings)
        self._plans: dict[date, tuple[int, OpenPlan]] = {}
        self._lock = threading.Lock()
        self._jobs = Jobs()
        self._dates: tuple[int, list[date]] = (-2, [])

    def dates(self) -> list[date]:
        """Return the planning dates with a plan, ascending."""
        version = self._warehouse.version("plan")
        if self._dates[0] != version:
            self._dates = (version, self._warehouse.dates("plan"))
        return self._dates[1]

    def plan(self, as_of: date | None) -> OpenPlan:
        """Return the plan of a date (None: the newest); a date that was planned again is read again.

        Raises ``ConfigurationError`` if there is no such plan.
        """
        dates = self.dates()
        if not dates or as_of not in (None, *dates):
            raise ConfigurationError(f"there is no plan of {as_of or 'any date'}")
        day, version = as_of or dates[-1], self._warehouse.version("plan")
        with self._lock:
            known = self._plans.get(day)
            if known is not None and known[0] == version:
                return known[1]
            opened = OpenPlan(self.settings, day)
            self._plans = {
                **{key: self._plans[key] for key in list(self._plans)[1 - _MOST_PLANS :] if key != day},
                day: (version, opened),
            }
        return opened

    def settle(self, now: float = float("inf")) -> None:
        """Update the tables that repeat the ledger's statuses, of every plan without new decisions for a while."""
        plans = [plan for _, plan in self._plans.values()]
        for plan in plans:
            plan.settle(now)
        if plans:
            plans[-1].compact()

    def inputs(
        self, as_of: date, names: Collection[str], where: Mapping[str, str] | None = None
    ) -> dict[str, pd.DataFrame]:
        """Return input tables that the plan of a date was made with, with the rows of ``where``; empty if they no longer exist."""
        folder = kept_inputs(self.settings, as_of)
        return {} if folder is None else snapshot.read(folder, names, where)

    def change_exceptions(self, change: ExceptionChange, by: str, now: pd.Timestamp) -> tuple[str, ...]:
        """Write new states of exceptions; return the ids that somebody else has changed since, and then write none."""
        return change_exceptions(self.settings, change, by, now)

    def preview_release(self, as_of: date, form: str | None, now: pd.Timestamp) -> ReleasePreview:
        """Return what a release would send now."""
        return preview_release(self.settings, as_of, form, now)

    def release(self, as_of: date, token: str, by: str, now: pd.Timestamp) -> ReleaseReply:
        """Release exactly the lines of the preview with ``token`` and deliver them.

        Raises ``InputError``, and releases no line, in shadow mode or if the approved lines have changed since the preview.
        """
        if self.settings.decisions.mode == "shadow":
            raise InputError(
                "decisions.mode is shadow: proposals are compared with what planners shipped and never released"
            )
        preview = preview_release(self.settings, as_of, None, now)
        if preview.token != token or preview.lines.empty:
            raise InputError("the approved lines have changed since the preview; look at it again")
        selection = Selection(ids=tuple(preview.lines["proposal_id"]))
        signature = Signature(now, by)
        result = decide_proposals(self.settings, as_of, "release", selection, signature)
        self.plan(as_of).catch_up()
        return ReleaseReply(len(result.rows), _delivered(self.settings, signature))

    def released_documents(self, as_of: date, form: str) -> tuple[str, str]:
        """Return the file name and text of the released lines of a plan in a form, as ``forestock export`` writes them.

        Raises ``InputError`` if no released line fits the form.
        """
        exported = export_released(self.settings, as_of, form)
        return f"{form}-{as_of}{exported.form.ending}", exported.text

    def start_what_if(self, as_of: date, change: WhatIf, by: str) -> None:
        """Compute a what-if in the background; raises ``InputError`` if one of that name is not finished."""
        try:
            self.settings.under(change)
        except ValueError as error:
            raise InputError(str(error)) from None
        job = Job(change.name, as_of, by, "waiting")
        if not self._jobs.start(job, lambda: compare_with_record(self.settings, (change,), as_of)):
            raise InputError(f"the what-if {change.name} is not finished; use another name")

    def jobs(self) -> list[Job]:
        """Return the what-ifs that were started, the last one first."""
        return self._jobs.all()


def _delivered(settings: Settings, signature: Signature) -> str:
    """Deliver the released lines and return what happened as a sentence; the lines stay released if a delivery fails."""
    token = os.environ.get(settings.decisions.outbox.token_variable)
    try:
        delivery = deliver_released(settings, signature, token)
    except StageError as error:
        return f"The lines are released, but not delivered: {error}. Repeat forestock release to deliver them."
    if delivery is None:
        return "No outbox is configured, so no document was delivered; use an export form."
    refused = "".join(f" Refused: {name}: {why}." for name, why in delivery.refused.items())
    return f"{counted_noun(len(delivery.delivered), 'document')} delivered to {settings.decisions.outbox.receiver}.{refused}"
