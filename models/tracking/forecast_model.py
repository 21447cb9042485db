"""The MLflow flavor of a demand model: a run's features in, the product's forecast out; and writing a model in MLflow's format.

MLflow loads the model by this module (``_load_pyfunc``) from its own files; nothing is pickled, and the fitted models are stored
once. A frame of features has everything that ``models.predict`` reads: a row per series and period with float columns, and on
the first row the context of the run, its past demand and totals. Not here: recording (``registry``), forecasting
(``models.predict``).
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import fields, replace
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation.matrix import FeatureMatrix, TotalHistory, TotalMatrix
from foundation.settings import Settings, quantile_columns
from foundation.store import files
from models.demand_model import DemandModel
from models.predict import forecast, with_model_features

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SETTINGS_FILE = "settings.json"
_SERIES, _PERIOD, CONTEXT = "series_", "period_", "run_context"
_PERIOD_COLUMNS = ("date", "step", "is_sold", "history")
_ROWS = ("values", "series_code", "origin", "date", "step", "is_sold", "history")


def features_frame(model: DemandModel, matrix: FeatureMatrix) -> pd.DataFrame:
    """Return the features of a run as the frame that the MLflow model takes.

    Columns: the model's features as float64; `series_region`, `series_sku`, and the category; `period_date`, `period_step`,
    `period_is_sold`, `period_history`; and `run_context`, a text on the first row.

    Parameters
    ----------
    model
        The model that the frame is for; its features and category codes are written.
    matrix
        Every series × step of one forecast origin, as ``models.predict.forecast`` takes it.

    Raises
    ------
    ValueError
        If the matrix holds an external forecast, which no model computes.

    """
    if matrix.external is not None:
        raise ValueError("an external forecast is not computed by a model")
    known = with_model_features(model, matrix)
    frame = pd.DataFrame(known.values.astype(np.float64), columns=list(known.names))
    texts = {
        f"{_SERIES}{name}": matrix.series[name].to_numpy(object)[matrix.series_code] for name in series_columns(model)
    }
    period = {f"{_PERIOD}{name}": getattr(matrix, name) for name in _PERIOD_COLUMNS}
    context = np.full(matrix.n_rows, "", dtype=object)
    context[0] = _packed(matrix)
    columns = texts | period | {CONTEXT: context}
    types = dict.fromkeys((*texts, CONTEXT), "str") | {"period_step": "int64", "period_history": "int64"}
    return pd.concat([frame, pd.DataFrame(columns).astype(types)], axis=1)


def series_columns(model: DemandModel) -> list[str]:
    """Return the columns of a series that a forecast reads: region, SKU, and the category of the calibration."""
    return list(dict.fromkeys(["region", "sku", *([model.facts["category"]] if "category" in model.facts else [])]))


def example_frame(model: DemandModel, n_steps: int) -> pd.DataFrame:
    """Return a frame of one made-up series with constant past demand, to show the columns."""
    names, rows = tuple(model.facts["features"]), np.arange(n_steps)
    first = np.datetime64(model.as_of, "us")
    days = np.timedelta64(int(model.facts.get("period_days", 1)), "D")
    matrix = FeatureMatrix(
        values=np.zeros((n_steps, len(names)), np.float32), names=names, families=tuple(model.facts["families"]),
        drivers=tuple(model.facts.get("drivers", ())),
        categories={name: tuple(texts) for name, texts in model.facts["categories"].items()},
        series=pd.DataFrame([dict.fromkeys(series_columns(model), "example")]),
        series_code=np.zeros(n_steps, np.int32), origin=np.full(n_steps, first), date=first + rows * days,
        step=(rows + 1).astype(np.int16), is_sold=np.ones(n_steps, bool), history=np.full(n_steps, 28, np.int32),
        target=np.empty(0, np.float32), weight=np.empty(0, np.float32), past=np.ones((1, 56), np.float32),
    )  # fmt: skip
    return features_frame(model, matrix)


def settings_text(settings: Settings) -> str:
    """Return what a forecast reads of the settings, as JSON."""
    forecast_settings = settings.forecast.model_dump(mode="json")
    parts = {
        "name": settings.name,
        "frequency": settings.frequency,
        "horizon": settings.horizon,
        "forecast": forecast_settings,
    }
    return json.dumps(parts, sort_keys=True)


class ForecastModel:
    """The product's forecast as MLflow calls it."""

    def __init__(self, model: DemandModel, settings: Settings) -> None:
        self.model = model
        self.settings = settings

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return `as_of`, `date`, `region`, `sku`, `mean_units`, the quantiles, `model_version`, and `tier`, sorted by series and date.

        Raises ``ValueError`` if the frame has no context or lacks rows of a run.
        """
        matrix = matrix_of(self.model, frame)
        return forecast(self.model, matrix, self.settings, matrix.origin.min().astype("M8[D]").item())["forecast"]


def _load_pyfunc(path: str) -> ForecastModel:
    """Load the model from its files; MLflow calls it by name."""
    folder = Path(path)
    content = {
        place.relative_to(folder).as_posix(): files.read_bytes(str(place))
        for place in sorted(folder.rglob("*"))
        if place.is_file()
    }
    settings = Settings.model_validate(json.loads(content.pop(SETTINGS_FILE)))
    return ForecastModel(DemandModel.from_files(content), settings)


def matrix_of(model: DemandModel, frame: pd.DataFrame) -> FeatureMatrix:
    """Return the feature matrix of a frame, in any order of its rows; the reverse of ``features_frame``."""
    texts = [text for text in frame.get(CONTEXT, ()) if text] if CONTEXT in frame else []
    if len(texts) != 1:
        raise ValueError(
            f"one row must have {CONTEXT}, the past demand and totals of the run; features_frame writes it"
        )
    base = _unpacked(texts[0])
    keys = [f"{_SERIES}{name}" for name in ("region", "sku")]
    place = pd.MultiIndex.from_frame(base.series[["region", "sku"]].astype("str"))
    code = place.get_indexer(pd.MultiIndex.from_frame(frame[keys].astype("str")))
    rows = frame.assign(_code=code).sort_values(["_code", "period_step"], kind="stable")
    n_steps = int(rows["period_step"].max())
    if (rows["_code"] < 0).any() or len(rows) != len(base.series) * n_steps:
        raise ValueError(f"the frame must have {n_steps} periods of each of the {len(base.series)} series of its run")
    names = tuple(model.facts["features"])
    origin = pd.to_datetime(rows["period_date"]).min().to_datetime64().astype("M8[us]")
    return replace(
        base, values=np.ascontiguousarray(rows[list(names)].to_numpy(np.float32)), names=names,
        families=tuple(model.facts["families"]), drivers=tuple(model.facts.get("drivers", ())),
        categories={name: tuple(texts) for name, texts in model.facts["categories"].items()},
        series_code=rows["_code"].to_numpy(np.int32), origin=np.full(len(rows), origin),
        date=pd.to_datetime(rows["period_date"]).to_numpy("M8[us]"), step=rows["period_step"].to_numpy(np.int16),
        is_sold=rows["period_is_sold"].to_numpy(bool), history=rows["period_history"].to_numpy(np.int32),
    )  # fmt: skip


def _packed(matrix: FeatureMatrix) -> str:
    """Return series, past demand, and totals as text: arrays in NumPy's format, compressed, without pickled objects."""
    parts = {f"series.{name}": values.to_numpy(str) for name, values in matrix.series.items()}
    if matrix.past is not None:
        parts["past"] = matrix.past
    if matrix.totals is not None:
        parts |= _packed_totals(matrix.totals)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **parts)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _packed_totals(totals: TotalMatrix) -> dict[str, np.ndarray]:
    matrix = totals.matrix
    names = {
        "names": matrix.names,
        "families": matrix.families,
        "drivers": matrix.drivers,
        "categories": matrix.categories,
    }
    parts = {"totals.names": np.array(json.dumps(names)), "totals.scale": totals.scale, "totals.code": totals.code}
    parts |= {f"totals.row.{name}": np.asarray(getattr(matrix, name)) for name in _ROWS}
    parts |= {f"totals.series.{name}": values.to_numpy(str) for name, values in matrix.series.items()}
    if matrix.past is not None:
        parts["totals.past"] = matrix.past
    if totals.history is not None:
        parts |= {
            f"totals.history.{part.name}": np.asarray(getattr(totals.history, part.name))
            for part in fields(TotalHistory)
        }
    return parts


