"""Models that forecast from the past demand of each series alone: no training, no features.

Here: what such model kinds share. Not here: the kinds (``models.kinds``) and their methods (``models.smoothing``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from foundation.matrix import FeatureMatrix
from models.forecaster import FitData, Forecaster, ModelKind
from models.smoothing import methods, seasonal_forecast

_FILE = "method.json"


@dataclass(frozen=True)
class FromPast(Forecaster):
    """A method of ``models.smoothing``.

    Attributes
    ----------
    method : its name.
    days : length of a period in days, 1 or 7.

    """

    method: str
    days: int

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Self:
        """Return the model of ``files``."""
        return cls(**json.loads(files[_FILE]))

    def files(self) -> dict[str, bytes]:
        """Return name and length of a period as JSON."""
        return {_FILE: json.dumps({"method": self.method, "days": self.days}).encode()}

    def predict(self, matrix: FeatureMatrix, threads: int) -> np.ndarray:
        """Return the means float32 (n_rows); 0 for a series without a known period."""
        if matrix.past is None:
            return np.zeros(matrix.n_rows, np.float32)
        level = dict(methods(self.days))[self.method]
        return seasonal_forecast(level, matrix.past, matrix.origin[0], int(matrix.step.max()), self.days).reshape(-1)


def kind_of(method: str) -> ModelKind:
    """Return the model kind of a method of ``models.smoothing``."""

    def fit(data: FitData, before: np.datetime64 | None) -> FromPast:
        return FromPast(method, data.settings.grid.days)

    return ModelKind(method, fit, FromPast.load)
