"""The forecast matrix of a panel with a model's means; on a cluster, workers compute both for some series at a time.

The features of a part and the means on them never leave the worker that computed them; only the means do. Parts are the blocks of
series in which one process computes features too, so the rows are the same. Not here: features (``features``), models (``models``),
and connecting to a cluster (``foundation.cluster``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from features import matrix as feature_matrix
from features.matrix import forecast_matrix
from features.panel import Panel, SeriesRows, rows_of, with_rows, without_rows
from foundation.cluster import Cluster, LostClusterError, connected, disconnect
from foundation.errors import StageError
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.demand_model import DemandModel
from models.predict import predicted


@dataclass(frozen=True)
class _State:
    """What a worker needs besides the rows of a part."""

    panel: Panel
    model: DemandModel
    settings: Settings


def predicted_matrix(panel: Panel, model: DemandModel, settings: Settings) -> FeatureMatrix:
    """Return every series × period of the horizon; on a cluster, without values and with the means of the models.

    Raises
    ------
    StageError
        If a worker or the scheduler is lost.

    """
    starts = range(0, panel.n_series, feature_matrix.VIEW_SERIES)
    if not settings.cluster.is_used or len(starts) < 2 or not _is_divisible(model, settings):
        return forecast_matrix(panel, settings)
    try:
        means = _on_cluster(connected(settings.cluster), panel, model, settings)
    except LostClusterError as error:
        disconnect(settings.cluster)
        raise StageError("forecast", f"{error}; run again to continue") from error
    return replace(forecast_matrix(panel, settings, has_values=False), predicted=means)


def _is_divisible(model: DemandModel, settings: Settings) -> bool:
    return feature_matrix.is_by_series(settings) and all(
        getattr(one, "is_by_series", False) for one in model.forecasters
    )


def _on_cluster(cluster: Cluster, panel: Panel, model: DemandModel, settings: Settings) -> tuple[np.ndarray, ...]:
    """Return the means of each model, float32 (n_rows), put together in the order of the parts."""
    starts = range(0, panel.n_series, feature_matrix.VIEW_SERIES)
    n_workers = min(len(cluster), len(starts))
    states = cluster.states(_build_state, [(without_rows(panel), model.to_files(), settings)] * n_workers)
    try:
        calls = [
            (index % n_workers, _predicted_part, partial(_rows, panel, first)) for index, first in enumerate(starts)
        ]
        parts = states.run(calls, per_message=1)
    finally:
        states.close()
    return tuple(np.concatenate(of_model) for of_model in zip(*parts, strict=True))


def _rows(panel: Panel, first: int) -> tuple[SeriesRows]:
    return (rows_of(panel, first, first + feature_matrix.VIEW_SERIES),)


def _build_state(panel: Panel, files: Mapping[str, bytes], settings: Settings) -> _State:
    one_thread = settings.model_copy(update={"forecast": settings.forecast.model_copy(update={"threads": 1})})
    return _State(panel, DemandModel.from_files(files), one_thread)


def _predicted_part(state: _State, rows: SeriesRows) -> tuple[np.ndarray, ...]:
    panel = with_rows(state.panel, rows)
    matrix = replace(feature_matrix.part_matrix(panel, state.settings), past=panel.demand[:, : panel.n_history])
    return predicted(state.model, matrix)
