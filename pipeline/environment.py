"""Environment variables for Prefect, MLflow and LightGBM, set before they are imported.

A variable that the user has set is kept. Not here: the settings of a pipeline.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROCESS_DEFAULTS = {
    # no telemetry
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # two busy OpenMP pools on one machine otherwise wait actively, which is ten times slower
    "OMP_WAIT_POLICY": "PASSIVE",
    # a page of another site may not use a server of this process
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1:4200",
    # a loaded machine needs longer than the 20 s Prefect allows its temporary server
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    # log lines of the stages also appear with the flow run in Prefect's UI
    "PREFECT_LOGGING_EXTRA_LOGGERS": "features,flows,foundation,models,monitoring,positioning,review",
    # log lines before a flow starts belong to no run
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # an unavailable tracking server costs seconds instead of minutes; the run does not need it
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
_COMMAND_LINE_DEFAULTS = {
    # the CLI prints its own messages; the API still receives every log line
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    # MLflow logs the traceback of a database error that it also raises; the CLI prints the error
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
}


def set_process_defaults() -> None:
    """Disable telemetry and set timeouts and retries; call it before the heavy imports."""
    for name, value in _PROCESS_DEFAULTS.items():
        os.environ.setdefault(name, value)


def set_command_line_defaults(warehouse: str) -> None:
    """Silence Prefect and MLflow on the console and, unless the user has a Prefect home, give Prefect one.

    The home is ``<warehouse>/.prefect`` (``~/.cache/forestock/prefect`` for a warehouse that is no
    local folder). A user who has set PREFECT_HOME or PREFECT_API_URL, or has profiles, keeps them.
    """
    for name, value in _COMMAND_LINE_DEFAULTS.items():
        os.environ.setdefault(name, value)
    if has_existing_prefect():
        # a server whose database is unavailable answers 500; clients retry for two minutes, as for an unavailable server
        os.environ.setdefault("PREFECT_CLIENT_RETRY_EXTRA_CODES", "500")
        os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "6")
    else:
        # a temporary server ends with the command, so few retries; the user's server may be restarting
        os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "3")
        os.environ["PREFECT_HOME"] = str(prefect_home(warehouse))


def has_existing_prefect() -> bool:
    """Return whether the user has configured Prefect: a home, a server or a profile."""
    chosen = any(os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILES_PATH"))
    return chosen or (Path.home() / ".prefect" / "profiles.toml").exists()


def prefect_home(warehouse: str) -> Path:
    """Return the folder of Prefect's files for a warehouse if the user has chosen none."""
    from foundation.store import files  # late: this module is imported before anything heavy

    if files.is_url(warehouse):
        return Path(files.make_folder(str(Path.home() / ".cache" / "forestock"))) / "prefect"
    return Path(files.make_folder(warehouse)) / ".prefect"
