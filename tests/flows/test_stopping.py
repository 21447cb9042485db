"""A command stopped by a signal prints what is kept and how to resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import sys, time
from forestock.cli import main as cli
@cli.app.command("wait")
def wait() -> None:
    "Wait. Example:  forestock wait"
    print("waiting", file=sys.stderr, flush=True)
    time.sleep(60)
cli.main()
"""


def _hear_interrupts() -> None:
    """Restore Ctrl-C, which shells make background commands ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _stopped(command: list[str], sent: int, until: str, *, to_group: bool = False) -> tuple[int, str]:
    """Start a command, send it a signal once it has printed ``until``, and return its exit code and what it printed since.

    A terminal, ``timeout``, and a service manager signal the whole process group.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"}, start_new_session=True,
        preexec_fn=_hear_interrupts,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if until in line:
            break
    (os.killpg if to_group else os.kill)(process.pid, sent)
    _, parts = process.communicate(timeout=120)
    return process.returncode, parts


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_command_prints_how_to_resume(sent: int, code: int) -> None:
    ended, parts = _stopped(["-c", _PROGRAM, "wait"], sent, "waiting")
    assert (ended, "Run the same command again" in parts, "Traceback" in parts) == (code, True, False), parts


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("to_group", [False, True])
def test_a_run_that_is_stopped_leaves_no_partial_table(tmp_path: Path, sent: int, code: int, to_group: bool) -> None:
    place = tmp_path / "warehouse"
    command = ["-m", "forestock.cli.main", "forecast", "--config", "fast", "--set", f"warehouse={place}"]
    ended, message = _stopped(command, sent, "train", to_group=to_group)
    assert (ended, "Run the same command again" in message, "Traceback" in message) == (code, True, False), message
    assert [path for path in place.rglob(".*.json.*") if path.is_file()] == []
    assert not list(place.glob("_models/*/manifest.json"))
