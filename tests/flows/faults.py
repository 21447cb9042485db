"""Faults of the machine, injected into a nightly run in its own process.

A fault changes files before the run, or the process during it. The process is a fork of one that has imported every
module, so that a run takes seconds. Not here: the assertions afterwards (``test_faults``).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

Arguments = list[str]


@dataclass(frozen=True)
class FinishedCommand:
    """The end of a run: its exit code (minus the signal if it was killed) and its output."""

    code: int
    output: str


@dataclass(frozen=True)
class Fault:
    """One fault: ``before`` changes warehouse and inputs, ``inside`` the process; ``n_commands`` run at once.

    ``codes`` are the correct exit codes; the message must contain one of ``words`` unless the process was killed.
    """

    name: str
    codes: tuple[int, ...] = (0,)
    words: tuple[str, ...] = ()
    before: Callable[[Path, Path], None] = lambda warehouse, inputs: None
    inside: Callable[[], None] = lambda: None
    arguments: tuple[str, ...] = ()
    n_commands: int = 1


_FORKS = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class RunningCommand:
    """A run in progress and the pipe of its output; a file would be subject to the full disk."""

    process: BaseProcess
    pipe: Connection


def start(arguments: Arguments, fault: str) -> RunningCommand:
    """Start a run with the fault of that name (empty: none) in its own process.

    The first call starts the process that later calls fork; it keeps the environment of the first call.
    """
    _FORKS.set_forkserver_preload(
        ["forestock.cli.main", "flows.nightly", "forestock.cli.run", "flows.servers", "tests.flows.faults"]
    )
    receiver, sender = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_play, args=(arguments, fault, sender))
    process.start()
    sender.close()
    return RunningCommand(process, receiver)


def _play(arguments: Arguments, name: str, sender: Connection) -> None:
    os.dup2(sender.fileno(), 1)
    os.dup2(sender.fileno(), 2)
    fault = next((one for one in FAULTS if one.name == name), Fault(""))
    fault.inside()
    code = _cli([*arguments, *fault.arguments])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _cli(arguments: Arguments) -> int:
    from forestock.cli.main import app

    try:
        app(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def finish(running: RunningCommand) -> FinishedCommand:
    """Wait for the run and return its end; its output fits into a pipe."""
    running.process.join(600)
    os.set_blocking(running.pipe.fileno(), False)
    parts = b""
    try:
        while part := os.read(running.pipe.fileno(), 65_536):
            parts += part
    except BlockingIOError:
        pass  # a process of its own still holds the pipe
    running.pipe.close()
    code = running.process.exitcode
    return FinishedCommand(99 if code is None else code, parts.decode("utf-8", "replace"))


def killed_after(seconds: float) -> Callable[[], None]:
    """Return a function that kills the process after some seconds."""

    def arm() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

    return arm


def killed_at_file(nth: int, is_after: bool) -> Callable[[], None]:
    """Return a function that kills the process at its nth small file, just before or after the rename."""

    def arm() -> None:
        _kill_at(os, "replace", nth, is_after)

    return arm


def killed_at_table(nth: int, delay_seconds: float) -> Callable[[], None]:
    """Return a function that kills the process so long after it begins to write its nth table."""

    def arm() -> None:
        from foundation.store import warehouse

        write, count = warehouse.write_deltalake, iter(range(1, 10_000))

        def counted(*arguments: Any, **options: Any) -> Any:
            if next(count) == nth:
                threading.Timer(delay_seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
            return write(*arguments, **options)

        warehouse.write_deltalake = counted

    return arm


def _kill_at(module: Any, name: str, nth: int, is_after: bool) -> None:
    call, count = getattr(module, name), iter(range(1, 10_000))

    def counted(*arguments: Any, **options: Any) -> Any:
        is_now = next(count) == nth
        if is_now and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        built = call(*arguments, **options)
        if is_now:
            os.kill(os.getpid(), signal.SIGKILL)
        return built

    setattr(module, name, counted)


def disk_full_at(n_bytes: int) -> Callable[[], None]:
    """Return a function that limits the size of files, so that writes fail as on a full disk."""

    def arm() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return arm


def truncated_input(table: str, share: float) -> Callable[[Path, Path], None]:
    """Return a function that truncates an input file."""

    def tear(_: Path, inputs: Path) -> None:
        file = inputs / f"{table}.parquet"
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * share)])

    return tear


def damaged(pattern: str, how: str, seed: int) -> Callable[[Path, Path], None]:
    """Return a function that removes, empties, truncates or garbles one of the matching files of the warehouse."""

    def damage(warehouse: Path, _: Path) -> None:
        draw = random.Random(seed)  # noqa: S311 - no secret
        file = draw.choice(sorted(warehouse.glob(pattern)))
        content = file.read_bytes()
        if how == "removed":
            file.unlink()
        elif how == "garbled":
            place = draw.randrange(len(content))
            file.write_bytes(content[:place] + b"\x00garbled\xff" + content[place + 9 :])
        else:
            file.write_bytes(content[: 0 if how == "emptied" else len(content) // 2])

    return damage


def _in_zone(name: str) -> Callable[[], None]:
    def arm() -> None:
        os.environ["TZ"] = name
        time.tzset()

    return arm


def _without_prefect() -> None:
    """Set the address of a server that does not exist."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    lasting = temporary_settings({PREFECT_API_URL: f"{_AWAY}/api"})
    lasting.__enter__()
    _LASTING.append(lasting)  # leaving the context would restore the setting


