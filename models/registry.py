"""The record of trainings in MLflow: one run and one registered version per training, and a champion.

The only code that knows MLflow. Everything goes through a client with explicit run ids; MLflow's
"active run" belongs to a thread and is never used. The warehouse keeps the models a night works
with (docs/decisions/0003); MLflow is where people look, compare and fetch a model from. Whatever
MLflow raises becomes a ``StageError``, so that a caller can go on without it.

Not here: training, forecasting, or which model a night uses.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation.errors import StageError
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files
from foundation.store.locks import locked
from models.boosting import loaded
from models.model import DemandModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

log = logging.getLogger(__name__)

CHAMPION = "champion"
METRIC = "wape"
# a better score does not buy a total that is off by more than this beyond the baseline's own bias
WORSE_BIAS_RATE = 0.02
_KEY_TAG = "training_key"
_DATE_TAG = "training_date"
_HEAD_ROWS = 1_000
_LONGEST_DIGEST = 36
_LONGEST_PARAM = 6_000
_FACTS_FILE = "facts.json"


@dataclass(frozen=True)
class Verdict:
    """How the model did out of sample beside the best baseline.

    Scores are weighted absolute percentage errors, Σ|forecast − actual| ÷ Σ actual: lower is
    better. ``bias_rate`` is (forecast − actual) ÷ actual over all units.
    """

    baseline: str
    score: float
    baseline_score: float
    bias_rate: float
    baseline_bias_rate: float

    @classmethod
    def of(cls, model: DemandModel) -> Verdict:
        """Return the verdict on a model's own out-of-sample figures, beside the best of its baselines.

        A figure that could not be measured (no out-of-sample demand) is infinite and never wins.
        """
        metrics = model.metrics
        suffix = f"_{METRIC}"
        others = {name.removesuffix(suffix): score for name, score in metrics.items() if name.endswith(suffix)}
        score = others.pop("model", np.inf)
        baseline = min(sorted(others), key=lambda name: others[name], default="none")
        biases = (metrics.get("model_bias", np.inf), metrics.get(f"{baseline}_bias", 0.0))
        return cls(baseline, score, others.get(baseline, np.inf), *biases)

    @property
    def is_better(self) -> bool:
        """Whether the score beats the baseline's and the bias is at most 0.02 beyond the baseline's."""
        limit = abs(self.baseline_bias_rate) + WORSE_BIAS_RATE
        return self.score < self.baseline_score and abs(self.bias_rate) <= limit

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, the decision first."""
        word = "Better" if self.is_better else "Not better"
        return (
            f"{word} than {self.baseline.replace('_', ' ')}: WAPE {self.score:.3f} against {self.baseline_score:.3f}, "
            f"bias {self.bias_rate:+.1%} against {self.baseline_bias_rate:+.1%}, out of sample."
        )


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


