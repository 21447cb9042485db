"""Sharing chunks over workers: the same answer for any number of them.

Workers are processes of this machine or those of a Dask cluster. Each gets the part of the problem that its SKUs need. Results travel as the
arrays of all columns of a chunk end to end, uses without their zeros; unpacked results equal those that were packed, bit for bit. Here: the workers
and which of them a chunk is at home with. Not here: what a chunk does (``positioning.optimizer.pricing``), and connecting to a cluster
(``foundation.cluster``).
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing.connection import wait
from typing import Any, Protocol

import numpy as np

from foundation.cluster import LostClusterError, connected, disconnect
from foundation.errors import StageError
from positioning.inputs.problem import Problem, ProblemPart, part_of
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import Column, PricingResult, SubproblemCache

Task = Callable[..., list[Any]]
Call = tuple[int, Callable[..., Any], tuple[Any, ...]]  # worker, function of its cache, further arguments
_cache: SubproblemCache | None = None


class Workers(Protocol):
    """Workers that hold a cache each."""

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Return the result of every call, in order."""


class WorkerPool:
    """Runs a task on all chunks, in order, here or in workers; a chunk of skus always has the same worker."""

    def __init__(
        self, problem: Problem, parameters: Parameters, workers: Workers | None = None, n_workers: int = 0
    ) -> None:
        """Use ``n_workers`` workers that have the parts of ``problem``; without workers, solve in this process."""
        self.parameters = parameters
        self.cache = None if workers else SubproblemCache(problem, parameters)
        self._workers, self._n_workers = workers, n_workers

    def run(self, task: Task, chunks: list[tuple[Any, ...]]) -> list[Any]:
        """Return the concatenated lists of ``task(cache, *chunk)`` for every chunk, in order.

        The first entry of a chunk is a list of skus, or of what has a ``sku``, from one chunk of ``chunks_of``.
        Raises ``StageError`` where a worker is ended from outside.
        """
        if self._workers is None:
            return [answer for chunk in chunks for answer in task(self.cache, *chunk)]
        calls = [(self._worker(chunk[0][0]), _run_task, (task, chunk)) for chunk in chunks]
        return [answer for answers in self._workers.run(calls) for answer in unpack(answers)]

    def _worker(self, first: Any) -> int:
        sku = first if isinstance(first, int) else first.sku
        return int(sku // self.parameters.chunk_skus % self._n_workers)

    def chunks_of(self, skus: list[int]) -> list[list[int]]:
        """Return ascending ``skus`` in the chunks they belong to, whichever of them are there."""
        return [list(part) for _, part in groupby(skus, lambda sku: sku // self.parameters.chunk_skus)]


@contextmanager
def worker_pool(problem: Problem, n_skus: int, parameters: Parameters) -> Iterator[WorkerPool]:
    """Open workers where there is work for more than one: those of ``cluster``, else ``positioning.processes``."""
    settings, n_chunks = problem.settings, -(-n_skus // parameters.chunk_skus)
    if settings.cluster.is_used and n_chunks > 1:
        with _on_cluster(problem, n_chunks, parameters) as workers:
            yield workers
        return
    processes = min(settings.positioning.processes, n_chunks)
    if processes <= 1:
        yield WorkerPool(problem, parameters)
        return
    with ExitStack() as stack:
        context = multiprocessing.get_context("spawn")
        pools = [stack.enter_context(ProcessPoolExecutor(1, context, _watch_parent)) for _ in range(processes)]
        parts = _parts(problem, n_skus, processes, parameters)
        yield WorkerPool(problem, parameters, _Processes(tuple(pools), parts, parameters), processes)


@contextmanager
def _on_cluster(problem: Problem, n_chunks: int, parameters: Parameters) -> Iterator[WorkerPool]:
    """Use the workers of the cluster for as long as they are all there."""
    section, n_skus = problem.settings.cluster, len(problem.catalog.skus)
    try:
        cluster = connected(section)
        n_workers = min(len(cluster), n_chunks)
        parts = _parts(problem, n_skus, n_workers, parameters)
        states = cluster.states(_build_cache, [(part, parameters) for part in parts])
        try:
            yield WorkerPool(problem, parameters, states, n_workers)
        finally:
            states.close()
    except LostClusterError as error:
        disconnect(section)
        raise StageError("rebalance", f"{error}; run again to continue") from error


def _parts(problem: Problem, n_skus: int, n_workers: int, parameters: Parameters) -> list[ProblemPart]:
    """Return the part of the problem of each worker: chunks in turns."""
    home = np.arange(n_skus) // parameters.chunk_skus % n_workers
    return [part_of(problem, np.flatnonzero(home == worker)) for worker in range(n_workers)]


class _Processes:
    """Processes of this machine with a cache each."""

    def __init__(
        self, executors: tuple[ProcessPoolExecutor, ...], parts: list[ProblemPart], parameters: Parameters
    ) -> None:
        """Load a part of the problem into each process.

        It comes as a task: what a start is handed blocks for ever where the new process ends before it reads it.
        """
        self._executors = executors
        self._loading: list[Future[None]] = [
            worker.submit(_load_cache, part, parameters) for worker, part in zip(executors, parts, strict=True)
        ]

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Return the result of every call, in order; raises ``StageError`` where a process is ended from outside."""
        try:
            for future in self._loading:
                future.result()
            waiting = [
                self._executors[worker].submit(_call, function, arguments) for worker, function, arguments in calls
            ]
            return [future.result() for future in waiting]
        except BrokenProcessPool as error:
            _stop_feeding(self._executors)
            raise StageError(
                "rebalance",
                "a process at work on the plan was ended from outside, as happens where memory runs out; "
                "run again, perhaps with fewer positioning.processes",
            ) from error


def _build_cache(part: ProblemPart, parameters: Parameters) -> SubproblemCache:
    return SubproblemCache(part.restored(), parameters)


def _load_cache(part: ProblemPart, parameters: Parameters) -> None:
    global _cache
    _cache = _build_cache(part, parameters)


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return function(_cache, *arguments)


def _run_task(cache: SubproblemCache, task: Task, chunk: tuple[Any, ...]) -> Any:
    return pack(task(cache, *chunk))


def _watch_parent() -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()


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


@dataclass(frozen=True)
class PackedResults:
    """Pricing results of n SKUs with m columns in all.

    Attributes
    ----------
    heads
        Position, number of columns, cost without shipments, and bound of each SKU.
    eur
        Cost of each column, (m,).
    lanes, units
        Shipments and units of all columns, end to end.
    n_lanes, n_uses
        Number of shipments and of resources used by each column, (m,).
    resources, uses
        Resources that columns use and how much, end to end.
    n_resources
        Number of resources.

    """

    heads: list[tuple[int, int, float, float]]
    eur: np.ndarray
    lanes: np.ndarray
    units: np.ndarray
    n_lanes: np.ndarray
    n_uses: np.ndarray
    resources: np.ndarray
    uses: np.ndarray
    n_resources: int


def pack(answers: list[Any]) -> list[Any] | PackedResults:
    """Return ``answers`` in the form in which they travel; only pricing results with columns change."""
    columns = [column for answer in answers if isinstance(answer, PricingResult) for column in answer.columns]
    if not columns:
        return answers
    resources = [np.flatnonzero(column.uses) for column in columns]
    return PackedResults(
        heads=[(one.sku, len(one.columns), one.no_shipment_eur, one.bound_eur) for one in answers],
        eur=np.array([column.eur for column in columns]),
        lanes=np.concatenate([column.lanes for column in columns]).astype("int32"),
        units=np.concatenate([column.units for column in columns]),
        n_lanes=_lengths([column.lanes for column in columns]),
        n_uses=_lengths(resources),
        resources=np.concatenate(resources).astype("int32"),
        uses=np.concatenate([column.uses[used] for column, used in zip(columns, resources, strict=True)]),
        n_resources=len(columns[0].uses),
    )


def unpack(packed: list[Any] | PackedResults) -> list[Any]:
    """Return the answers that ``pack`` was given."""
    if not isinstance(packed, PackedResults):
        return packed
    lanes, units = _cut(packed.lanes.astype("int64"), packed.n_lanes), _cut(packed.units, packed.n_lanes)
    resources, uses = _cut(packed.resources, packed.n_uses), _cut(packed.uses, packed.n_uses)
    results, first = [], 0
    for sku, n_columns, no_shipment_eur, bound_eur in packed.heads:
        columns = tuple(
            Column(
                sku, lanes[index], units[index], float(packed.eur[index]),
                _filled(packed.n_resources, resources[index], uses[index]),
            )
            for index in range(first, first + n_columns)
        )  # fmt: skip
        results.append(PricingResult(sku, no_shipment_eur, bound_eur, columns))
        first += n_columns
    return results


def _lengths(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([len(array) for array in arrays], dtype="int32")


def _cut(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(lengths)[:-1])


def _filled(length: int, index: np.ndarray, values: np.ndarray) -> np.ndarray:
    filled = np.zeros(length)
    filled[index] = values
    return filled
