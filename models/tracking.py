"""Writing what was measured into MLflow: a run with its numbers, tables, pictures and children.

Together with ``models.registry`` the only code that knows MLflow. Everything goes through a client with
explicit run ids, never MLflow's "active run", which belongs to a thread. A run that fails half-way is marked
as failed. Not here: what is recorded (``flows.backtest_record``), models and versions (``models.registry``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation.errors import StageError
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files
from models.registry import CHAMPION, tracking_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

_LONGEST_PARAM = 6_000
_LONGEST_DIGEST = 36
_HEAD_ROWS = 1_000


@dataclass(frozen=True)
class Dataset:
    """The inputs of a run: name, hash of their content, where they are, and a sample of their rows."""

    name: str
    fingerprint: str
    source: str
    head: pd.DataFrame


@dataclass(frozen=True)
class Record:
    """One run. ``curves`` are metrics with a step (1, 2, …); names with `/` stand in sections of the page.

    ``images`` are files drawn already, ``figures`` are drawn here.
    """

    name: str
    moment: date
    note: str
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    images: Mapping[str, bytes] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    dataset: Dataset | None = None
    children: Sequence[Record] = ()


class Tracker:
    """The MLflow experiment ``<name>-<topic>`` of a pipeline."""

    def __init__(self, settings: Settings, topic: str, note: str) -> None:
        self.experiment = f"{settings.name}-{topic}"
        self.uri = tracking_uri(settings)
        self._warehouse = settings.warehouse
        self._model_name = settings.name
        self._note = note

    def record(self, record: Record) -> str:
        """Write ``record`` and its children; return the run's id.

        Raises ``StageError`` where MLflow cannot be reached or refuses; runs begun are then marked as failed.
        """
        with _reported(self.uri):
            return self._write(record, None)

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run that is there."""
        with _reported(self.uri):
            for name, value in tags.items():
                self._client.set_tag(run_id, name, value)

    def promote(self, training_key: str, reason: str, run_id: str) -> str:
        """Make the registered version of a training the champion, say why on it and on the run; return the version.

        Raises ``StageError`` where no version of that training is registered.
        """
        with _reported(self.uri):
            wanted = f"name = '{self._model_name}' and tags.training_key = '{training_key}'"
            found = self._client.search_model_versions(wanted)
            if not found:
                raise StageError("promote", f"no version of {self._model_name} was trained as {training_key}")
            version = str(found[0].version)
            self._client.set_registered_model_alias(self._model_name, CHAMPION, version)
            for name, value in {"champion_reason": reason, "promoted_by_run": run_id}.items():
                self._client.set_model_version_tag(self._model_name, version, name, value)
            self._client.set_tag(run_id, "promoted_version", f"{self._model_name} v{version}")
            return version

    @cached_property
    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @cached_property
    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self.experiment)
        if found is not None:
            return str(found.experiment_id)
        is_local = self.uri.startswith("sqlite:")
        location = f"file://{files.joined(self._warehouse, 'mlartifacts', self.experiment)}" if is_local else None
        tags = {"mlflow.note.content": self._note, "mlflow.experimentKind": "custom_model_development"}
        return str(self._client.create_experiment(self.experiment, artifact_location=location, tags=tags))

    def _write(self, record: Record, parent: str | None) -> str:
        tags = {**record.tags, "mlflow.note.content": record.note, "mlflow.source.type": "JOB"}
        if parent is not None:
            tags["mlflow.parentRunId"] = parent
        run = self._client.create_run(self._experiment_id, tags=tags, run_name=record.name)
        run_id = str(run.info.run_id)
        try:
            self._log_numbers(run_id, record)
            self._log_artifacts(run_id, record)
            for child in record.children:
                self._write(child, run_id)
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id, "FINISHED")
        return run_id

    def _log_numbers(self, run_id: str, record: Record) -> None:
        from mlflow.entities import Metric, Param

        moment = int(as_timestamp(record.moment).timestamp() * 1000)
        points = [(name, value, 0) for name, value in record.metrics.items()]
        points += [(name, value, step) for name, curve in record.curves.items() for step, value in enumerate(curve, 1)]
        metrics = [Metric(name, float(value), moment, step) for name, value, step in points if np.isfinite(value)]
        params = [Param(name, str(value)[:_LONGEST_PARAM]) for name, value in record.params.items()]
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(run_id, metrics=metrics[start : start + 1000])
        for start in range(0, len(params), 100):
            self._client.log_batch(run_id, params=params[start : start + 100])

    def _log_artifacts(self, run_id: str, record: Record) -> None:
        for name, table in record.tables.items():
            self._client.log_table(run_id, table, name)
        for name, figure in record.figures.items():
            self._client.log_figure(run_id, figure, name)
        self._log_images(run_id, record.images)
        for name, text in record.texts.items():
            self._client.log_text(run_id, text, name)
        if record.dataset is not None:
            self._log_dataset(run_id, record.dataset)

    def _log_images(self, run_id: str, images: Mapping[str, bytes]) -> None:
        with files.scratch_folder() as folder:
            for name, content in images.items():
                files.write_bytes(files.joined(folder, name), content)
            if images:
                self._client.log_artifacts(run_id, folder)

    def _log_dataset(self, run_id: str, dataset: Dataset) -> None:
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        logged = from_pandas(
            dataset.head.head(_HEAD_ROWS),
            source=CodeDatasetSource({"inputs": dataset.source}),
            name=dataset.name,
            digest=dataset.fingerprint[:_LONGEST_DIGEST],
        )
        tag = InputTag("mlflow.data.context", "backtest")
        self._client.log_inputs(run_id, [DatasetInput(logged._to_mlflow_entity(), [tag])])


@contextmanager
def _reported(uri: str) -> Iterator[None]:
    """Turn whatever MLflow, its database or its network raise into one ``StageError``."""
    try:
        yield
    except StageError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StageError("tracking", f"MLflow at {uri}: {reason[:300]}") from error
