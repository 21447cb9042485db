"""Many cases in worker processes that may hang, crash or run out of memory without stopping the campaign.

``python -m tests.fuzz.campaign --cases 1000 --seed 1 --full 50`` prints counts by kind and every failure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import psutil

from tests.fuzz.cases import UNCHANGED, Case, cases, parsed, remembered

LONGEST_SECONDS, MOST_BYTES = 60, 2 * 10**9
_START_SECONDS, _COMPILE_SECONDS = 120, 300


def outcomes(chosen: Sequence[Case], n_full: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the outcome of each case (the first ``n_full`` through all stages), as ``judge.Outcome`` holds it."""
    worker = _Worker()
    try:
        if n_full > 1:  # the kernels of the optimizer are compiled before a case is timed
            worker.judge(UNCHANGED, True, _COMPILE_SECONDS)
        for place, case in enumerate(chosen):
            outcome = worker.judge(case, place < n_full)
            if outcome is None:
                yield {
                    "case": asdict(case),
                    "changed": "",
                    "code": -1,
                    "wrong": worker.reason,
                    "seconds": LONGEST_SECONDS,
                    "lines": [],
                }
                worker.end()
                worker = _Worker()
            else:
                yield outcome
    finally:
        worker.end()


class _Worker:
    """A process that judges one case after another; it is ended where a case takes too long or too much memory."""

    def __init__(self) -> None:
        self.reason = ""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RUST_BACKTRACE": "0"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.fuzz.campaign", "--worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._follow, daemon=True).start()
        self._begun = self._next(_START_SECONDS)

    def judge(self, case: Case, is_full: bool, seconds: float = LONGEST_SECONDS) -> dict[str, Any] | None:
        """Return the outcome of ``case``; None, with ``reason``, where the process ended or exceeded a limit."""
        assert self._process.stdin is not None
        try:
            print(case.kind, case.seed, int(is_full), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            self.reason = f"the process ended with code {self._process.wait()}"
            return None
        line = self._next(seconds)
        return None if line is None else json.loads(line)

    def end(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._lines.put(line)

    def _next(self, seconds: float) -> str | None:
        """Return the next line; a busy machine may take five times as long as the ``seconds`` of its own work."""
        process = psutil.Process(self._process.pid)
        end, used = time.monotonic() + 5 * seconds, _work(process)
        while time.monotonic() < end and _work(process) - used < seconds:
            try:
                return self._lines.get(timeout=0.1)
            except Empty:
                if self._process.poll() is not None:
                    self.reason = f"the process ended with code {self._process.returncode}"
                    return None
                if process.memory_info().rss > MOST_BYTES:
                    self.reason = f"more than {MOST_BYTES / 1e9:.0f} GB of memory"
                    return None
        self.reason = f"no answer within {seconds:.0f} s"
        return None


def _work(process: psutil.Process) -> float:
    """Return the seconds ``process`` has computed; 0 where it is gone."""
    try:
        parts = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(parts.user + parts.system)


def _serve() -> None:
    """Judge the cases that come in, one a line."""
    from tests.fuzz.judge import judged

    print("{}", flush=True)
    for line in sys.stdin:
        kind, seed, is_full = line.split()
        folder = Path(tempfile.mkdtemp(prefix="forestock-fuzz-"))
        try:
            outcome = judged(Case(kind, int(seed)), folder, is_full == "1")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(json.dumps(asdict(outcome)), flush=True)


def main() -> int:
    """Run a campaign and return 1 where a case ended wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", type=int, default=40, help="how many of them go through a whole run")
    parser.add_argument("--one", help="a case as `kind seed`, run through all stages and printed in full")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _serve()
        return 0
    chosen = [parsed(given.one)] if given.one else [*remembered(), *cases(given.cases, given.seed)]
    counts: Counter[tuple[str, int]] = Counter()
    n_wrong, slowest = 0, 0.0
    for outcome in outcomes(chosen, len(chosen) if given.one else given.full):
        counts[outcome["case"]["kind"], outcome["code"]] += 1
        slowest = max(slowest, outcome["seconds"])
        if outcome["wrong"] or given.one:
            n_wrong += bool(outcome["wrong"])
            print(
                f"{outcome['case']['kind']} {outcome['case']['seed']}: {outcome['changed']}\n{outcome['wrong']}",
                flush=True,
            )
            print(*outcome["lines"], sep="\n")
    for (kind, code), count in sorted(counts.items()):
        print(f"{kind:9} exit {code:2}: {count:5}")
    print(f"{sum(counts.values())} cases, {n_wrong} wrong, the slowest {slowest:.1f} s")
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
