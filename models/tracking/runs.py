"""Runs in MLflow: numbers, tables, pictures and child runs, written and read.

Everything goes through a client with explicit run ids, never MLflow's "active run", which belongs to a thread. A run that fails
is marked as failed. Not here: what is recorded (``pipeline.backtest_report``), models and versions (``models.tracking.registry``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation.errors import StageError
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files
from models.tracking.client import LONGEST_PARAM, Dataset, Experiment, process_tags, reported, tracking_uri
from models.tracking.registry import CHAMPION

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Record:
    """One run. ``curves`` are metrics with a step (1, 2, …); names with `/` stand in sections of the page.

    ``images`` are files drawn already, ``figures`` are drawn here. ``dataset_use`` is what MLflow's page says the inputs were for.
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
    dataset_use: str = "backtest"
    children: Sequence[Record] = ()


_SECTIONS = {
    "optimizer": ("gap_", "lower_bound", "out_of_sample", "sampling_error"),
    "cost": ("_eur", "eur_"),
    "carbon": ("co2e",),
    "service": ("fill_rate", "promise", "time_to_door", "refused", "served", "lost", "late"),
}


def in_sections(figures: Mapping[str, float]) -> dict[str, float]:
    """Return figures of a plan or a replay by their names in sections of MLflow's page: `cost/total_eur`, `service/local_fill_rate`.

    >>> list(in_sections({"gap_rate": 0.01, "days_of_supply": 9.0}))
    ['optimizer/gap_rate', 'operations/days_of_supply']
    """
    return {f"{_section(name)}/{name}": value for name, value in figures.items()}


def _section(name: str) -> str:
    matches = (section for section, parts in _SECTIONS.items() if any(part in name for part in parts))
    return next(matches, "operations")


