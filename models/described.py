"""What a training is described by in MLflow: parameters, note, importance, and the folder of its model.

Together with ``models.registry`` and ``models.tracking`` the only code that knows MLflow. Not here: runs and versions.
"""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation.store import files
from models.boosting import loaded
from models.model import DemandModel
from models.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FACTS_FILE = "facts.json"
_USE = (
    "**Intended use.** Demand per region, sku and period of the horizon, with quantiles and window sums, as input "
    "to inventory positioning. Not for single customers, and not beyond the horizon it was trained for."
)
_LIMITS = (
    "**Limits.** Demand while out of stock is unknown to it and left out. Series with fewer than 28 known periods "
    "have a tier that ends in `_new`. What happened for the first time after "
    "the data window it cannot know."
)


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


def params(model: DemandModel) -> list[tuple[str, Any]]:
    """Return the parameters of a training, sections flattened with dots."""
    said = model.facts["training"]
    inner = said.get("settings", {})
    outer = {name: value for name, value in said.items() if name != "settings"}
    given_up = {"given_up": "; ".join(model.facts["given_up"]) or "nothing"}
    flat = {**outer, **given_up, "features": len(model.facts["features"])}
    return [*flat.items(), *((f"forecast.{name}", value) for name, value in inner.items())]


def purpose(name: str) -> str:
    """Return what the registered model of the pipeline ``name`` is for, and where each version's own card is."""
    return (
        f"Demand forecast of the pipeline {name}: a version per training, `champion` the one nights may trust.\n\n{_USE}\n\n{_LIMITS}\n\n"
        "Each version's description is its model card, with its verdict beside baselines and its data window."
    )


def note(model: DemandModel, fingerprint: str, verdict: Verdict) -> str:
    """Return the model card in Markdown: the verdict, what the model is for, what it saw, what it cannot do."""
    said = model.facts["training"]
    lines = (
        f"**{verdict.sentence}**",
        f"Model `{model.version}`, trained on what was known on the morning of {model.as_of}.",
        _USE,
        f"**Data window.** {said['rows']:,} rows of {said['series']:,} series dated {said['first_date']} to "
        f"{said['last_date']}; quantiles and bias from {said['calibration_start']} on, out of sample. Inputs "
        f"`{fingerprint}`.",
        _LIMITS,
        f"`{FACTS_FILE}` holds the calibration that turns the booster's mean into quantiles and all figures; "
        "`importance.json` what the model learned from.",
        *(f"Given up: {sentence}." for sentence in model.facts["given_up"]),
    )
    return "\n\n".join(lines)


def save(model: DemandModel, folder: str, run_id: str, model_id: str) -> None:
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
