"""After any fault of a run the warehouse has complete partitions without duplicates, and the next run repairs it.

Each warehouse already has one run; the run with the fault writes another date. Afterwards every partition of that date is
absent or equal to that of an undisturbed run, the earlier date is unchanged, the message names the cause, and the same
command run again writes exactly the undisturbed tables.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pandas as pd
import pytest
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from flows.servers import HOST, command_of, free_port, module, running, wait_for
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from tests.conftest import Tables
from tests.flows import faults
from tests.flows.conftest import QUICK
from tests.flows.faults import AS_OF, BEFORE, FAULTS, Fault

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("faults")]
WRITTEN = (
    "forecast",
    "forecast_window",
    "forecast_dependence",
    "position",
    "service",
    "transfer",
    "departure",
    "exception",
    "plan",
)


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """Run Prefect's temporary server for the file."""
    with prefect_test_harness(server_startup_timeout=240), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", get_current_settings().api.url or "")
        for name in ("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "PREFECT_INTERNAL_LOGGING_LEVEL"):
            patch.setenv(name, "CRITICAL")  # as the command sets them before Prefect is imported
        yield


@pytest.fixture(scope="module")
def world(server: None, _demo_cut: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with inputs, a warehouse with the earlier run, and one with both runs undisturbed."""
    root = tmp_path_factory.mktemp("faults")
    (root / "inputs").mkdir()
    for name, frame in _demo_cut.items():
        frame.to_parquet(root / "inputs" / f"{name}.parquet")
    assert _run(root, "base", "--as-of", BEFORE).code == 0
    shutil.copytree(root / "base", root / "undisturbed")
    assert _run(root, "undisturbed").code == 0
    return root


def _command(root: Path, warehouse: str) -> list[str]:
    parts = (*QUICK, f"inputs.path={root / 'inputs'}", f"warehouse={root / warehouse}", "positioning.max_gap_rate=1.0")
    return ["run", "--config", "demo", *(part for text in parts for part in ("--set", text))]


def _run(root: Path, warehouse: str, *arguments: str) -> faults.FinishedCommand:
    return faults.finish(faults.start([*_command(root, warehouse), *arguments], ""))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_after_a_fault_no_row_is_lost_or_duplicated_and_the_next_run_repairs(fault: Fault, world: Path) -> None:
    name = fault.name.replace(" ", "-")
    shutil.copytree(world / "base", world / name)
    inputs = world / f"inputs-{name}"
    shutil.copytree(world / "inputs", inputs)
    fault.before(world / name, inputs)
    command = [*_command(world, name), "--set", f"inputs.path={inputs}"]
    started = [faults.start(command, fault.name) for _ in range(fault.n_commands)]
    finished = [faults.finish(done) for done in started]
    for done in finished:
        assert done.code in fault.codes, done.output
        assert "Traceback" not in done.output
        if fault.words and (done.code != 0 or fault.codes == (0,)):
            assert any(word in " ".join(done.output.split()) for word in fault.words), done.output
    _assert_partitions_are_complete(world, name)
    shutil.rmtree(inputs)
    shutil.copytree(world / "inputs", inputs)
    for as_of in dict.fromkeys([*(part for part in fault.arguments if part == BEFORE), AS_OF]):
        repaired = _run(world, name, "--set", f"inputs.path={inputs}", "--as-of", as_of)
        assert repaired.code == 0, repaired.output
    _assert_same(_tables(world, name), _tables(world, "undisturbed"))
    shutil.rmtree(world / name)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["train", "rebalance"])
def test_a_run_survives_a_restart_of_the_prefect_server(stage: str, world: Path, tmp_path: Path) -> None:
    """The server is down for longer than the timeout of a request, at the beginning or at the end of the run."""
    shutil.copytree(world / "base", world / f"restarted-{stage}")
    port, log = free_port(), tmp_path / "server.log"
    api = f"http://{HOST}:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": api}
    server = [*command_of(port), "--no-ui"]
    command = module("forestock.cli.main", *_command(world, f"restarted-{stage}"))
    with running(server, environment, log) as first:
        wait_for(f"{api}/health", first, log)
        done = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.stdout is not None
        parts = "".join(takewhile(lambda line: line != f"{stage} …\n", done.stdout))
        assert done.poll() is None, parts
        os.killpg(first.pid, signal.SIGKILL)
    time.sleep(5)
    with running(server, environment, log) as second:
        wait_for(f"{api}/health", second, log)
        parts += done.communicate(timeout=300)[0]
        states = _run_states(f"{api}/flow_runs/filter")
    assert done.returncode == 0, parts
    assert "Traceback" not in parts
    assert states == {f"nightly-{AS_OF}": "Completed"}
    _assert_same(_tables(world, f"restarted-{stage}"), _tables(world, "undisturbed"))


def _run_states(address: str) -> dict[str, str]:
    request = urllib.request.Request(address, b"{}", {"Content-Type": "application/json"})  # noqa: S310 - of this machine
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - an address of this machine
        return {run["name"]: run["state_name"] for run in json.load(answer)}


def _tables(root: Path, name: str) -> dict[str, pd.DataFrame]:
    warehouse = Warehouse(Settings(warehouse=str(root / name)))
    return {table: warehouse.read(table) for table in WRITTEN}


def _assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for table, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[table], check_exact=True, obj=table)


def _assert_partitions_are_complete(root: Path, name: str) -> None:
    """Assert that every partition is absent or equal to that of an undisturbed run."""
    right = _tables(root, "undisturbed")
    for table, result in _tables(root, name).items():
        assert not result.duplicated(list(Warehouse(str(root)).definition(table).grain)).any()
        for day, rows in right[table].groupby("as_of"):
            selected = result[result["as_of"] == day]
            is_absent = selected.empty and str(day.date()) == AS_OF
            assert is_absent or len(selected) == len(rows)
            if not is_absent:
                pd.testing.assert_frame_equal(selected.reset_index(drop=True), rows.reset_index(drop=True), obj=table)


def test_there_are_fifty_faults_of_every_kind() -> None:
    assert len(FAULTS) == 50
    assert len({fault.name for fault in FAULTS}) == 50
