"""What stands behind the scores of a backtest's last origin: what the model looked at, and single series.

Not here: scores (``models.backtest``), pictures (``review.backtest``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features import Panel
from flows.night import Night
from flows.origins import Truth, outcome_of, seen, trained_model
from foundation.matrix import FeatureMatrix
from models import DemandModel
from models.backtest import Outcome
from models.explain import driver_of, explain_features

SHOWN_SERIES = 4
_EXPLAINED_ROWS = 2_000
_SHOWN_HISTORY_DAYS = 84
_BANDS = {"low": 0.025, "lower": 0.25, "upper": 0.75, "high": 0.975}


@dataclass(frozen=True)
class Evidence:
    """Of the last origin.

    ``contributions`` and ``values`` (n_rows, n_features) are TreeSHAP and the features of a sample of rows;
    ``importance`` has `feature`, `driver`, `effect` (mean absolute contribution); ``worst`` and ``best`` are
    fans (see ``review.backtest.fan_picture``) of the series that lose and gain most beside the best baseline.
    """

    contributions: pd.DataFrame
    values: pd.DataFrame
    importance: pd.DataFrame
    worst: pd.DataFrame
    best: pd.DataFrame


def gather(night: Night, truth: Truth, series: pd.DataFrame) -> Evidence:
    """Return the evidence of the night; ``series`` is a summary's, those that lost most to the baseline first."""
    model = trained_model(night)
    panel, matrix = seen(night)
    outcome = outcome_of(night, truth, model, (panel, matrix))
    contributions, values = _explained(model, matrix)
    drivers = [driver_of(*pair) for pair in zip(model.facts["features"], model.facts["families"], strict=True)]
    effect = contributions.abs().mean()
    importance = pd.DataFrame({"feature": effect.index, "driver": drivers, "effect": effect.to_numpy()})
    return Evidence(
        contributions,
        values,
        importance.sort_values("effect", ascending=False, ignore_index=True),
        _fans(panel, outcome, series.head(SHOWN_SERIES)),
        _fans(panel, outcome, series.tail(SHOWN_SERIES).iloc[::-1]),
    )


def _explained(model: DemandModel, matrix: FeatureMatrix) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return contributions and values of up to 2,000 rows drawn without repetition, the same ones every time."""
    count = min(_EXPLAINED_ROWS, matrix.n_rows)
    rows = np.sort(np.random.default_rng(matrix.n_rows).choice(matrix.n_rows, count, replace=False))
    names = model.facts["features"]
    contributions = pd.DataFrame(explain_features(model, matrix, rows), columns=names)
    values = pd.DataFrame(matrix.values[rows], columns=list(matrix.names)).reindex(columns=names)
    return contributions, values


def _fans(panel: Panel, outcome: Outcome, chosen: pd.DataFrame) -> pd.DataFrame:
    index = pd.MultiIndex.from_frame(outcome.series[["region", "sku"]].astype("str"))
    codes = index.get_indexer(pd.MultiIndex.from_frame(chosen[["region", "sku"]].astype("str")))
    fans = [
        _fan(panel, outcome, int(code), row)
        for code, (_, row) in zip(codes, chosen.iterrows(), strict=True)
        if code >= 0
    ]
    return pd.concat(fans, ignore_index=True)


def _fan(panel: Panel, outcome: Outcome, code: int, row: pd.Series) -> pd.DataFrame:
    shown = min(panel.days(_SHOWN_HISTORY_DAYS), panel.n_history)
    method = next(iter(outcome.methods.values()))
    start = panel.n_history - shown
    frame = pd.DataFrame({"date": panel.periods[start : panel.n_history + panel.horizon]})
    frame["actual"] = np.concatenate([panel.demand[code, start : panel.n_history], outcome.actual[code]])
    unknown = np.full(shown, np.nan)
    frame["mean"] = np.concatenate([unknown, method.mean[code]])
    for name, level in _BANDS.items():
        frame[name] = np.concatenate([unknown, method.quantiles[code, :, outcome.level_at(level)]])
    said = f"{row['region']} · {row['sku']}: RMSSE {row['rmsse']:.2f}, baseline {row['baseline_rmsse']:.2f}"
    return frame.assign(label=said)