_LASTING: list[Any] = []
_AWAY = "http://127.0.0.1:9"
_DRAW = random.Random(20160523)  # noqa: S311 - no secret
_KILLED = (-signal.SIGKILL, 0)  # a late moment may come after the end
BEFORE, AS_OF = "2016-05-16", "2016-05-23"
_AGAIN = ("--as-of", BEFORE)


def _kills() -> list[Fault]:
    result = [
        Fault(
            f"killed at file {nth} {'after' if nth % 2 else 'before'}",
            _KILLED,
            inside=killed_at_file(nth, bool(nth % 2)),
        )
        for nth in (1, 4, 7, 10, 13, 15, 16, 17)
    ]
    for nth in range(1, 10):
        result.append(Fault(f"killed in table {nth}", _KILLED, inside=killed_at_table(nth, _DRAW.uniform(0, 0.03))))
    moments = [_DRAW.uniform(0.05, 8) for _ in range(9)]
    return result + [Fault(f"killed after {moment:.2f} s", _KILLED, inside=killed_after(moment)) for moment in moments]


def _disks() -> list[Fault]:
    sizes = (0, 300, 3_000, 10_000, 30_000, 80_000)
    return [Fault(f"disk full at {n}", (0, 3), ("too large", "No space"), inside=disk_full_at(n)) for n in sizes]


def _inputs() -> list[Fault]:
    tables = ("sales", "stock", "lanes", "skus", "calendar", "inbound")
    return [
        Fault(f"truncated {name}", (2,), (name,), before=truncated_input(name, _DRAW.uniform(0.05, 0.95)))
        for name in tables
    ]


def _damages() -> list[Fault]:
    result = [
        Fault(f"model {how}", (0,), ("damaged",), before=damaged("_models/*/*", how, seed), arguments=_AGAIN)
        for seed, how in enumerate(("removed", "emptied", "truncated", "garbled"))
    ]
    for seed, how in enumerate(("removed", "truncated")):
        result.append(Fault(f"snapshot {how}", before=damaged("_inputs/*/*.parquet", how, seed), arguments=_AGAIN))
    note = damaged("_nights/forecast-*", "truncated", 1)
    return [*result, Fault("note truncated", (0,), ("cannot be read",), before=note, arguments=_AGAIN)]


def _surroundings() -> list[Fault]:
    no_record = ("MLflow could not be used",)
    return [
        Fault("MLflow unreachable", (0,), no_record, arguments=("--set", f"tracking_uri={_AWAY}")),
        Fault("MLflow truncated", (0,), no_record, before=damaged("mlflow.db", "truncated", 3)),
        Fault("Prefect unreachable", (3,), ("stage start failed",), inside=_without_prefect),
        Fault("clock far east", inside=_in_zone("Pacific/Kiritimati")),
        Fault("two runs at once", n_commands=2),
    ]


FAULTS = [*_kills(), *_disks(), *_inputs(), *_damages(), *_surroundings()]
