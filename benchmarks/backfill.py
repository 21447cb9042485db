"""What a backfill costs beyond its nights, and what five kills cost: ``python -m benchmarks.backfill``.

Plans the same past nights three times, each in a warehouse of its own: by the stages alone (no Prefect, no processes), by ``forestock backfill``, and by
``forestock backfill`` killed with SIGKILL at random moments and started again until it is done. The tables of the last two must be equal, row for
row. Prefect's server runs beside them, as in production. Seconds hold the start and the end of every command.

Two figures say what the kills cost, both against the uninterrupted run: *all of it* is the wall time of every start together, killed ones included,
so what each kill threw away counts; *the resumed work* is the last start alone, its imports included, against what the uninterrupted run took for
the nights that were not done then, its own imports left out unless it is all of them. Wall times of a busy machine say little;
the seconds of the processors stand beside them. ``--no-alone`` leaves the stages alone out. Not here: how fast a stage is.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pandas as pd

from flows.servers import HOST, command_of, free_port, running, wait_for

TABLES = (
    "forecast", "forecast_window", "forecast_dependence", "position", "service", "transfer", "departure", "exception", "plan"
)  # fmt: skip

_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of Linux: a process whose parent has died becomes our child


def bare(config: str, nights: Sequence[date], overrides: Sequence[str]) -> None:
    """Plan the nights by the stages alone."""
    from foundation.configuration import load_settings
    from pipeline import run
    from pipeline.runs import record_plan

    settings = load_settings(config, overrides)
    for as_of in nights:
        night = run.validate_stage(settings, as_of, "rebalance")
        trained = run.train_stage(night)
        run.record_stage(night, trained, {})
        run.rebalance_stage(night, run.forecast_stage(night, trained))
        run.review_stage(night)
        record_plan(settings, as_of, {})
        run.release(night)


def main() -> None:
    """Measure and print; ends with an error where the tables differ."""
    options = _options()
    if options.bare:
        bare(options.config, _nights(options), options.set)
        return
    with tempfile.TemporaryDirectory(prefix="forestock-backfill-") as folder, _server(Path(folder)) as environment:
        print(
            f"{len(_nights(options))} nights of {options.config}; seconds of wall and of processors, start and end of commands included"
        )
        ended: dict[str, list[float]] = {}
        if options.alone:
            alone = _measured("stages alone", lambda: _bare(options, Path(folder), environment))
        whole = _measured(
            "backfill", lambda: ended.update(whole=_ended(_command(options, Path(folder) / "whole"), environment))
        )
        if options.alone:
            print(
                f"  beyond the stages: {whole[0] / alone[0] - 1:+.1%} of wall, {whole[1] / alone[1] - 1:+.1%} of processors"
            )
        killed = _measured(
            "killed and resumed",
            lambda: ended.update(last=_killed(options, Path(folder) / "killed", environment, whole[0])),
        )
        print(f"  all of it: {killed[0] / whole[0]:.2f} of the wall, {killed[1] / whole[1]:.2f} of the processors")
        _print_resumed(ended["whole"], ended["last"])
        _assert_same(Path(folder) / "whole", Path(folder) / "killed")
        print("the tables of both are equal, row for row")


def _measured(label: str, work: Callable[[], None]) -> tuple[float, float]:
    """Do ``work`` in processes of its own; print and return its seconds of wall and of their processors."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{label:<20} {wall:7.1f} s {processors:7.1f} s", flush=True)
    return wall, processors


def _print_resumed(whole: Sequence[float], last: Sequence[float]) -> None:
    """Print the last start beside the same nights of the uninterrupted run; both are seconds at which a night ended, then the command."""
    n_left = len(last) - 1
    before = whole[-2 - n_left] if n_left < len(whole) - 1 else 0.0
    same = whole[-1] - before
    print(f"  the resumed work: {last[-1]:.1f} s for {n_left} nights, {last[-1] / same:.2f} of {same:.1f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="fast")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2016, 3, 28))
    parser.add_argument("--end", type=date.fromisoformat, default=date(2016, 5, 23))
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--alone", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _nights(options: argparse.Namespace) -> list[date]:
    return [day.date() for day in pd.date_range(options.start, options.end, freq="7D")]


def _command(options: argparse.Namespace, warehouse: Path) -> list[str]:
    span = ["--start", str(options.start), "--end", str(options.end)]
    parts = [part for text in [*options.set, f"warehouse={warehouse}"] for part in ("--set", text)]
    return [sys.executable, "-m", "forestock.cli.main", "backfill", "--config", options.config, *span, *parts]


def _bare(options: argparse.Namespace, folder: Path, environment: dict[str, str]) -> None:
    parts = [part for text in [*options.set, f"warehouse={folder / 'bare'}"] for part in ("--set", text)]
    span = ["--start", str(options.start), "--end", str(options.end), "--config", options.config]
    _run([sys.executable, "-m", "benchmarks.backfill", "--bare", *span, *parts], environment)


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, check=True, capture_output=True)


def _ended(command: Sequence[str], environment: dict[str, str]) -> list[float]:
    """Run a backfill and return the seconds from its start at which each night it planned ended, then the command itself."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        ended = [time.perf_counter() - begin for line in process.stderr or () if line.rstrip().endswith(" planned")]
    if process.returncode:
        raise SystemExit(f"the backfill ended with code {process.returncode}")
    return [*ended, time.perf_counter() - begin]


def _killed(options: argparse.Namespace, warehouse: Path, environment: dict[str, str], whole: float) -> list[float]:
    """Start the backfill until it has ended of itself; all but the last start are killed at random moments. Returns the last one's ends."""
    ctypes.CDLL(None).prctl(_ADOPT, 1)
    draw = random.Random(options.seed)  # noqa: S311 - no secret
    for _ in range(options.kills):
        process = subprocess.Popen(
            _command(options, warehouse),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(draw.uniform(0.1, 2 * whole / (options.kills + 1)))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _reap(process.pid)
    return _ended(_command(options, warehouse), environment)


def _reap(group: int) -> None:
    """Wait for the killed processes of a group whose parent was killed too: their seconds count."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def _assert_same(one: Path, other: Path) -> None:
    from foundation.store import Warehouse

    for table in TABLES:
        left, right = (Warehouse(str(path)).read(table) for path in (one, other))
        pd.testing.assert_frame_equal(left, right, check_exact=True, obj=table)


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, str]]:
    """Run Prefect's server and give the environment of its clients."""
    port = free_port()
    api = f"http://{HOST}:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": api, "DO_NOT_TRACK": "1"}
    environment["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    log = folder / "server.log"
    with running([*command_of(port), "--no-ui"], environment, log) as server:
        wait_for(f"{api}/health", server, log)
        yield environment


if __name__ == "__main__":
    main()