def tracking_uri(settings: Settings) -> str:
    """Return the configured tracking URI, else SQLite in the warehouse.

    Raises ``StageError`` where none is configured and the warehouse is no local folder.
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
    return uri if uri.startswith("http") else f"mlflow ui --backend-store-uri {uri}"


class Registry:
    """The MLflow experiment and registered model called ``settings.name``."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.name
        self.uri = tracking_uri(settings)
        self._warehouse = settings.warehouse

    def publish(self, model: DemandModel, origin: Origin) -> Published:
        """Return where the training of ``model`` stands, recording it first where it is not recorded yet.

        Two processes that publish at once take turns. Raises ``StageError`` where MLflow cannot be
        reached or refuses; a run it had begun is then marked as failed.
        """
        with _reported(self.uri), locked(files.joined(self._warehouse, ".mlflow.lock")):
            return self._find(origin.training_key) or self._record(model, origin)

    @cached_property
    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @cached_property
    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        # the place of artifacts is fixed here for good: beside the database, wherever the command runs
        is_local = self.uri.startswith("sqlite:")
        location = f"file://{files.joined(self._warehouse, 'mlartifacts', self.name)}" if is_local else None
        return str(self._client.create_experiment(self.name, artifact_location=location))

    def _find(self, training_key: str) -> Published | None:
        versions = self._client.search_model_versions(f"name = '{self.name}' and tags.{_KEY_TAG} = '{training_key}'")
        if not versions:
            return None
        found = versions[0]
        is_champion = self._champion_version() == str(found.version)
        return Published(found.run_id, str(found.version), is_champion, found.tags.get("champion_reason", ""))

    def _record(self, model: DemandModel, origin: Origin) -> Published:
        verdict = Verdict.of(model)
        run_id = self._start(model, origin, verdict)
        try:
            self._log_numbers(run_id, model)
            self._log_tables(run_id, model)
            self._log_inputs(run_id, model, origin)
            version = self._register(run_id, model, origin, verdict)
            published = self._crown(run_id, version, model, verdict)
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id, "FINISHED")
        return published

    def _start(self, model: DemandModel, origin: Origin, verdict: Verdict) -> str:
        tags = {
            **origin.tags,
            _KEY_TAG: origin.training_key,
            _DATE_TAG: model.as_of.isoformat(),
            "as_of": model.as_of.isoformat(),
            "stage": "train",
            "model_version": model.version,
            "mlflow.note.content": _note(model, origin, verdict),
            "mlflow.source.name": "forestock train",
            "mlflow.source.type": "JOB",
        }
        run = self._client.create_run(self._experiment_id, tags=tags, run_name=f"train {model.as_of}")
        return str(run.info.run_id)

    def _log_numbers(self, run_id: str, model: DemandModel) -> None:
        from mlflow.entities import Metric, Param

        moment = int(as_timestamp(model.as_of).timestamp() * 1000)
        metrics = [Metric(name, value, moment, 0) for name, value in model.metrics.items() if np.isfinite(value)]
        params = [Param(name, str(value)[:_LONGEST_PARAM]) for name, value in _params(model)]
        self._client.log_batch(run_id, metrics=metrics, params=params)

    def _log_tables(self, run_id: str, model: DemandModel) -> None:
        if segments := model.facts.get("segments"):
            self._client.log_table(run_id, pd.DataFrame(segments), "segments.json")
        importance = feature_importance(model)
        self._client.log_table(run_id, importance, "importance.json")
        self._client.log_figure(run_id, _importance_figure(importance), "importance.png")
        self._client.log_dict(run_id, model.facts, _FACTS_FILE)

    def _log_inputs(self, run_id: str, model: DemandModel, origin: Origin) -> None:
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        dataset = from_pandas(
            origin.inputs_head.head(_HEAD_ROWS),
            source=CodeDatasetSource({"inputs": origin.inputs_source}),
            name=f"{self.name}@{model.as_of}",
            digest=origin.inputs_fingerprint[:_LONGEST_DIGEST],
        )
        tag = InputTag("mlflow.data.context", "training")
        self._client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), [tag])])

    def _register(self, run_id: str, model: DemandModel, origin: Origin, verdict: Verdict) -> str:
        logged = self._log_model(run_id, model)
        self._ensure_registered_model()
        version = self._client.create_model_version(
            self.name,
            source=logged.artifact_location,
            run_id=run_id,
            model_id=logged.model_id,
            description=verdict.sentence,
            tags={
                _KEY_TAG: origin.training_key,
                _DATE_TAG: model.as_of.isoformat(),
                "model_version": model.version,
            },
        )
        return str(version.version)

    def _log_model(self, run_id: str, model: DemandModel) -> LoggedModel:
        from mlflow.entities import LoggedModelOutput

        logged = self._client.create_logged_model(
            self._experiment_id, "model", source_run_id=run_id, model_type="lightgbm"
        )
        with files.scratch_folder() as folder:
            _save(model, files.joined(folder, "model"), run_id, logged.model_id)
            self._client.log_model_artifacts(logged.model_id, files.joined(folder, "model"))
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
        return logged

    def _ensure_registered_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_registered_model(self.name)
        except MlflowException:
            self._client.create_registered_model(self.name, description=f"Demand forecast of the pipeline {self.name}.")

    def _crown(self, run_id: str, version: str, model: DemandModel, verdict: Verdict) -> Published:
        is_champion, reason = self._judge(model, verdict)
        if is_champion:
            self._client.set_registered_model_alias(self.name, CHAMPION, version)
        self._client.set_model_version_tag(self.name, version, "champion_reason", reason)
        self._client.set_tag(run_id, "champion_reason", reason)
        self._client.set_tag(run_id, "registered_version", f"{self.name} v{version}")
        log.info("recorded as version %s of %s", version, self.name)
        return Published(run_id, version, is_champion, reason)

    def _judge(self, model: DemandModel, verdict: Verdict) -> tuple[bool, str]:
        """Say whether the model becomes champion, and why: it must beat the baselines and be the newest."""
        if not verdict.is_better:
            return False, verdict.sentence
        newest = self._champion_date()
        if newest is not None and newest > model.as_of.isoformat():
            return False, f"The champion was trained on {newest}, after {model.as_of}."
        return True, verdict.sentence

    def _champion_version(self) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_model_version_by_alias(self.name, CHAMPION).version)
        except MlflowException:
            return None

    def _champion_date(self) -> str | None:
        version = self._champion_version()
        return None if version is None else self._client.get_model_version(self.name, version).tags.get(_DATE_TAG)


