"""The process environment Prefect, MLflow and LightGBM find when they are imported.

Only environment variables, and never over what the user has set. Not here: settings of a pipeline.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROCESS_DEFAULTS = {
    # nothing is reported to anybody
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # two busy OpenMP pools on one machine otherwise spin against each other, ten times slower
    "OMP_WAIT_POLICY": "PASSIVE",
    # a page of another site may not read or change anything on a server of this process
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1:4200",
    # a loaded machine needs longer than the 20 s Prefect allows its temporary server
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    # what the stages say also appears beside the flow run in Prefect's pages
    "PREFECT_LOGGING_EXTRA_LOGGERS": "features,flows,foundation,models,monitoring,positioning,review",
    # lines written before a flow runs have no run to be shown with
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # a tracking server that is away costs seconds, not minutes: the plan is made without it
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
_COMMAND_LINE_DEFAULTS = {
    # the command line reports in its own words; the API still receives every log line
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    # MLflow logs the traceback of a fault of its database and raises it too; the command says what it came to
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
}


def set_process_defaults() -> None:
    """Switch telemetry off and set waiting and patience; to be called before the heavy imports."""
    for name, value in _PROCESS_DEFAULTS.items():
        os.environ.setdefault(name, value)


def set_command_line_defaults(warehouse: str) -> None:
    """Make Prefect and MLflow quiet and, where the user has none, give Prefect a home of its own.

    The home is ``<warehouse>/.prefect`` (``~/.cache/forestock/prefect`` for a warehouse that is no
    local folder). A user who has set PREFECT_HOME or PREFECT_API_URL, or has profiles, keeps them.
    """
    for name, value in _COMMAND_LINE_DEFAULTS.items():
        os.environ.setdefault(name, value)
    if has_existing_prefect():
        # a server whose database is away answers 500: asked again for two minutes, as where the server itself is away
        os.environ.setdefault("PREFECT_CLIENT_RETRY_EXTRA_CODES", "500")
        os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "6")
    else:
        # a temporary server that has been stopped with the command is not waited for; the user's own may be restarting
        os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "3")
        os.environ["PREFECT_HOME"] = str(prefect_home(warehouse))


def has_existing_prefect() -> bool:
    """Say whether the user has a Prefect of their own: a home, a server or a profile."""
    chosen = any(os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILES_PATH"))
    return chosen or (Path.home() / ".prefect" / "profiles.toml").exists()


def prefect_home(warehouse: str) -> Path:
    """Return the folder Prefect keeps its files in for a warehouse, where the user has chosen none."""
    from foundation.store import files  # late: this module is imported before anything heavy

    if files.is_url(warehouse):
        return Path(files.make_folder(str(Path.home() / ".cache" / "forestock"))) / "prefect"
    return Path(files.make_folder(warehouse)) / ".prefect"
