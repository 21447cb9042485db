"""Measure plans on a Dask cluster: equal bytes, wall and CPU time, memory by number of workers, growth, and kills.

    python -m benchmarks.scale --data DIR [--skus 305] [--growth 305 610 1220] [--kills 20]

DIR contains the M5 tables. The plan is made for a sample of SKUs with capacities scaled in proportion, with the forecast that
``benchmarks.plan_m5`` uses. Each mode to run is a process of its own: in one process, with two worker processes, with 1, 2, and 3 Dask
workers of this machine, and with two ``dask worker`` processes that were started separately, with shuffled tables. The
hashes are of the Arrow form of all output tables. ``--kills`` runs the whole command on the demo data, kills a worker, the scheduler, or
the command at random moments, runs it again, and compares the tables with those of an undisturbed run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow as pa

from benchmarks.plan_m5 import forecasts, network_tables, sized
from foundation.configuration import load_settings
from foundation.settings import Settings
from tests.worlds.dask_cluster import dask_cluster
from tools.compare_runs import compared

Frames = dict[str, pd.DataFrame]
CACHE = Path("benchmarks/results/runs/plan_m5")
MODES = {
    "in process": ["positioning.processes=1"],
    "2 processes": ["positioning.processes=2"],
    "1 Dask worker": ["cluster.workers=1"],
    "2 Dask workers": ["cluster.workers=2"],
    "3 Dask workers": ["cluster.workers=3"],
}
SEPARATE = "2 separate workers"


def hashed(frames: Frames) -> str:
    """Return a hash of the Arrow form of all tables."""
    digest = hashlib.sha256()
    for name in sorted(frames):
        sink = pa.BufferOutputStream()
        table = pa.Table.from_pandas(frames[name], preserve_index=False)
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        digest.update(name.encode() + sink.getvalue())
    return digest.hexdigest()[:16]


def peak_gb() -> float:
    """Return the peak memory of this process in GB; the system's own figure begins with that of the parent process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6


def plan_once(options: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """Plan once in this process and return time, memory, and the hash of the tables."""
    import positioning
    from foundation.cluster import connected

    tables, forecast = sized(
        network_tables(options.data, options.as_of),
        forecasts(options.data, settings, options.as_of, CACHE),
        options.skus,
    )
    if options.shuffle:
        tables = {name: frame.sample(frac=1.0, random_state=3) for name, frame in tables.items()}
        forecast = {name: frame.sample(frac=1.0, random_state=4) for name, frame in forecast.items()}
    cluster = connected(settings.cluster) if settings.cluster.is_used else None
    before = _cpu_by_process()
    wall = time.perf_counter()
    frames = positioning.plan(tables, forecast, settings, options.as_of)
    wall = time.perf_counter() - wall
    cpu = _cpu_by_process() - before
    workers = [] if cluster is None else sorted(cluster.run_everywhere(peak_gb).values())
    return {
        "n_skus": len(tables["skus"]), "wall": wall, "cpu": cpu, "driver_gb": peak_gb(),
        "workers_gb": workers, "hash": hashed(frames),
        "gap": float(frames["plan"]["gap_rate"].iloc[0]),
    }  # fmt: skip


def _cpu_by_process() -> float:
    """Return CPU seconds of this process, of its children that run, and of those that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    running = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(row.ru_utime + row.ru_stime for row in used) + sum(row.user + row.system for row in running)


def measured(options: argparse.Namespace, n_skus: int, changes: list[str], is_shuffled: bool = False) -> dict[str, Any]:
    """Plan in a process of its own and return what ``plan_once`` returns."""
    command = [sys.executable, "-m", "benchmarks.scale", "--once", "--data", str(options.data), "--skus", str(n_skus)]
    command += ["--as-of", str(options.as_of), *(["--shuffle"] if is_shuffled else [])]
    for change in [*options.set, *changes]:
        command += ["--set", change]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare_modes(options: argparse.Namespace) -> None:
    """Print time, memory, and hash of every mode to run; the separate workers add no CPU time of theirs."""
    measured(options, 17, [])  # compiles what is not compiled yet
    rows = {mode: measured(options, options.skus, changes) for mode, changes in MODES.items()}
    with tempfile.TemporaryDirectory(prefix="forestock-scale-") as folder, dask_cluster(Path(folder)) as running:
        before = sum(_cpu_of(process.pid) for process in running.workers)
        rows[SEPARATE] = measured(options, options.skus, [f"cluster.address={running.address}"], is_shuffled=True)
        rows[SEPARATE]["cpu"] += sum(_cpu_of(process.pid) for process in running.workers) - before
    first = rows["in process"]
    print(f"{first['n_skus']:,} SKUs, gap {first['gap']:.2%}")
    print("| mode | wall s | ratio | CPU s | ratio | driver GB | workers GB | hash of all tables |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for mode, row in rows.items():
        workers = " ".join(f"{peak:.2f}" for peak in row["workers_gb"]) or "–"
        print(
            f"| {mode} | {row['wall']:.1f} | {row['wall'] / first['wall']:.2f} | {row['cpu']:.1f} | {row['cpu'] / first['cpu']:.2f} "
            f"| {row['driver_gb']:.2f} | {workers} | `{row['hash']}` |",
            flush=True,
        )
    if len({row["hash"] for row in rows.values()}) > 1:
        raise SystemExit("the tables differ")


def _cpu_of(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def compare_sizes(options: argparse.Namespace) -> None:
    """Print CPU time and memory by number of SKUs and of workers."""
    print(
        "| SKUs | workers | wall s | CPU ms per SKU | driver GB | workers GB |\n| --- | --- | --- | --- | --- | --- |"
    )
    for n_skus in options.growth:
        for workers in options.workers:
            row = measured(options, n_skus, [f"cluster.workers={workers}"])
            peaks = " ".join(f"{peak:.2f}" for peak in row["workers_gb"])
            milliseconds = 1000 * row["cpu"] / row["n_skus"]
            print(
                f"| {row['n_skus']:,} | {workers} | {row['wall']:.1f} | {milliseconds:.1f} | {row['driver_gb']:.2f} | {peaks} |",
                flush=True,
            )


def survive_kills(options: argparse.Namespace, folder: Path) -> None:
    """Kill workers, schedulers, and commands at random moments and compare the tables of the runs that follow."""
    draw = random.Random(options.seed)  # noqa: S311 - no secret
    base, undisturbed = folder / "base", folder / "undisturbed"
    _succeed(base, [], "forecast")
    shutil.copytree(base, undisturbed)
    run = _run(undisturbed, ["--set", "cluster.workers=2"])
    whole = _killed(run, ("nothing", {}), float("inf"))[1]
    if run.returncode:
        raise SystemExit("the undisturbed run failed")
    print(f"an undisturbed run takes {whole:.0f} s of CPU time")
    print("| killed | after CPU s | exit code | message | tables of the next run |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for number in range(options.kills):
        victim = ("worker", "scheduler", "command", "separate worker")[number % 4]
        warehouse = folder / f"killed{number}"
        shutil.copytree(base, warehouse)
        place = folder / f"dask{number}"
        place.mkdir()
        with _cluster(victim, place) as (change, processes):
            moment = draw.uniform(0.3, 0.95) * whole
            code, spent = _killed(_run(warehouse, ["--set", change]), (victim, processes), moment)
        errors = [line for line in _log_of(warehouse).read_text().splitlines() if line.startswith("error:")]
        _succeed(warehouse, ["--set", "cluster.workers=2"])
        different = [name for name, difference in compared(undisturbed, warehouse, None) if difference]
        shutil.rmtree(warehouse)
        tables = ", ".join(different) or "equal"
        print(f"| {victim} | {spent:.0f} | {code} | {' '.join(errors) or '–'} | {tables} |", flush=True)
        if different:
            raise SystemExit("a run after a kill differs")


@contextmanager
def _cluster(victim: str, folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the setting of the cluster to use, and the processes to kill where they are separate ones."""
    if victim in ("worker", "command"):
        yield "cluster.workers=2", {}
        return
    with dask_cluster(folder) as running:
        processes = {"scheduler": running.scheduler.pid, "separate worker": running.workers[0].pid}
        yield f"cluster.address={running.address}", processes


def _succeed(warehouse: Path, more: list[str], command: str = "run") -> None:
    if _run(warehouse, more, command).wait():
        raise SystemExit(_log_of(warehouse).read_text())


def _run(warehouse: Path, more: list[str], name: str = "run") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "forestock.cli.main", name, "--config", "fast", "--set", f"warehouse={warehouse}"]
    with _log_of(warehouse).open("w") as log:
        return subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=log)


