"""What-ifs in the background: one at a time, with their log lines as progress.

Not here: the what-if (``pipeline.what_if``).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from foundation.errors import ForestockError
from serve.workspace import Job

log = logging.getLogger(__name__)
_MOST_JOBS = 20
_MOST_LINES = 12
_PACKAGES = ("pipeline", "positioning")


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
