"""``make ui``: Prefect's server and a worker, MLflow, the planner's workspace, and every deployment and automation, on this machine.

Starts them, prints their addresses and stops them with Ctrl-C. Their files stay in the warehouse, so that the next start
finds earlier runs. Not here: production (docs/production.md).
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from forestock.cli.serve import KEY_VARIABLE
from foundation.errors import ConfigurationError, ForestockError, StageError, tell
from foundation.settings import Settings
from pipeline.configuration import load_settings
from pipeline.environment import prefect_home

ROOT = Path(__file__).resolve().parents[2]
PREFECT_PORT, MLFLOW_PORT = 4200, 5000
_REGISTRATIONS = (
    ("prefect", "--no-prompt", "work-pool", "create", "forestock", "--type", "process", "--overwrite"),
    ("prefect", "--no-prompt", "deploy", "--all"),
    ("flows.automations",),
)


def serve(config: str) -> None:
    """Serve the configuration's runs, models and deployments until interrupted.

    Raises ``ConfigurationError`` for an invalid configuration or a port in use, ``StageError`` if a service does not start or
    ends.
    """
    from flows.servers import HOST, command_of, module, new_login, running, wait_for
    from foundation.store import files
    from models.tracking.client import tracking_uri

    settings = load_settings(config)
    folder = Path(files.make_folder(str(prefect_home(settings.warehouse))))
    uri = tracking_uri(settings)
    is_tracked_elsewhere = uri.startswith("http")
    _require_free_ports(PREFECT_PORT, settings.serve.port, *(() if is_tracked_elsewhere else (MLFLOW_PORT,)))
    api, mlflow = f"http://{HOST}:{PREFECT_PORT}/api", uri if is_tracked_elsewhere else f"http://{HOST}:{MLFLOW_PORT}"
    login = new_login()
    environment = _environment(folder, api, str(files.find_configuration(config)), login)
    with ExitStack() as services, _ignoring_signals():
        started: dict[Path, subprocess.Popen[bytes]] = {}

        def start(name: str, command: Sequence[str]) -> None:
            log = folder / f"{name}.log"
            started[log] = services.enter_context(running(command, environment, log, Path.cwd()))

        print("starting Prefect's server, MLflow and a worker …", flush=True)
        start("server", command_of(PREFECT_PORT))
        if not is_tracked_elsewhere:
            start("mlflow", _mlflow_server(uri))
        for log, process in list(started.items()):
            wait_for(f"{api}/health" if log.stem == "server" else f"{mlflow}/health", process, log)
        _register(environment)
        start("workspace", module("forestock.cli.main", "serve", "--config", config))
        start("worker", module("prefect", "worker", "start", "--pool", "forestock", "--type", "process"))
        print(
            f"Prefect  {api.removesuffix('/api')}/deployments\nMLflow   {mlflow}/#/experiments?workflowType=machine_learning\nlogs     {folder}"
        )
        print(f"login    {login} (Prefect; new at every start)")
        print(f"planners {_workspace(settings, environment[KEY_VARIABLE])}")
        print(f"a run    PREFECT_API_URL={api} \\\n         PREFECT_API_AUTH_STRING={login} \\")
        print(f"         {_prefect()} deployment run nightly/nightly")
        print("Ctrl-C stops all of it.", flush=True)
        _watch(started)


@contextmanager
def _ignoring_signals() -> Iterator[None]:
    """Ignore a second Ctrl-C while the services stop, which takes seconds."""
    try:
        yield
    finally:
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.SIG_IGN)
        print("stopping …", flush=True)


def _require_free_ports(*ports: int) -> None:
    from flows.servers import is_free

    taken = [str(port) for port in ports if not is_free(port)]
    if taken:
        raise ConfigurationError(
            f"port {' and '.join(taken)} is in use; stop the process that listens there, for example an earlier make ui"
        )


def _workspace(settings: Settings, key: str) -> str:
    """Return the address of the workspace, with its login key where one person uses it."""
    address = f"http://{settings.serve.host}:{settings.serve.port}/"
    return f"{address}login?key={key}" if settings.serve.identity == "key" else address


def _prefect() -> str:
    """Return Prefect's command as typed from the working directory."""
    command = Path(sys.executable).parent / "prefect"
    return str(command.relative_to(Path.cwd())) if command.is_relative_to(Path.cwd()) else str(command)


def _mlflow_server(uri: str) -> list[str]:
    """Return the command of MLflow's server, which accepts only this machine's names and its own pages."""
    from flows.servers import HOST, module

    names = ",".join(f"{name}:{MLFLOW_PORT}" for name in (HOST, "localhost"))
    origins = ",".join(f"http://{name}:{MLFLOW_PORT}" for name in (HOST, "localhost"))
    place = ("--host", HOST, "--port", str(MLFLOW_PORT), "--allowed-hosts", names, "--cors-allowed-origins", origins)
    return module("mlflow", "server", *place, "--workers", "1", "--backend-store-uri", uri)


def _environment(folder: Path, api: str, config: str, login: str) -> dict[str, str]:
    return {
        **os.environ,
        KEY_VARIABLE: secrets.token_urlsafe(24),
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_API_AUTH_STRING": login,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": api,
        "PREFECT_UI_API_URL": api,
        "FORESTOCK_HOME": os.getcwd(),
        "FORESTOCK_CONFIG": config,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _register(environment: Mapping[str, str]) -> None:
    """Create the work pool unless it exists, and register every deployment and automation."""
    from flows.servers import module

    for command in _REGISTRATIONS:
        done = subprocess.run(  # noqa: S603 - a fixed command
            module(*command), cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StageError("ui", f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-300:]}")


def _watch(started: Mapping[Path, subprocess.Popen[bytes]]) -> NoReturn:
    """Wait; raises ``StageError`` naming the first service that ends."""
    while True:
        time.sleep(1)
        for log, process in started.items():
            if process.poll() is not None:
                raise StageError("ui", f"{log.stem} ended; see {log}")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Serve the configuration named first (default demo) and return the exit code."""
    for sign in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # what stops us stops what we have started; a shell's background job would not hear SIGINT
        signal.signal(sign, _interrupt)
    try:
        serve(arguments[0] if arguments else "demo")
    except KeyboardInterrupt:
        print("stopped")
        return 0
    except ForestockError as error:
        return tell(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
