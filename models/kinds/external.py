"""The model kind ``external``: a forecast made elsewhere, which the input table `external_forecast` brings.

Where it has no row there is no forecast, and a simple method takes its place. Not here: its quantiles and window sums
(``models.external``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from foundation.matrix import FeatureMatrix
from foundation.settings import EXTERNAL
from models.forecaster import FitData, Forecaster, ModelKind

_FILE = "external.json"


@dataclass(frozen=True)
class ExternalMeans(Forecaster):
    """The means of the external forecast; nothing is learned."""

    @classmethod
    def fit(cls, data: FitData, before: np.datetime64 | None) -> ExternalMeans:
        """Return the model; it reads the forecast of each origin from the matrix of that origin."""
        return cls()

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> ExternalMeans:
        """Return the model."""
        return cls()

    def files(self) -> dict[str, bytes]:
        """Return an empty JSON object: the forecast is an input of each run."""
        return {_FILE: b"{}"}

    def predict(self, matrix: FeatureMatrix, threads: int) -> np.ndarray:
        """Return the means float32 (n_rows), NaN where the external forecast has no row."""
        if matrix.external is None:
            return np.full(matrix.n_rows, np.nan, np.float32)
        return matrix.external.mean.reshape(-1).astype(np.float32)


EXTERNAL_KIND = ModelKind(EXTERNAL, ExternalMeans.fit, ExternalMeans.load, keeps_means=True)
