"""The record of trainings in MLflow: one run and one registered version per training, and a champion.

Only this package imports MLflow. It uses a client with explicit run ids, because MLflow's "active run" belongs to a thread. The
warehouse stores the models that runs use (docs/decisions/0003-models-in-the-warehouse.md); MLflow is where people look at,
compare and download models. An error of MLflow becomes a ``StageError``, so that the caller can continue without it.

Not here: training, forecasting, or which model a run uses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files
from foundation.store.locks import locked
from models.backtest.promotion import BaselineComparison
from models.demand_model import DemandModel
from models.tracking.client import (
    LONGEST_PARAM,
    Dataset,
    Experiment,
    models_resolved,
    process_tags,
    reported,
    tracking_uri,
)
from models.tracking.forecast_model import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FACTS_FILE = "facts.json"
_USE = (
    "**Intended use.** Demand per region, sku and period of the horizon, with quantiles and window sums, as input "
    "to inventory positioning. Not for single customers, and not beyond the horizon it was trained for."
)
_LIMITS = (
    "**Limits.** Demand while out of stock is unknown and left out. Series with fewer than 28 known periods "
    "have a tier that ends in `_new`. It cannot know what happened for the first time "
    "after the data window."
)


def feature_importance(model: DemandModel) -> pd.DataFrame | None:
    """Return `feature`, `family`, `gain` (share of the total gain) and `splits`, largest gain first.

    Of several models, the first that measures the importance of features counts; None where none does.
    """
    measured = (forecaster.importance() for forecaster in model.forecasters)
    importance = next((one for one in measured if one is not None), None)
    if importance is None:
        return None
    gain = importance["gain"].to_numpy(float)
    frame = pd.DataFrame(
        {
            "feature": model.facts["features"],
            "family": model.facts["families"],
            "gain": gain / max(gain.sum(), np.finfo(float).tiny),
            "splits": importance["splits"],
        }
    )
    return frame.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def params(model: DemandModel) -> list[tuple[str, Any]]:
    """Return the parameters of a training, sections flattened with dots."""
    parts = model.facts["training"]
    inner = parts.get("settings", {})
    outer = {name: value for name, value in parts.items() if name != "settings"}
    given_up = {"given_up": "; ".join(model.facts["given_up"]) or "nothing"}
    flat = {**outer, **given_up, "features": len(model.facts["features"])}
    return [*flat.items(), *_dotted(inner, "forecast.")]


def _dotted(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def purpose(name: str) -> str:
    """Return what the registered model of the pipeline ``name`` is for, and where each version's own card is."""
    return (
        f"Demand forecast of the pipeline {name}: a version per training; `champion` is the newest one that beats the baselines.\n\n{_USE}\n\n{_LIMITS}\n\n"
        "Each version's description is its model card, with its comparison with baselines and its data window."
    )


def note(model: DemandModel, fingerprint: str, comparison: BaselineComparison) -> str:
    """Return the model card in Markdown: how it compares with baselines, its use, its data window and its limits."""
    parts = model.facts["training"]
    lines = (
        f"**{comparison.sentence}**",
        f"Model `{model.version}`, trained on what was known on the morning of {model.as_of}.",
        _USE,
        f"**Data window.** {parts['rows']:,} rows of {parts['series']:,} series dated {parts['first_date']} to "
        f"{parts['last_date']}; quantiles and bias from {parts['calibration_start']} on, out of sample. Inputs "
        f"`{fingerprint}`.",
        _LIMITS,
        *_totals_note(model),
        f"`{FACTS_FILE}` holds all metrics and the calibration that turns means into quantiles; `importance.json` ranks the "
        "features where the kind of model measures them.",
        *(f"Reduced to stay within the CPU budget: {sentence}." for sentence in model.facts["given_up"]),
    )
    return "\n\n".join(lines)


def _totals_note(model: DemandModel) -> list[str]:
    """Return the sentence of the model card on the forecasts of totals, if the model has any."""
    if "totals" not in model.facts:
        return []
    parts = " and ".join(f"{weight:.0%} {name}" for name, weight in model.facts["totals"].items())
    return [f"**Totals.** Series are reconciled to forecasts of their totals, which are {parts}."]


_MEASURES = ("wape", "bias", "rmsse", "pinball", "coverage")


def grouped(name: str) -> str:
    """Return the name of a metric in its section of MLflow's page: `model_wape` is `model/wape`, a baseline's `baseline/NAME/wape`."""
    method, _, measure = name.rpartition("_")
    if "/" in name or measure not in _MEASURES:
        return name
    if method in ("model", "model_alone"):
        return f"{method}/{measure}"
    return f"baseline/{method}/{measure}"