def feature_importance(model: DemandModel) -> pd.DataFrame:
    """Return `feature`, `family`, `gain` (share of the total gain) and `splits`, largest gain first."""
    booster = loaded(model.booster)
    gain = booster.feature_importance("gain")
    frame = pd.DataFrame(
        {
            "feature": model.facts["features"],
            "family": model.facts["families"],
            "gain": gain / max(gain.sum(), np.finfo(float).tiny),
            "splits": booster.feature_importance("split"),
        }
    )
    return frame.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _params(model: DemandModel) -> list[tuple[str, Any]]:
    """Return the parameters of a training, sections flattened with dots."""
    said = model.facts["training"]
    inner = said.get("settings", {})
    outer = {name: value for name, value in said.items() if name != "settings"}
    given_up = {"given_up": "; ".join(model.facts["given_up"]) or "nothing"}
    flat = {**outer, **given_up, "features": len(model.facts["features"])}
    return [*flat.items(), *((f"forecast.{name}", value) for name, value in inner.items())]


def _note(model: DemandModel, origin: Origin, verdict: Verdict) -> str:
    lines = (
        f"**{verdict.sentence}**",
        f"Model `{model.version}`, trained on what was known on the morning of {model.as_of}.",
        f"Inputs `{origin.inputs_fingerprint}`. `{_FACTS_FILE}` holds the calibration that turns the booster's mean "
        "into quantiles and all figures; `importance.json` what the model learned from.",
        *(f"Given up: {sentence}." for sentence in model.facts["given_up"]),
    )
    return "\n\n".join(lines)


def _save(model: DemandModel, folder: str, run_id: str, model_id: str) -> None:
    """Write the booster in MLflow's lightgbm flavour: LightGBM's text, a signature, pinned requirements; no pickle."""
    import mlflow.lightgbm
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = Schema([ColSpec(DataType.float, name) for name in model.facts["features"]])
    mlflow.lightgbm.save_model(
        loaded(model.booster),
        folder,
        mlflow_model=Model(artifact_path="model", run_id=run_id, model_id=model_id),
        signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec(DataType.double)])),
        pip_requirements=[f"{name}=={installed(name)}" for name in ("lightgbm", "mlflow", "numpy", "pandas")],
    )
    for name, content in model.to_files().items():
        files.write_bytes(files.joined(folder, name), content)


def _importance_figure(importance: pd.DataFrame) -> Figure:
    """Return bars of the 25 features that gain most, largest on top."""
    from matplotlib.figure import Figure

    top = importance.head(25).iloc[::-1]
    figure = Figure(figsize=(8, 0.8 + 0.25 * len(top)), layout="constrained")
    axes = figure.subplots()
    axes.barh(top["feature"].astype(str), top["gain"])
    axes.set_xlabel("share of gain")
    axes.set_title("What the forecast learned from")
    return figure


@contextmanager
def _reported(uri: str) -> Iterator[None]:
    """Turn whatever MLflow, its database or its network raise into one ``StageError``."""
    try:
        yield
    except StageError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StageError("registry", f"MLflow at {uri}: {reason[:300]}") from error
