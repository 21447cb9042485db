"""Workers: who is at home where, and that none outlives the process that started it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from foundation.cluster_section import ClusterSection
from foundation.errors import StageError
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.workers import WorkerPool, worker_pool
from tests.worlds.positioning_world import random_world

CHUNK_SKUS = Parameters().chunk_skus
_ROOT = Path(__file__).parents[2]
_UNGUARDED = """
from tests.positioning.test_workers import many_skus_for_two
many_skus_for_two()
"""
_open: list[Any] = []
_PARENT = """
from tests.positioning.test_workers import work_for_two
if __name__ == "__main__":
    work_for_two(int({port!r}), {is_cluster})
"""


def ring_and_stay_busy(_: object, skus: list[int], port: int) -> list[int]:
    """Open a line that breaks when this process ends, then work for a minute."""
    _open.append(socket.create_connection(("localhost", port)))
    time.sleep(60)
    return skus


def work_for_two(port: int, is_cluster: bool) -> None:
    """Keep two workers busy, each with a chunk of its own."""
    world = random_world(1, n_skus=2 * CHUNK_SKUS)
    problem = world.but(positioning={**world.positioning, "processes": 2}).problem()
    if is_cluster:
        settings = problem.settings.model_copy(update={"cluster": ClusterSection(workers=2)})
        problem = replace(problem, settings=settings)
    with worker_pool(problem, 2 * CHUNK_SKUS, Parameters()) as workers:
        workers.run(ring_and_stay_busy, [([0], port), ([CHUNK_SKUS], port)])


@pytest.mark.parametrize("is_cluster", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_workers_end_at_once_when_the_process_that_started_them_is_killed(is_cluster: bool) -> None:
    """A run that is killed must not leave workers behind that use the cores until their chunk ends."""
    with socket.create_server(("localhost", 0)) as server:
        server.settimeout(60)  # a parent that fails to start must fail the test, not stop it forever
        script = _PARENT.format(port=str(server.getsockname()[1]), is_cluster=is_cluster)
        parent = subprocess.Popen([sys.executable, "-c", script], cwd=_ROOT)  # noqa: S603 (our own)
        try:
            lines = [server.accept()[0] for _ in range(2)]
        finally:
            parent.kill()
            parent.wait()
        assert [_is_closed(line) for line in lines] == [True, True]


def _is_closed(line: socket.socket) -> bool:
    """Return whether the other end of ``line`` closes within ten seconds."""
    with line:
        line.settimeout(10)
        try:
            return line.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def end(_: object, skus: list[int]) -> list[int]:
    """Go as a process goes that the system ends."""
    os._exit(9)


def many_skus_for_two() -> None:
    """Ask two workers for work on a problem that fills any pipe between two processes."""
    problem = random_world(1, n_skus=300).but(positioning={"processes": 2}).problem()
    with worker_pool(problem, 300, Parameters()) as workers:
        workers.run(end, [([0],), ([CHUNK_SKUS],)])


def test_a_worker_that_is_ended_fails_the_stage_and_says_why() -> None:
    with pytest.raises(StageError, match="ended from outside"):
        many_skus_for_two()


def test_a_worker_that_ends_while_it_starts_does_not_block_the_run(tmp_path: Path) -> None:
    """Here because the script starts itself again in its workers; memory that runs out does the same."""
    script = tmp_path / "unguarded.py"
    script.write_text(_UNGUARDED)
    there = {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(  # noqa: S603 (our own)
        [sys.executable, script], cwd=_ROOT, env=there, timeout=120, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert "ended from outside" in done.stderr


def test_a_sku_stays_in_its_chunk_whichever_skus_are_requested() -> None:
    skus = [0, 1, CHUNK_SKUS - 1, CHUNK_SKUS, 3 * CHUNK_SKUS]
    workers = WorkerPool(random_world(1).problem(), Parameters())
    assert workers.chunks_of(skus) == [[0, 1, CHUNK_SKUS - 1], [CHUNK_SKUS], [3 * CHUNK_SKUS]]


def test_answers_come_in_the_order_of_the_chunks() -> None:
    workers = WorkerPool(random_world(1).problem(), Parameters())
    assert workers.run(lambda _, skus: skus, [([2, 1],), ([3],)]) == [2, 1, 3]