def importance_figure(importance: pd.DataFrame) -> Figure:
    """Return bars of the 25 features that gain most, largest on top."""
    from matplotlib.figure import Figure

    top = importance.head(25).iloc[::-1]
    figure = Figure(figsize=(8, 0.8 + 0.25 * len(top)), layout="constrained")
    axes = figure.subplots()
    axes.barh(top["feature"].astype(str), top["gain"])
    axes.set_xlabel("share of gain")
    axes.set_title("What the forecast learned from")
    return figure


if TYPE_CHECKING:
    from mlflow.entities import LoggedModel

log = logging.getLogger(__name__)

CHAMPION = "champion"
_LONGEST_MODEL_PARAM = 250
_MOST_METRICS = 1_000
_KEY_TAG = "training_key"
_DATE_TAG = "training_date"


_NOTE = "Trainings of the demand model: one run per training date, its comparison with baselines first; a lower `wape` is better."


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: what identifies its training, what it was given, who ran it.

    ``inputs_head`` is a sample of the rows known at the training date; MLflow is never handed a
    whole frame. ``tags`` are further tags of the run.
    """

    training_key: str
    inputs_fingerprint: str
    inputs_source: str
    inputs_head: pd.DataFrame
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """Where a training stands in MLflow."""

    run_id: str
    version: str
    is_champion: bool
    reason: str


class Registry:
    """The MLflow experiment and registered model called ``settings.name``."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.name
        self.uri = tracking_uri(settings)
        self._settings = settings
        self._warehouse = settings.warehouse
        tags = {"mlflow.note.content": _NOTE, "mlflow.experimentKind": "custom_model_development"}
        self._experiment = Experiment(self.name, self.uri, settings.warehouse, tags)

    def publish(self, model: DemandModel, origin: Origin) -> Published:
        """Return where the training of ``model`` stands, recording it first if it is not recorded yet.

        Two processes that publish at once take turns. Raises ``StageError`` if MLflow cannot be
        reached or refuses; a run it had begun is then marked as failed.
        """
        with reported("registry", self.uri), locked(files.joined(self._warehouse, ".mlflow.lock")):
            return self._find(origin.training_key, model) or self._record(model, origin)

    def _find(self, training_key: str, model: DemandModel) -> Published | None:
        """Return where a recorded training stands today, None if it is not recorded."""
        versions = self._experiment.client.search_model_versions(
            f"name = '{self.name}' and tags.{_KEY_TAG} = '{training_key}'"
        )
        if not versions:
            return None
        result = versions[0]
        champion = self._champion_version()
        if champion == str(result.version):
            return Published(result.run_id, champion, True, result.tags.get("champion_reason", ""))
        could_be, reason = self._judge(
            model, BaselineComparison.of(model)
        )  # why not today: it may have been champion once
        return Published(
            result.run_id, str(result.version), False, f"Version {champion or 'none'} is." if could_be else reason
        )

    def _record(self, model: DemandModel, origin: Origin) -> Published:
        comparison = BaselineComparison.of(model)
        self._experiment.end_abandoned()
        run_id = self._start(model, origin, comparison)
        try:
            logged = self._log_model(run_id, model)
            self._log_numbers(run_id, model, str(logged.model_id))
            self._log_tables(run_id, model)
            self._log_inputs(run_id, model, origin)
            version = self._register((run_id, logged), model, origin, comparison)
            published = self._crown(run_id, version, model, comparison)
        except BaseException:
            self._experiment.client.set_terminated(run_id, "FAILED")
            raise
        self._experiment.client.set_terminated(run_id, "FINISHED")
        return published

    def _start(self, model: DemandModel, origin: Origin, comparison: BaselineComparison) -> str:
        tags = {
            **origin.tags,
            **process_tags(),
            _KEY_TAG: origin.training_key,
            _DATE_TAG: model.as_of.isoformat(),
            "as_of": model.as_of.isoformat(),
            "stage": "train",
            "model_version": model.version,
            "mlflow.note.content": note(model, origin.inputs_fingerprint, comparison),
            "mlflow.source.name": "forestock train",
            "mlflow.source.type": "JOB",
        }
        run = self._experiment.client.create_run(self._experiment.id, tags=tags, run_name=f"train {model.as_of}")
        return str(run.info.run_id)

    def _log_numbers(self, run_id: str, model: DemandModel, model_id: str) -> None:
        """Record metrics, learning curves and parameters on the run; the metrics also on its logged model."""
        from mlflow.entities import Metric, Param

        moment = int(as_timestamp(model.as_of).timestamp() * 1000)
        metrics = [
            Metric(grouped(name), value, moment, 0, model_id=model_id, run_id=run_id)
            for name, value in model.metrics.items()
            if np.isfinite(value)
        ]
        metrics += [
            Metric(f"learning/{name}", float(value), moment, int(step), model_id=model_id, run_id=run_id)
            for name, points in model.facts.get("curves", {}).items()
            for step, value in points
            if np.isfinite(value)
        ]
        parts = [Param(name, str(value)[:LONGEST_PARAM]) for name, value in params(model)]
        self._experiment.client.log_batch(run_id, params=parts)
        for start in range(0, len(metrics), _MOST_METRICS):
            self._experiment.client.log_batch(run_id, metrics=metrics[start : start + _MOST_METRICS])

    def _log_tables(self, run_id: str, model: DemandModel) -> None:
        if segments := model.facts.get("segments"):
            self._experiment.client.log_table(run_id, pd.DataFrame(segments), "segments.json")
        importance = feature_importance(model)
        if importance is not None:
            self._experiment.client.log_table(run_id, importance, "importance.json")
            self._experiment.client.log_figure(run_id, importance_figure(importance), "importance.png")
        self._experiment.client.log_dict(run_id, model.facts, FACTS_FILE)

    def _log_inputs(self, run_id: str, model: DemandModel, origin: Origin) -> None:
        name = f"{self.name}@{model.as_of}"
        dataset = Dataset(name, origin.inputs_fingerprint, origin.inputs_source, origin.inputs_head)
        self._experiment.client.log_inputs(run_id, [dataset.as_input("training")])

    def _register(
        self, recorded: tuple[str, LoggedModel], model: DemandModel, origin: Origin, comparison: BaselineComparison
    ) -> str:
        """Register the logged model as a version, linked with it and with its run."""
        run_id, logged = recorded
        self._ensure_registered_model()
        with models_resolved(self.uri):
            version = self._experiment.client.create_model_version(
                self.name,
                source=f"models:/{logged.model_id}",
                run_id=run_id,
                model_id=logged.model_id,
                description=note(model, origin.inputs_fingerprint, comparison),
                tags={
                    _KEY_TAG: origin.training_key,
                    _DATE_TAG: model.as_of.isoformat(),
                    "model_version": model.version,
                    "logged_model": str(logged.model_id),
                },
            )
        link = json.dumps([{"name": self.name, "version": str(version.version)}])
        self._experiment.client.set_logged_model_tags(str(logged.model_id), {"mlflow.modelVersions": link})
        return str(version.version)

    def _log_model(self, run_id: str, model: DemandModel) -> LoggedModel:
        from mlflow.entities import LoggedModelOutput

        logged = self._experiment.client.create_logged_model(
            self._experiment.id,
            f"demand-{model.as_of}",
            source_run_id=run_id,
            model_type=model.facts["kind"],
            params={name: str(value)[:_LONGEST_MODEL_PARAM] for name, value in params(model)},
            tags={_DATE_TAG: model.as_of.isoformat(), "model_version": model.version},
        )
        with files.scratch_folder() as folder:
            save(model, self._settings, folder, (run_id, str(logged.model_id)))
            self._experiment.client.log_model_artifacts(logged.model_id, files.joined(folder, "model"))
        self._experiment.client.finalize_logged_model(logged.model_id, "READY")
        self._experiment.client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
        return logged

    def _ensure_registered_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._experiment.client.get_registered_model(self.name)
        except MlflowException:
            self._experiment.client.create_registered_model(self.name, description=purpose(self.name))

    def _crown(self, run_id: str, version: str, model: DemandModel, comparison: BaselineComparison) -> Published:
        is_champion, reason = self._judge(model, comparison)
        if is_champion:
            self._experiment.client.set_registered_model_alias(self.name, CHAMPION, version)
        self._experiment.client.set_model_version_tag(self.name, version, "champion_reason", reason)
        self._experiment.client.set_tag(run_id, "champion_reason", reason)
        self._experiment.client.set_tag(run_id, "registered_version", f"{self.name} v{version}")
        log.info("recorded as version %s of %s", version, self.name)
        return Published(run_id, version, is_champion, reason)

    def _judge(self, model: DemandModel, comparison: BaselineComparison) -> tuple[bool, str]:
        """Return whether the model becomes champion, and why: it must beat the baselines and be the newest."""
        if not comparison.is_better:
            return False, comparison.sentence
        newest = self._champion_date()
        if newest is not None and newest > model.as_of.isoformat():
            return False, f"The champion was trained on {newest}, after {model.as_of}."
        return True, comparison.sentence

    def _champion_version(self) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            return str(self._experiment.client.get_model_version_by_alias(self.name, CHAMPION).version)
        except MlflowException:
            return None

    def _champion_date(self) -> str | None:
        version = self._champion_version()
        return (
            None
            if version is None
            else self._experiment.client.get_model_version(self.name, version).tags.get(_DATE_TAG)
        )
