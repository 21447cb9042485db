"""The temporary server of a command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.services import answers

_COMMAND = """
import os, time
from flows.server import prefect_server
with prefect_server():
    print(os.environ["PREFECT_API_URL"], flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.prefect
def test_a_killed_command_leaves_no_server_behind(tmp_path: Path) -> None:
    """SIGKILL gives a command no time to stop anything; a server that stays holds memory and a database for good."""
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
