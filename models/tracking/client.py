"""Where MLflow is, and what every writer to it shares: the client, an experiment, a dataset's entry, its errors.

Not here: what is recorded (``models.tracking.runs``) or registered (``models.tracking.registry``).
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd

from foundation.errors import StageError
from foundation.settings import Settings
from foundation.store import files

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

# MLflow's pages otherwise open with traces of language models instead of runs and models.
_TRAINING_PAGE = "#/experiments?workflowType=machine_learning"
_LOCAL_SERVER = "http://127.0.0.1:5000"  # where ``mlflow ui`` answers
LONGEST_PARAM = 6_000
_LONGEST_DIGEST = 36
_HEAD_ROWS = 1_000
_RESOLVING = threading.Lock()
_HOST_TAG, _PROCESS_TAG = "forestock.host", "forestock.process"


@dataclass(frozen=True)
class Dataset:
    """The inputs of a run: name, hash of their content, where they are, and a sample of their rows."""

    name: str
    fingerprint: str
    source: str
    head: pd.DataFrame

    def as_input(self, context: str) -> DatasetInput:
        """Return the entry MLflow shows; ``context`` says what the inputs were for, such as `training`."""
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        logged = from_pandas(
            self.head.head(_HEAD_ROWS),
            source=CodeDatasetSource({"inputs": self.source}),
            name=self.name,
            digest=self.fingerprint[:_LONGEST_DIGEST],
        )
        return DatasetInput(logged._to_mlflow_entity(), [InputTag("mlflow.data.context", context)])


@dataclass(frozen=True)
class Experiment:
    """One experiment and the client that writes to it; ``tags`` are set when it is made."""

    name: str
    uri: str
    warehouse: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def client(self) -> MlflowClient:
        """The client, which has its own address: that of the whole process is set in ``models_resolved`` alone."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def end_abandoned(self) -> None:
        """End the runs of this machine whose process was killed, so that they do not stay "running" for ever."""
        requested = f"attributes.status = 'RUNNING' and tags.`{_HOST_TAG}` = '{platform.node()}'"
        for run in self.client.search_runs([self.id], requested):
            if not _is_alive(run.data.tags.get(_PROCESS_TAG, "")):
                self.client.set_terminated(run.info.run_id, "KILLED")

    @cached_property
    def id(self) -> str:
        """The experiment's id; it is made if there is none."""
        result = self.client.get_experiment_by_name(self.name)
        if result is not None:
            return str(result.experiment_id)
        # the place of artifacts is fixed here for good: next to the database, wherever the command runs
        is_local = self.uri.startswith("sqlite:")
        folder = quote(files.joined(self.warehouse, "mlartifacts", self.name))  # a # would begin a fragment
        location = f"file://{folder}" if is_local else None
        return str(self.client.create_experiment(self.name, artifact_location=location, tags=dict(self.tags)))


@contextmanager
def models_resolved(uri: str) -> Iterator[None]:
    """Let MLflow resolve addresses of logged models at ``uri``.

    Its SQL store asks the address of the whole process, which is set for this short time only; a server resolves them itself.
    """
    import mlflow

    if uri.startswith("http"):
        yield
        return
    with _RESOLVING:
        before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else ""
        mlflow.set_tracking_uri(uri)
        try:
            yield
        finally:
            mlflow.set_tracking_uri(before)


def process_tags() -> dict[str, str]:
    """Return the tags by which ``Experiment.end_abandoned`` recognizes the runs of a killed process."""
    return {_HOST_TAG: platform.node(), _PROCESS_TAG: str(os.getpid())}


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def tracking_uri(settings: Settings) -> str:
    """Return the configured tracking URI, else SQLite in the warehouse.

    Raises ``StageError`` if none is configured and the warehouse is no local folder.
    """
    if settings.tracking_uri:
        return settings.tracking_uri
    if files.is_url(settings.warehouse):
        raise StageError("registry", "the warehouse is remote and no tracking_uri is set; set tracking_uri")
    return f"sqlite:///{files.joined(settings.warehouse, 'mlflow.db')}"


def tracking_command(settings: Settings) -> str:
    """Return what to type (or open) to look at the trainings; empty where there is no tracking store."""
    try:
        uri = tracking_uri(settings)
    except StageError:
        return ""
    if uri.startswith("http"):
        return tracking_page(settings)
    return shlex.join([sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri])


def tracking_page(settings: Settings) -> str:
    """Return the address of MLflow's experiments in the view of runs and models; for a local store, while ``tracking_command`` runs."""
    uri = tracking_uri(settings)
    server = uri.rstrip("/") if uri.startswith("http") else _LOCAL_SERVER
    return f"{server}/{_TRAINING_PAGE}"


@contextmanager
def reported(stage: str, uri: str) -> Iterator[None]:
    """Turn whatever MLflow, its database or its network raise into one ``StageError`` of ``stage``."""
    try:
        yield
    except StageError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StageError(stage, f"MLflow at {uri}: {reason[:300]}") from error


def tracking_problem(uri: str) -> str:
    """Return why the server at ``uri`` cannot be used, in one line; an empty text if it answers."""
    from mlflow import MlflowClient

    try:
        MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
    except Exception as error:  # the client, its network, and its server have their own exceptions
        return next(iter(str(error).splitlines()), type(error).__name__)[:200]
    return ""
