"""``make ui``: everything a scheduler has, on this machine: Prefect's server and worker, MLflow, every deployment.

Starts them, prints where they are and stops them with Ctrl-C. Their files stay in the warehouse, so the next start
goes on. Not here: production (docs/production.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.environment import prefect_home
from foundation.configuration import load_settings
from foundation.errors import ForestockError, StageError
from foundation.store import files
from models.tracking_place import tracking_uri

ROOT = Path(__file__).resolve().parents[1]
PREFECT_PORT, MLFLOW_PORT = 4200, 5000
_PATIENCE_SECONDS = 120


def serve(config: str) -> None:
    """Serve the configuration's runs, models and deployments until interrupted.

    Raises ``ConfigurationError`` for a wrong configuration, ``StageError`` where something does not start.
    """
    settings = load_settings(config)
    folder = Path(files.make_folder(str(prefect_home(settings.warehouse))))
    api, mlflow = f"http://127.0.0.1:{PREFECT_PORT}/api", f"http://127.0.0.1:{MLFLOW_PORT}"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": api,
        "FORESTOCK_HOME": os.getcwd(),
        "FORESTOCK_CONFIG": str(files.find_configuration(config)),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with ExitStack() as services:

        def start(name: str, *command: str) -> None:
            services.enter_context(_running(command, environment, folder / f"{name}.log"))

        start("server", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(PREFECT_PORT))
        uri = tracking_uri(settings)
        if uri.startswith("http"):
            mlflow = uri
        else:
            options = ("--host", "127.0.0.1", "--port", str(MLFLOW_PORT), "--workers", "1")
            start("mlflow", "mlflow", "server", *options, "--backend-store-uri", uri)
        _wait(f"{api}/health", folder / "server.log")
        _register(environment)
        start("worker", "prefect", "worker", "start", "--pool", "forestock", "--type", "process")
        print(f"Prefect  {api.removesuffix('/api')}\nMLflow   {mlflow}\nlogs     {folder}")
        print(f"a night  PREFECT_API_URL={api} prefect deployment run nightly/nightly")
        print("Ctrl-C stops all of it.", flush=True)
        _sleep_for_ever()


def _register(environment: Mapping[str, str]) -> None:
    """Make the work pool where it is not there, and register every deployment."""
    pool = ("prefect", "--no-prompt", "work-pool", "create", "forestock", "--type", "process", "--overwrite")
    for command in (pool, ("prefect", "--no-prompt", "deploy", "--all")):
        done = subprocess.run(  # noqa: S603 - our own command
            _module(command), cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StageError("ui", f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-300:]}")


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a service while the body runs; the terminal's Ctrl-C reaches it through us alone."""
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            _module(command), cwd=ROOT, env=dict(environment), stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()


def _module(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", *command]


def _wait(address: str, log: Path) -> None:
    for _ in range(_PATIENCE_SECONDS):
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - an address of this machine
                return
        except OSError:
            time.sleep(1)
    raise StageError("ui", f"{address} does not answer; see {log}")


def _sleep_for_ever() -> None:
    while True:
        time.sleep(3600)


def main(arguments: Sequence[str]) -> int:
    """Serve the configuration named first (default demo) and return the exit code."""
    try:
        serve(arguments[0] if arguments else "demo")
    except KeyboardInterrupt:
        return 0
    except ForestockError as error:
        for line in error.lines:
            print(f"error: {line}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