def _unpacked(text: str) -> FeatureMatrix:
    """Return a matrix with series, past demand, and totals, and no rows."""
    with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as parts:
        held = {name: parts[name] for name in parts.files}
    empty = np.empty(0, np.float32)
    return FeatureMatrix(
        values=empty, names=(), families=(), drivers=(), categories={}, series=_under("series.", held), series_code=empty,
        origin=empty, date=empty, step=empty, is_sold=empty, history=empty, target=empty, weight=empty,
        totals=_unpacked_totals(held) if "totals.code" in held else None, past=held.get("past"),
    )  # fmt: skip


def _unpacked_totals(held: dict[str, np.ndarray]) -> TotalMatrix:
    names, empty = json.loads(str(held["totals.names"])), np.empty(0, np.float32)
    rows: dict[str, Any] = {name: held[f"totals.row.{name}"] for name in _ROWS}
    matrix = FeatureMatrix(
        **rows, names=tuple(names["names"]), families=tuple(names["families"]),
        drivers=tuple(names["drivers"]), categories={name: tuple(texts) for name, texts in names["categories"].items()},
        series=_under("totals.series.", held), target=empty, weight=empty, past=held.get("totals.past"),
    )  # fmt: skip
    history = {
        name.removeprefix("totals.history."): values
        for name, values in held.items()
        if name.startswith("totals.history.")
    }
    return TotalMatrix(matrix, held["totals.scale"], held["totals.code"], TotalHistory(**history) if history else None)


def _under(start: str, held: dict[str, np.ndarray]) -> pd.DataFrame:
    columns = {name.removeprefix(start): values for name, values in held.items() if name.startswith(start)}
    return pd.DataFrame(columns).astype("str")


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
