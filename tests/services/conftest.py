"""Real services of this machine for one test session: PostgreSQL, a Prefect server with a worker, an MLflow server.

Each listens on a free port of the loopback address, keeps its files below one temporary folder and is stopped at the
end. ``make test-services`` installs PostgreSQL where it is missing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd
import pytest
import yaml

from flows.servers import answers, free_port, module, running
from tests.conftest import N_DAYS, REGIONS, SAMPLES, SKUS
from tests.flows.conftest import QUICK

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600


def wait_until(is_so: Callable[[], bool], label: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until ``is_so`` returns true; fails the test at the time limit."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return
        time.sleep(0.5)
    pytest.fail(f"{label} after {seconds:.0f} s")


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server of its own: ``bin`` its programs, ``data`` its folder, ``user`` whose processes they are."""

    bin: Path
    data: Path
    port: int
    user: str | None

    def url(self, database: str, driver: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+{driver}://forestock@127.0.0.1:{self.port}/{database}"

    def call(self, program: str, *arguments: str) -> str:
        """Run one of its programs and return its output; fails the test where it fails."""
        done = subprocess.run(  # noqa: S603 - a program of the package
            [str(self.bin / program), *arguments], user=self.user, capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def query(self, database: str, query: str) -> str:
        """Return the one value a query gives."""
        index = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "forestock", "-d", database)
        return self.call("psql", *index, "-X", "-t", "-A", "-c", query).strip()

    def start(self) -> None:
        """Start the server and wait for it."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self.data} -c fsync=off"
        self.call("pg_ctl", "-D", str(self.data), "-l", str(self.data / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop the server at once, as a failover does."""
        self.call("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")


def _programs() -> Path:
    result = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if result is None and not folders:
        pytest.fail("PostgreSQL is not installed; make test-services installs it")
    return folders[-1] if folders else Path(str(result)).resolve().parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run PostgreSQL with a database for Prefect and one for MLflow; it refuses to run as root, so then as postgres.

    Its folder is not one of pytest's, which are closed to other users.
    """
    user = "postgres" if os.geteuid() == 0 else None
    data = Path(tempfile.mkdtemp(prefix="forestock-postgres-"))
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(data, owner.pw_uid, owner.pw_gid)
    server = Postgres(_programs(), data, free_port(), user)
    server.call("initdb", "-D", str(data), "-U", "forestock", "-A", "trust", "-E", "UTF8", "--no-sync")
    server.start()
    for database in ("prefect", "mlflow"):
        server.call("createdb", "-h", "127.0.0.1", "-p", str(server.port), "-U", "forestock", database)
    yield server
    server.stop()
    shutil.rmtree(data)


@dataclass(frozen=True)
class Services:
    """What runs: where Prefect and MLflow answer, the environment of their clients, the pipeline that is deployed."""

    postgres: Postgres
    api: str
    mlflow: str
    environment: Mapping[str, str]
    home: Path
    config: Path
    warehouse: Path

    def prefect(self, *arguments: str) -> str:
        """Run the ``prefect`` command and return its output; fails the test where it fails."""
        command = module("prefect", "--no-prompt", *arguments)
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=ROOT, env=dict(self.environment), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


def _small_inputs(folder: Path) -> Path:
    """Write a cut of the bundled data, on which a run takes seconds."""
    folder.mkdir()
    for file in sorted(SAMPLES.glob("*.parquet")):
        frame = pd.read_parquet(file)
        if "sku" in frame:
            frame = frame[frame["sku"].astype("str").isin(SKUS)]
        if "region" in frame:
            frame = frame[frame["region"].astype("str").isin(REGIONS)]
        if file.stem == "lanes":
            hubs = pd.read_parquet(SAMPLES / "hubs.parquet")["hub"]
            frame = frame[frame["destination"].isin([*REGIONS, *hubs])]
        if file.stem in ("sales", "regional"):
            frame = frame[frame["date"] > frame["date"].max() - pd.Timedelta(days=N_DAYS + 60)]
        if file.stem == "stock":  # one hub has all there is, so that there is something to move
            frame = frame.astype({"hub": "str"})
            frame.loc[frame["hub"] != "DFW", ["units_on_hand", "units_reserved"]] = 0
        frame.reset_index(drop=True).to_parquet(folder / file.name)
    return folder


def _configuration(folder: Path, mlflow: str) -> Path:
    parts: dict[str, object] = {"name": "services", "warehouse": str(folder / "warehouse"), "tracking_uri": mlflow}
    parts |= {"inputs": {"path": str(_small_inputs(folder / "inputs")), "keep_snapshots": 20}}
    parts |= {"series": {"hierarchy": ["department", "category"], "known_in_advance": ["snap"]}}
    for text in (*QUICK, "positioning.max_gap_rate=1.0"):
        key, _, value = text.partition("=")
        *sections, name = key.split(".")
        inner = parts
        for section in sections:
            inner = cast(dict[str, object], inner.setdefault(section, {}))
        inner[name] = yaml.safe_load(value)
    path = folder / "services.yaml"
    path.write_text(yaml.safe_dump(parts))
    return path


@pytest.fixture(scope="session")
def services(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Run Prefect's server and a worker on PostgreSQL, MLflow beside them, and register every deployment."""
    home = tmp_path_factory.mktemp("services")
    ports = free_port(), free_port()
    api, mlflow = f"http://127.0.0.1:{ports[0]}/api", f"http://127.0.0.1:{ports[1]}"
    config = _configuration(home, mlflow)
    environment = {
        **os.environ, "PREFECT_HOME": str(home / "prefect"), "PREFECT_API_URL": api, "PYTHONPATH": str(ROOT),
        "PREFECT_API_DATABASE_CONNECTION_URL": postgres.url("prefect", "asyncpg"), "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "NO_COLOR": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "FORESTOCK_HOME": str(home), "FORESTOCK_CONFIG": str(config), "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5", "COLUMNS": "200",
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500", "PREFECT_CLIENT_MAX_RETRIES": "6", "HOST": "127.0.0.1",
        "MLFLOW_BACKEND_STORE_URI": postgres.url("mlflow", "psycopg"), "MLFLOW_ARTIFACTS": str(home / "artifacts"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip

    def start(role: str, port: int | None = None) -> tuple[list[str], dict[str, str]]:
        return [str(ROOT / "deploy" / "start"), role], {**environment, **({"PORT": str(port)} if port else {})}

    built = Services(postgres, api, mlflow, environment, home, config, home / "warehouse")
    with (
        running(*start("prefect", ports[0]), home / "prefect.log"),
        running(*start("mlflow", ports[1]), home / "mlflow.log"),
    ):
        wait_until(lambda: answers(f"{api}/health"), "Prefect's server does not answer")
        wait_until(lambda: answers(f"{mlflow}/health"), "MLflow's server does not answer")
        command, variables = start("register")
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - our own script
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        with running(*start("worker"), home / "worker.log"):
            yield built