class Tracker:
    """The MLflow experiment ``<name>-<topic>`` of a pipeline."""

    def __init__(self, settings: Settings, topic: str, note: str) -> None:
        self.experiment = f"{settings.name}-{topic}"
        self.uri = tracking_uri(settings)
        self._model_name = settings.name
        tags = {"mlflow.note.content": note, "mlflow.experimentKind": "custom_model_development"}
        self._place = Experiment(self.experiment, self.uri, settings.warehouse, tags)

    def record(self, record: Record, parent: str | None = None) -> str:
        """Write ``record``, below the run ``parent`` where given, and its children; return the run's id.

        Raises ``StageError`` if MLflow cannot be reached or refuses; runs begun are then marked as failed.
        """
        with reported("tracking", self.uri):
            return self._write(record, parent)

    def find(self, tags: Mapping[str, str]) -> str | None:
        """Return the id of the newest finished run with all of ``tags``; None if there is none."""
        with reported("tracking", self.uri):
            requested = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
            result = self._place.client.search_runs(
                [self._place.id],
                f"attributes.status = 'FINISHED' and {requested}",
                max_results=1,
                order_by=["attributes.start_time DESC"],
            )
            return str(result[0].info.run_id) if result else None

    def keep_text(self, run_id: str, text: str, name: str) -> None:
        """Put a text next to a run as an artifact; one of that name is replaced."""
        with reported("tracking", self.uri):
            self._place.client.log_text(run_id, text, name)

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run that is there."""
        with reported("tracking", self.uri):
            for name, value in tags.items():
                self._place.client.set_tag(run_id, name, value)

    def promote(self, training_key: str, reason: str, run_id: str) -> str:
        """Make the registered version of a training the champion, say why on it and on the run; return the version.

        Raises ``StageError`` if no version of that training is registered.
        """
        with reported("tracking", self.uri):
            requested = f"name = '{self._model_name}' and tags.training_key = '{training_key}'"
            result = self._place.client.search_model_versions(requested)
            if not result:
                raise StageError("promote", f"no version of {self._model_name} was trained as {training_key}")
            version = str(result[0].version)
            self._place.client.set_registered_model_alias(self._model_name, CHAMPION, version)
            for name, value in {"champion_reason": reason, "promoted_by_run": run_id}.items():
                self._place.client.set_model_version_tag(self._model_name, version, name, value)
            self._place.client.set_tag(run_id, "promoted_version", f"{self._model_name} v{version}")
            return version

    def _write(self, record: Record, parent: str | None) -> str:
        self._place.end_abandoned()
        tags = {**record.tags, **process_tags(), "mlflow.note.content": record.note, "mlflow.source.type": "JOB"}
        if parent is not None:
            tags["mlflow.parentRunId"] = parent
        run = self._place.client.create_run(self._place.id, tags=tags, run_name=record.name)
        run_id = str(run.info.run_id)
        try:
            self._log_numbers(run_id, record)
            self._log_artifacts(run_id, record)
            for child in record.children:
                self._write(child, run_id)
        except BaseException:
            self._place.client.set_terminated(run_id, "FAILED")
            raise
        self._place.client.set_terminated(run_id, "FINISHED")
        return run_id

    def _log_numbers(self, run_id: str, record: Record) -> None:
        from mlflow.entities import Metric, Param

        moment = int(as_timestamp(record.moment).timestamp() * 1000)
        points = [(name, value, 0) for name, value in record.metrics.items()]
        points += [(name, value, step) for name, curve in record.curves.items() for step, value in enumerate(curve, 1)]
        metrics = [Metric(name, float(value), moment, step) for name, value, step in points if np.isfinite(value)]
        params = [Param(name, str(value)[:LONGEST_PARAM]) for name, value in record.params.items()]
        for start in range(0, len(metrics), 1000):
            self._place.client.log_batch(run_id, metrics=metrics[start : start + 1000])
        for start in range(0, len(params), 100):
            self._place.client.log_batch(run_id, params=params[start : start + 100])

    def _log_artifacts(self, run_id: str, record: Record) -> None:
        for name, table in record.tables.items():
            self._place.client.log_table(run_id, table, name)
        for name, figure in record.figures.items():
            self._place.client.log_figure(run_id, figure, name)
        self._log_images(run_id, record.images)
        for name, text in record.texts.items():
            self._place.client.log_text(run_id, text, name)
        if record.dataset is not None:
            self._place.client.log_inputs(run_id, [record.dataset.as_input(record.dataset_use)])

    def _log_images(self, run_id: str, images: Mapping[str, bytes]) -> None:
        with files.scratch_folder() as folder:
            for name, content in images.items():
                files.write_bytes(files.joined(folder, name), content)
            if images:
                self._place.client.log_artifacts(run_id, folder)


_PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class Run:
    """A finished run as it was recorded; texts and numbers by name."""

    run_id: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]


class Runs:
    """The finished parent runs of the experiment ``<name>-<topic>`` of a pipeline."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.uri = tracking_uri(settings)
        self._place = Experiment(f"{settings.name}-{topic}", self.uri, settings.warehouse)

    def latest(self, count: int) -> list[Run]:
        """Return up to ``count`` runs, the newest first; none where the experiment is not there.

        Raises ``StageError`` if MLflow cannot be reached.
        """
        with reported("experiment", self.uri):
            result = self._place.client.get_experiment_by_name(self._place.name)
            if result is None:
                return []
            rows = self._place.client.search_runs(
                [result.experiment_id], "attributes.status = 'FINISHED'", order_by=["attributes.start_time DESC"], max_results=50 * count
            )  # fmt: skip
            parents = [row for row in rows if _PARENT not in row.data.tags][:count]
            return [Run(row.info.run_id, row.info.run_name, row.data.tags, row.data.params, row.data.metrics) for row in parents]  # fmt: skip

    def table(self, run: Run, name: str) -> pd.DataFrame:
        """Return the table ``name`` (such as `tables/levels.json`) of a run; empty where it has none."""
        with reported("experiment", self.uri), files.scratch_folder() as folder:
            if not any(entry.path == name for entry in self._place.client.list_artifacts(run.run_id, _folder(name))):
                return pd.DataFrame()
            place = self._place.client.download_artifacts(run.run_id, name, folder)
            parts = json.loads(files.read_text(place))
            return pd.DataFrame(parts["data"], columns=parts["columns"])

    def keep_text(self, run: Run, text: str, name: str) -> None:
        """Put a text next to a run as an artifact; one of that name is replaced."""
        with reported("experiment", self.uri):
            self._place.client.log_text(run.run_id, text, name)


def _folder(name: str) -> str | None:
    folder, _, _ = name.rpartition("/")
    return folder or None
