"""Reading recorded runs back: their names, parameters, numbers and tables, for comparing them.

Not here: writing them (``models.tracking``), or how they are compared (review).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from foundation.settings import Settings
from foundation.store import files
from models.tracking_place import Experiment, reported, tracking_uri

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

        Raises ``StageError`` where MLflow cannot be reached.
        """
        with reported("experiment", self.uri):
            found = self._place.client.get_experiment_by_name(self._place.name)
            if found is None:
                return []
            rows = self._place.client.search_runs(
                [found.experiment_id], "attributes.status = 'FINISHED'", order_by=["attributes.start_time DESC"], max_results=50 * count
            )  # fmt: skip
            parents = [row for row in rows if _PARENT not in row.data.tags][:count]
            return [Run(row.info.run_id, row.info.run_name, row.data.tags, row.data.params, row.data.metrics) for row in parents]  # fmt: skip

    def table(self, run: Run, name: str) -> pd.DataFrame:
        """Return the table ``name`` (such as `tables/levels.json`) of a run; empty where it has none."""
        with reported("experiment", self.uri), files.scratch_folder() as folder:
            if not any(entry.path == name for entry in self._place.client.list_artifacts(run.run_id, _folder(name))):
                return pd.DataFrame()
            place = self._place.client.download_artifacts(run.run_id, name, folder)
            said = json.loads(files.read_text(place))
            return pd.DataFrame(said["data"], columns=said["columns"])

    def keep_text(self, run: Run, text: str, name: str) -> None:
        """Put a text beside a run as an artifact; one of that name is replaced."""
        with reported("experiment", self.uri):
            self._place.client.log_text(run.run_id, text, name)


def _folder(name: str) -> str | None:
    folder, _, _ = name.rpartition("/")
    return folder or None
