"""The extension point "model kind": what a model of mean demand does, what it is fitted on, and the registry of kinds.

Kinds live in ``models/kinds``, one per file; installed packages add theirs as entry points of the group
``forestock.model_kinds``. Not here: the kinds, quantiles around the mean (``models.calibration``) and the combination with
simple methods (``models.combination``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from foundation.checkpoint import Checkpoints, recompute
from foundation.errors import ConfigurationError
from foundation.extensions import entries, installed_code, refuse_unknown
from foundation.matrix import FeatureMatrix, TotalMatrix, TrainingSet
from foundation.settings import COMBINED, Settings
from models.simple import METHODS

GROUP = "forestock.model_kinds"

Prepared = TypeVar("Prepared")


class Forecaster(Protocol):
    """A fitted model of mean demand.

    A model inherits from this class or has all of its methods; only ``predict`` and ``files`` lack a default.
    """

    def predict(self, matrix: FeatureMatrix, threads: int) -> np.ndarray:
        """Return mean units (n_rows), >= 0; NaN where the model has no forecast: a simple method takes its place.

        Parameters
        ----------
        matrix
            Every series × step of one forecast origin, ordered by series and then by step, with the features and category
            codes the model was fitted on.
        threads
            Threads that may be used; they must not change the result.

        """

    def files(self) -> dict[str, bytes]:
        """Return the model as files by name, text or numbers; nothing that executes code when it is read."""

    def contributions(self, matrix: FeatureMatrix, rows: np.ndarray) -> np.ndarray:
        """Return what each feature adds to ln(mean), float64 (n_rows, n_features + 1); the last column is the base.

        By default the base holds the whole mean, as in a model that knows no features.
        """
        mean = np.maximum(self.predict(matrix, 1)[rows].astype(np.float64), 1e-9)
        return np.column_stack([np.zeros((len(rows), len(matrix.names))), np.log(mean)])

    def predict_totals(self, totals: TotalMatrix, threads: int) -> np.ndarray | None:
        """Return mean units of the totals, float64 (n_totals, n_steps), that series are reconciled to; None without."""
        return None

    def importance(self) -> pd.DataFrame | None:
        """Return `gain` and `splits` of each feature in the order of the fit; None where the model has no such measure."""
        return None

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Return what the fit measured by its iterations: pairs of iteration and value by name; {} where it has no iterations."""
        return {}

    @property
    def is_by_series(self) -> bool:
        """Whether the means of a series depend on its rows alone, so that workers can predict some series at a time."""
        return False

    def description(self) -> dict[str, Any]:
        """Return JSON-able facts for the model card; `given_up` lists sentences on what the CPU budget did not allow."""
        return {}


class FitData:
    """What one training is fitted on, shared by the model for calibration and the one that is kept.

    Attributes
    ----------
    settings : the settings of the run.
    matrix : the training rows, without their values once ``prepared`` has been called.
    demand : float32 (n_series, n_history), units per period before the training date, NaN where unknown.
    checkpoints : keeps texts by name, so that an interrupted training resumes.

    """

    settings: Settings
    matrix: FeatureMatrix
    demand: np.ndarray
    checkpoints: Checkpoints

    def __init__(
        self,
        training: TrainingSet,
        settings: Settings,
        checkpoints: Checkpoints = recompute,
        matrix: FeatureMatrix | None = None,
    ) -> None:
        self.settings = settings
        self.matrix = training.fit() if matrix is None else matrix
        self.demand = training.demand
        self.checkpoints = checkpoints
        self._prepared: Any = None

    def prepared(self, prepare: Callable[[FeatureMatrix], Prepared]) -> Prepared:
        """Return ``prepare(matrix)``, computed once for both fits; the values of the matrix are released afterwards."""
        if self._prepared is None:
            self._prepared = prepare(self.matrix)
            self.matrix = self.matrix.without_values()
        result: Prepared = self._prepared
        return result


@dataclass(frozen=True)
class ModelKind:
    """A kind of model.

    Attributes
    ----------
    name
        Name of the kind in ``forecast.model`` and in the column `tier` of the forecast.
    fit
        Returns the model fitted on the rows of ``FitData`` dated before a date, or on all of them where the date is None.
        The same data must give the same model.
    load
        Returns the model of the files that ``Forecaster.files`` returned.
    keeps_means
        Whether the means of a model used alone stay as they are, without bias correction.

    """

    name: str
    fit: Callable[[FitData, np.datetime64 | None], Forecaster]
    load: Callable[[Mapping[str, bytes]], Forecaster]
    keeps_means: bool = False


def registered_kinds() -> dict[str, ModelKind]:
    """Return every model kind that ships with Forestock or is installed, by name."""
    return entries("models.kinds", GROUP, ModelKind)


def kinds_in_use(settings: Settings) -> tuple[ModelKind, ...]:
    """Return the kind that ``forecast.model`` names; for ``auto`` those of ``forecast.models``, which are combined.

    Raises ``ConfigurationError`` for a name that no kind has, and for one of ``forecast.models`` that is a simple method of the
    combination already.
    """
    forecast, known = settings.forecast, registered_kinds()
    if forecast.model != COMBINED:
        refuse_unknown("forecast.model", (forecast.model,), known | {COMBINED: known["lightgbm"]})
        return (known[forecast.model],)
    refuse_unknown("forecast.models", forecast.models, known)
    if twice := [name for name in forecast.models if name in METHODS]:
        raise ConfigurationError(f"forecast.models: {twice[0]} is part of every combination already; remove it")
    return tuple(known[name] for name in forecast.models)


def installed_model_code(settings: Settings) -> dict[str, str]:
    """Return the code version of each model kind in use that an installed package brings; {} without such."""
    return installed_code({kind.name: kind.fit.__module__ for kind in kinds_in_use(settings)}, "models")
