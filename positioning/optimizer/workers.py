"""Sharing chunks over processes: the same answer for any number of them.

Here: the workers and which of them a chunk is at home with. Not here: what a chunk does
(``positioning.optimizer.pricing``).
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from itertools import groupby
from multiprocessing.connection import wait
from typing import Any

from foundation.errors import StageError
from positioning.inputs.problem import Problem
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache

Task = Callable[..., list[Any]]
_cache: SubproblemCache | None = None


class WorkerPool:
    """Runs a task on all chunks, in order, here or in workers; a chunk of skus always has the same worker."""

    def __init__(self, problem: Problem, parameters: Parameters, workers: tuple[ProcessPoolExecutor, ...] = ()) -> None:
        """Load ``problem`` into ``workers``; without workers, solve in this process.

        The problem comes as a task: what a start is handed blocks for ever where the new process ends before it reads it.
        """
        self.parameters = parameters
        self.cache = None if workers else SubproblemCache(problem, parameters)
        self._executors = workers
        self._loading: list[Future[None]] = [worker.submit(_load_problem, problem, parameters) for worker in workers]

    def run(self, task: Task, chunks: list[tuple[Any, ...]]) -> list[Any]:
        """Return the concatenated lists of ``task(cache, *chunk)`` for every chunk, in order.

        The first entry of a chunk is a list of skus, or of what has a ``sku``, from one chunk of ``chunks_of``.
        Raises ``StageError`` where a worker is ended from outside.
        """
        if not self._executors:
            return [answer for chunk in chunks for answer in task(self.cache, *chunk)]
        try:
            for future in self._loading:
                future.result()
            waiting = [self._worker(chunk[0][0]).submit(_run_task, task, chunk) for chunk in chunks]
            return [answer for future in waiting for answer in future.result()]
        except BrokenProcessPool as error:
            _stop_feeding(self._executors)
            raise StageError(
                "rebalance",
                "a process at work on the plan was ended from outside, as happens where memory runs out; "
                "run again, perhaps with fewer positioning.processes",
            ) from error

    def _worker(self, first: Any) -> ProcessPoolExecutor:
        sku = first if isinstance(first, int) else first.sku
        return self._executors[sku // self.parameters.chunk_skus % len(self._executors)]

    def chunks_of(self, skus: list[int]) -> list[list[int]]:
        """Return ascending ``skus`` in the chunks they belong to, whichever of them are there."""
        return [list(part) for _, part in groupby(skus, lambda sku: sku // self.parameters.chunk_skus)]


@contextmanager
def worker_pool(problem: Problem, n_skus: int, parameters: Parameters) -> Iterator[WorkerPool]:
    """Open ``positioning.processes`` workers where there is work for more than one."""
    processes = min(problem.settings.positioning.processes, -(-n_skus // parameters.chunk_skus))
    if processes <= 1:
        yield WorkerPool(problem, parameters)
        return
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pools = [stack.enter_context(ProcessPoolExecutor(1, context, _watch_parent)) for _ in range(processes)]
        yield WorkerPool(problem, parameters, tuple(pools))


def _watch_parent() -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _load_problem(problem: Problem, parameters: Parameters) -> None:
    global _cache
    _cache = SubproblemCache(problem, parameters)


def _leave_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _stop_feeding(workers: tuple[ProcessPoolExecutor, ...]) -> None:
    """Close the ends that ``workers`` read from, as CPython does itself from 3.11.5 on (gh-94777).

    Before, the end of a pool waits for ever for the thread that was feeding a process when that was ended.
    """
    if sys.version_info >= (3, 11, 5):
        return
    for worker in workers:
        queue = getattr(worker, "_call_queue", None)
        if queue is not None:
            queue._reader.close()


def _run_task(task: Task, chunk: tuple[Any, ...]) -> list[Any]:
    return task(_cache, *chunk)
