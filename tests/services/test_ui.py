"""``make ui`` at a terminal: it prints every address, and Ctrl-C stops every process."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.services
_COLUMNS = 80
_MARK = "FORESTOCK_TEST_MARK"


def _output(terminal: int, until: str, seconds: float) -> str:
    """Return what the terminal shows until it shows ``until``, or is closed."""
    parts, end = "", time.monotonic() + seconds
    while until not in parts and time.monotonic() < end:
        if select.select([terminal], [], [], 1.0)[0]:
            try:
                parts += os.read(terminal, 4096).decode()
            except OSError:  # its last process has ended
                break
    return parts


def _alive(mark: str) -> list[str]:
    """Return the commands of all processes that were born with ``mark`` in their environment."""
    result = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{_MARK}={mark}".encode() in (process / "environ").read_bytes():
                result.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120])
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    return result


def test_ctrl_c_stops_everything_that_make_ui_started(tmp_path: Path) -> None:
    """The key reaches the whole foreground group, as a terminal sends it; a second Ctrl-C must not interrupt the shutdown."""
    place, config = tmp_path / "warehouse", tmp_path / "ui.yaml"
    config.write_text(f"name: ui\nfrequency: D\ninputs: {{path: inputs}}\nwarehouse: {place}\n")
    (tmp_path / "inputs").mkdir()
    ours, theirs = pty.openpty()
    mark = uuid.uuid4().hex
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "forestock.cli.ui", str(config)],
        stdin=theirs, stdout=theirs, stderr=theirs, process_group=0,
        env={**os.environ, _MARK: mark, "COLUMNS": str(_COLUMNS), "PREFECT_HOME": ""},
    )  # fmt: skip
    os.close(theirs)
    try:
        parts = _output(ours, "Ctrl-C stops", 600)
        assert "http://127.0.0.1:4200/deployments" in parts, parts
        assert "http://127.0.0.1:5000/#/experiments" in parts
        assert "http://127.0.0.1:8050/login?key=" in parts
        assert [line for line in parts.splitlines() if len(line) > _COLUMNS and str(place) not in line] == []
        assert len(_alive(mark)) > 3
        os.killpg(process.pid, signal.SIGINT)
        assert "stopping" in _output(ours, "stopping", 60)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(120) == 0
        assert _alive(mark) == []
    finally:
        process.terminate()
        process.wait(120)
