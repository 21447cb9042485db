"""The model kind ``seasonal_naive``: the last known value at the target's position in the season. It needs no training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from foundation.matrix import FeatureMatrix
from models.baselines import seasonal_naive
from models.forecaster import FitData, Forecaster, ModelKind

_FILE = "seasonal_naive.json"


@dataclass(frozen=True)
class SeasonalNaive(Forecaster):
    """The seasonal-naive forecast; ``season`` is the length of the season in periods."""

    season: int

    @classmethod
    def fit(cls, data: FitData, before: np.datetime64 | None) -> SeasonalNaive:
        """Return the model of the grid's season; nothing is learned from the rows."""
        return cls(data.settings.grid.season)

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> SeasonalNaive:
        """Return the model of ``files``."""
        return cls(json.loads(files[_FILE])["season"])

    def files(self) -> dict[str, bytes]:
        """Return the season as JSON."""
        return {_FILE: json.dumps({"season": self.season}).encode()}

    def predict(self, matrix: FeatureMatrix, threads: int) -> np.ndarray:
        """Return the means float32 (n_rows); 0 where the series has no known period at that position in the season."""
        if matrix.past is None:
            return np.zeros(matrix.n_rows, np.float32)
        return seasonal_naive(matrix.past, int(matrix.step.max()), self.season).reshape(-1).astype(np.float32)


SEASONAL_NAIVE = ModelKind("seasonal_naive", SeasonalNaive.fit, SeasonalNaive.load)
