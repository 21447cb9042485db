"""Sharing chunks over processes: the same answer for any number of them.

Here: the pool. Not here: what a chunk does (``positioning.chunk``).
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from positioning.chunk import CHUNK_SKUS, Desk
from positioning.problem import Problem

Task = Callable[..., list[Any]]
_desk: Desk | None = None


class Crew:
    """Runs a task on all chunks, in order, here or in a pool."""

    def __init__(self, problem: Problem, pool: ProcessPoolExecutor | None) -> None:
        self.desk = Desk(problem) if pool is None else None
        self._pool = pool

    def run(self, task: Task, chunks: list[tuple[Any, ...]]) -> list[Any]:
        """Return the concatenated lists of ``task(desk, *chunk)`` for every chunk, in order."""
        if self._pool is None:
            return [answer for chunk in chunks for answer in task(self.desk, *chunk)]
        waiting = [self._pool.submit(_at_desk, task, chunk) for chunk in chunks]
        return [answer for future in waiting for answer in future.result()]


@contextmanager
def crew(problem: Problem, n_skus: int) -> Iterator[Crew]:
    """Open a pool of ``positioning.processes`` where there is work for more than one."""
    processes = min(problem.settings.positioning.processes, -(-n_skus // CHUNK_SKUS))
    if processes <= 1:
        yield Crew(problem, None)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _sit_down, (problem,)) as pool:
        yield Crew(problem, pool)


def chunks_of(skus: list[int], length: int = CHUNK_SKUS) -> list[list[int]]:
    """Cut ``skus`` into chunks of fixed length."""
    return [skus[at : at + length] for at in range(0, len(skus), length)]


def _sit_down(problem: Problem) -> None:
    global _desk
    _desk = Desk(problem)


def _at_desk(task: Task, chunk: tuple[Any, ...]) -> list[Any]:
    return task(_desk, *chunk)
