"""Measure the overhead of a backfill and the cost of five interruptions: ``python -m benchmarks.backfill``.

The benchmark plans the same past dates three times, each in its own warehouse: with the stages alone (without Prefect and without processes), with
``forestock backfill``, and with ``forestock backfill`` killed with SIGKILL at random times and restarted until it is done. The tables of the last two
must be equal row by row. A Prefect server runs at the same time, as in production. The times include the start and the end of every command.

Two figures show the cost of the interruptions compared with the uninterrupted backfill. *Total* is the wall time of all starts, so it includes the work
that was lost. *Resumed work* is the last start alone, including its imports, divided by the time that the uninterrupted backfill took for the same dates.
The imports of the uninterrupted backfill count only if all dates are included. CPU times are printed next to wall times, because wall times depend on
other processes of the machine. ``--no-alone`` skips the stages alone.
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

_PR_SET_CHILD_SUBREAPER = 36  # a process whose parent has ended becomes a child of this process (Linux)


def run_stages_alone(config: str, dates: Sequence[date], overrides: Sequence[str]) -> None:
    """Plan the dates with the stages alone."""
    from foundation.configuration import load_settings
    from pipeline import run
    from pipeline.runs import record_plan

    settings = load_settings(config, overrides)
    for as_of in dates:
        context = run.validate_stage(settings, as_of, "rebalance")
        trained = run.train_stage(context)
        run.record_stage(context, trained, {})
        run.rebalance_stage(context, run.forecast_stage(context, trained))
        run.review_stage(context)
        record_plan(settings, as_of, {})
        run.release(context)


def main() -> None:
    """Measure and print; fails if the tables differ."""
    options = _options()
    if options.bare:
        run_stages_alone(options.config, _dates(options), options.set)
        return
    with tempfile.TemporaryDirectory(prefix="forestock-backfill-") as folder, _server(Path(folder)) as environment:
        print(
            f"{len(_dates(options))} dates of {options.config}; wall and CPU seconds, including the start and end of commands"
        )
        finish_times: dict[str, list[float]] = {}
        if options.alone:
            alone = _measured("stages alone", lambda: _run_stages(options, Path(folder), environment))
        whole = _measured(
            "backfill",
            lambda: finish_times.update(whole=_finish_times(_command(options, Path(folder) / "whole"), environment)),
        )
        if options.alone:
            print(f"overhead: {whole[0] / alone[0] - 1:+.1%} wall time, {whole[1] / alone[1] - 1:+.1%} CPU time")
        killed = _measured(
            "killed and resumed",
            lambda: finish_times.update(last=_run_with_kills(options, Path(folder) / "killed", environment, whole[0])),
        )
        print(f"total: {killed[0] / whole[0]:.2f} of the wall time, {killed[1] / whole[1]:.2f} of the CPU time")
        _print_resumed(finish_times["whole"], finish_times["last"])
        _assert_equal_tables(Path(folder) / "whole", Path(folder) / "killed")
        print("the tables of both are equal row by row")


def _measured(label: str, work: Callable[[], None]) -> tuple[float, float]:
    """Run ``work``, which starts processes; print and return its wall seconds and their CPU seconds."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{label:<20} {wall:7.1f} s {processors:7.1f} s", flush=True)
    return wall, processors


def _print_resumed(whole: Sequence[float], last: Sequence[float]) -> None:
    """Print the time of the last start and of the same dates in the uninterrupted backfill.

    Both arguments are the seconds at which each date ended, then the seconds at which the command ended.
    """
    n_left = len(last) - 1
    before = whole[-2 - n_left] if n_left < len(whole) - 1 else 0.0
    same = whole[-1] - before
    print(f"resumed work: {last[-1]:.1f} s for {n_left} dates, {last[-1] / same:.2f} of {same:.1f} s")


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


def _dates(options: argparse.Namespace) -> list[date]:
    return [day.date() for day in pd.date_range(options.start, options.end, freq="7D")]


def _command(options: argparse.Namespace, warehouse: Path) -> list[str]:
    span = ["--start", str(options.start), "--end", str(options.end)]
    parts = [part for text in [*options.set, f"warehouse={warehouse}"] for part in ("--set", text)]
    return [sys.executable, "-m", "forestock.cli.main", "backfill", "--config", options.config, *span, *parts]


def _run_stages(options: argparse.Namespace, folder: Path, environment: dict[str, str]) -> None:
    parts = [part for text in [*options.set, f"warehouse={folder / 'bare'}"] for part in ("--set", text)]
    span = ["--start", str(options.start), "--end", str(options.end), "--config", options.config]
    _run([sys.executable, "-m", "benchmarks.backfill", "--bare", *span, *parts], environment)


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, check=True, capture_output=True)


def _finish_times(command: Sequence[str], environment: dict[str, str]) -> list[float]:
    """Run a backfill and return the seconds from its start to the end of each planned date, then to the end of the command."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        finish_times = [
            time.perf_counter() - begin for line in process.stderr or () if line.rstrip().endswith(" planned")
        ]
    if process.returncode:
        raise SystemExit(f"the backfill ended with code {process.returncode}")
    return [*finish_times, time.perf_counter() - begin]


def _run_with_kills(
    options: argparse.Namespace, warehouse: Path, environment: dict[str, str], whole: float
) -> list[float]:
    """Start the backfill several times, kill all starts but the last at random times, and return the times of the last."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
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
    return _finish_times(_command(options, warehouse), environment)


def _reap(group: int) -> None:
    """Wait for the killed processes of a group whose parent was killed too, so that their CPU time counts."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def _assert_equal_tables(one: Path, other: Path) -> None:
    from foundation.store import Warehouse

    for table in TABLES:
        left, right = (Warehouse(str(path)).read(table) for path in (one, other))
        pd.testing.assert_frame_equal(left, right, check_exact=True, obj=table)


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, str]]:
    """Run a Prefect server and yield the environment of its clients."""
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
