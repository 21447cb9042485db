"""The temporary server of a command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.servers import _log_tail, _reason, _wait, answers
from foundation.errors import StageError

_COMMAND = """
import os, time
from flows.servers import prefect_server
with prefect_server():
    print(os.environ["PREFECT_API_URL"], flush=True)
    time.sleep(600)
"""


def test_a_server_failure_is_reported_in_one_line() -> None:
    """On a full disk Prefect's server prints pages of output; the message must be its last error."""
    code = "import sys; sys.stderr.write('x\\n' * 9_000 + 'sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) disk is full\\n')"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:  # noqa: S603 - our own code
        kept = _log_tail(process)
        process.wait()
        end = time.monotonic() + 10
        while not _reason(kept) and time.monotonic() < end:
            time.sleep(0.05)
        with pytest.raises(StageError) as text:
            _wait(process, "http://127.0.0.1:9/health", kept)
    assert text.value.lines == ("stage start failed: Prefect's temporary server ended with code 0 (disk is full)",)


@pytest.mark.slow
@pytest.mark.prefect
def test_a_killed_command_leaves_no_server_behind(tmp_path: Path) -> None:
    """After SIGKILL a command cannot stop its server; a remaining server would hold memory and a database."""
    alone = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    command = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", _COMMAND],
        env={**alone, "PREFECT_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    api = command.stdout.readline().strip()
    assert answers(f"{api}/health")
    command.kill()
    command.communicate()
    end = time.monotonic() + 60
    while answers(f"{api}/health") and time.monotonic() < end:
        time.sleep(0.2)
    assert not answers(f"{api}/health")
