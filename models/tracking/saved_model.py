"""Writing a demand model in MLflow's format: its files, signature, input example, and requirements.

Not here: what the loaded model does (``forecast_model``), recording it (``registry``).
"""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import TYPE_CHECKING

import pandas as pd

from foundation.settings import Settings, quantile_columns
from foundation.store import files
from models.demand_model import DemandModel
from models.tracking.forecast_model import SETTINGS_FILE, example_frame, settings_text

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


def save(model: DemandModel, settings: Settings, folder: str, ids: tuple[str, str]) -> None:
    """Write the model as an MLflow model with the product's forecast as its prediction (``models.tracking.forecast_model``).

    ``ids`` are those of the run and of the logged model. The files of the fitted models are stored once, and nothing is
    pickled: MLflow loads the model by the name of a module.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    content = files.joined(folder, "content")
    for name, data in model.to_files().items():
        files.write_bytes(files.joined(content, name), data)
    files.write_text(files.joined(content, SETTINGS_FILE), settings_text(settings))
    example = example_frame(model, settings.horizon)
    run_id, model_id = ids
    mlflow.pyfunc.save_model(
        files.joined(folder, "model"),
        loader_module="models.tracking.forecast_model",
        data_path=content,
        mlflow_model=Model(artifact_path="model", run_id=run_id, model_id=model_id),
        signature=signature(example, settings),
        input_example=example,
        pip_requirements=[
            f"{name}=={installed(name)}" for name in ("forestock", "lightgbm", "mlflow", "numpy", "pandas")
        ],
    )


def signature(example: pd.DataFrame, settings: Settings) -> ModelSignature:
    """Return the signature of the model: features as double, which takes float32 and float64, and the forecast's columns."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    kinds = {"f": DataType.double, "i": DataType.long, "b": DataType.boolean, "M": DataType.datetime}
    inputs = [ColSpec(kinds.get(dtype.kind, DataType.string), str(name)) for name, dtype in example.dtypes.items()]
    units = ("mean_units", *quantile_columns(settings.forecast.quantiles))
    texts = [ColSpec(DataType.string, name) for name in ("region", "sku", "model_version", "tier")]
    outputs = [
        ColSpec(DataType.datetime, "as_of"),
        ColSpec(DataType.datetime, "date"),
        *texts[:2],
        *(ColSpec(DataType.double, name) for name in units),
        *texts[2:],
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
