"""The forecast by parts of a panel: the rows of one process, on workers and without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import features.matrix
from features import build_panel, forecast_matrix, training_set
from features.panel import Panel, rows_of, with_rows, without_rows
from foundation.cluster import disconnect
from foundation.cluster_section import ClusterSection
from foundation.settings import Settings
from models import DemandModel, forecast, train
from models.predict import origin_means, predicted
from pipeline.predicted_matrix import predicted_matrix
from tests.worlds.small_world import AS_OF, settings, tables

_SMALL = settings()
_PART = 3  # series


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_panel(tables(), _SMALL, AS_OF)


@pytest.fixture(scope="module")
def model(panel: Panel) -> DemandModel:
    return train(training_set(panel, _SMALL), _SMALL, AS_OF)


def test_the_means_of_parts_are_those_of_the_whole(panel: Panel, model: DemandModel) -> None:
    shared, parts = without_rows(panel), []
    for first in range(0, panel.n_series, _PART):
        part = with_rows(shared, rows_of(panel, first, first + _PART))
        parts.append(predicted(model, features.matrix.part_matrix(part, _SMALL))[0])
    assert len(parts) > 1
    whole = origin_means(model, forecast_matrix(panel, _SMALL), 1)
    means = np.where(whole.is_sold, np.concatenate(parts).reshape(whole.is_sold.shape), np.float32(0))
    np.testing.assert_allclose(means, whole.models[0], rtol=1e-5)


def test_a_matrix_with_means_gives_the_same_forecast(panel: Panel, model: DemandModel) -> None:
    matrix = forecast_matrix(panel, _SMALL)
    means = predicted(model, matrix)
    lean = replace(forecast_matrix(panel, _SMALL, has_values=False), predicted=means)
    assert lean.values.size == 0
    _assert_same(forecast(model, lean, _SMALL, AS_OF), forecast(model, matrix, _SMALL, AS_OF))


@pytest.mark.slow
def test_workers_forecast_the_same_rows(panel: Panel, model: DemandModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.matrix.VIEW_SERIES", _PART)
    used = _on(ClusterSection(workers=2))
    matrix = predicted_matrix(panel, model, used)
    disconnect(used.cluster)
    assert matrix.predicted is not None
    here = predicted_matrix(panel, model, _SMALL)
    _assert_same(forecast(model, matrix, used, AS_OF), forecast(model, here, _SMALL, AS_OF))


def test_models_that_pool_series_stay_in_this_process(
    panel: Panel, model: DemandModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.matrix.VIEW_SERIES", _PART)
    monkeypatch.setattr("models.kinds.lightgbm_tweedie.LightGBMTweedie.is_by_series", False)
    assert predicted_matrix(panel, model, _on(ClusterSection(workers=2))).predicted is None


def _on(section: ClusterSection) -> Settings:
    return _SMALL.model_copy(update={"cluster": section})


def _assert_same(frames: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(frames[name], frame, check_exact=True)