def _log_of(warehouse: Path) -> Path:
    return warehouse.with_suffix(".log")


def _killed(run: subprocess.Popen[bytes], victim: tuple[str, dict[str, int]], moment: float) -> tuple[int, float]:
    """Kill when the command has spent ``moment`` seconds of CPU time, or later when a worker is there.

    Returns the exit code and the CPU time.
    """
    name, processes = victim
    spent, is_killed = 0.0, False
    while run.poll() is None:
        spent = max(spent, _cpu_of_tree(run.pid, processes))
        if spent >= moment and not is_killed and (name != "worker" or _workers(run.pid)):
            pid = run.pid if name == "command" else _workers(run.pid)[0] if name == "worker" else processes[name]
            psutil.Process(pid).kill()
            is_killed = True
        time.sleep(0.05)
    return run.returncode, spent


def _cpu_of_tree(pid: int, others: dict[str, int]) -> float:
    """Return CPU seconds of a process, its children that run, and the separate processes ``others``."""
    total = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True), *map(psutil.Process, others.values())]:
            times = process.cpu_times()
            total += times.user + times.system
    except psutil.Error:
        return total
    return total


def _workers(pid: int) -> list[int]:
    """Return the processes of Dask workers of a command: those that Python's multiprocessing started and that listen."""
    pids = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            is_started = any("multiprocessing.spawn" in part for part in child.cmdline())
            if is_started and any(connection.status == psutil.CONN_LISTEN for connection in child.net_connections()):
                pids.append(child.pid)
        except psutil.Error:
            continue
    return sorted(pids)


def main() -> None:
    """Read the command line and measure what it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2016, 5, 23))
    parser.add_argument("--skus", type=int, default=0)
    parser.add_argument("--growth", type=int, nargs="*", default=[])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--shuffle", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(plan_once(options, load_settings("m5", options.set))))
        return
    if options.skus:
        compare_modes(options)
    if options.growth:
        compare_sizes(options)
    if options.kills:
        with tempfile.TemporaryDirectory(prefix="forestock-kills-") as folder:
            survive_kills(options, Path(folder))


if __name__ == "__main__":
    main()
