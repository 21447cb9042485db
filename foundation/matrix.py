"""The feature matrix, which ``features`` computes and ``models`` reads.

Not here: the computation of features and their use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

# The groups of features that explanations add contributions to, in the order they are shown.
DRIVERS = ("level", "season", "price", "promotion", "event", "region", "weather")


@dataclass(frozen=True)
class FeatureMatrix:
    """Rows are (origin, series, period ahead); columns are features.

    Rows of one origin lie together, ordered by series and then by step. A matrix for forecasting or
    calibration holds every series × step of its origins; one for fitting holds a sample.

    Attributes
    ----------
    values : float32 array (n_rows, n_features)
        C order; NaN where a feature is unknown.
    names
        Feature names, stable between training and forecast.
    families
        The feature family of each name.
    drivers
        The group of ``DRIVERS`` of each name, for explanations.
    categories
        For each categorical name the texts its codes stand for (code = position).
    series
        Frame (n_series) with `region`, `sku` and the hierarchy columns, in code order.
    series_code : int32 array (n_rows)
        The position in `series`.
    origin : datetime64[us] array (n_rows)
        The day everything before was known.
    date : datetime64[us] array (n_rows)
        First day of the forecast period.
    step : int16 array (n_rows)
        Periods ahead, 1 for the period that starts at the origin.
    is_sold : bool array (n_rows)
        False in closed periods and from the delisting on: demand is 0.
    history : int32 array (n_rows)
        Known periods with demand data before the origin, at most a year's.
    target : float32 array (n_rows)
        Units demanded, NaN where unknown; empty when forecasting.
    weight : float32 array (n_rows)
        Weight in training; empty when forecasting.
    totals
        Matrix of the totals at the same origin and steps, where there are totals.
    past : float32 array (n_series, n_past)
        Demand before the one origin of the rows, NaN where unknown; None where the rows have several origins.
    external
        The external forecast known on the one origin of the rows, where the settings read one.
    predicted : tuple of float32 arrays (n_rows)
        Means of each model in use, in units, where they were computed together with the features; None otherwise.

    """

    values: np.ndarray
    names: tuple[str, ...]
    families: tuple[str, ...]
    drivers: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    series: pd.DataFrame
    series_code: np.ndarray
    origin: np.ndarray
    date: np.ndarray
    step: np.ndarray
    is_sold: np.ndarray
    history: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    totals: TotalMatrix | None = None
    past: np.ndarray | None = None
    external: ExternalMatrix | None = None
    predicted: tuple[np.ndarray, ...] | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.step)

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names whose values are category codes (whole numbers, NaN for unknown)."""
        return tuple(name for name in self.names if name in self.categories)

    def without_values(self) -> FeatureMatrix:
        """Return the same rows without their values, by far the biggest part."""
        return replace(self, values=np.empty((0, len(self.names)), np.float32))


@dataclass(frozen=True)
class ExternalMatrix:
    """A forecast made elsewhere, as known on one origin.

    Attributes
    ----------
    mean : float64 array (n_series, n_steps)
        Expected units, NaN where it has no row.
    quantiles : float64 array (n_series, n_steps, n_levels)
        NaN where it has none; n_levels is 0 without quantiles.
    windows
        Its sums over the first days, with the columns of `external_forecast_window`; None where not provided.
    dependence
        Its correlation of errors by `sku`; None where not provided.

    """

    mean: np.ndarray
    quantiles: np.ndarray
    windows: pd.DataFrame | None
    dependence: pd.DataFrame | None


@dataclass(frozen=True)
class TotalMatrix:
    """Rows of region × kind totals next to the rows of single series.

    Attributes
    ----------
    matrix
        Their feature matrix; targets are units ÷ ``scale``.
    scale : float64 array (n_totals)
        Mean units per period.
    code : int32 array (n_series)
        The total a series is reconciled to, −1 for none.
    history : TotalHistory or None
        What is known of the totals at the one origin of the rows; None where the rows have several origins.

    """

    matrix: FeatureMatrix
    scale: np.ndarray
    code: np.ndarray
    history: TotalHistory | None = None


@dataclass(frozen=True)
class TotalHistory:
    """What is known of the totals at one forecast origin: their past, and what is known in advance of every period.

    Attributes
    ----------
    demand : float32 array (n_totals, n_past)
        Units ÷ scale in the periods before the origin, NaN where unknown.
    periods : datetime64[us] array (n_past + n_steps)
        First days of the periods before the origin and of those to forecast.
    event : int32 array (n_regions, n_past + n_steps)
        Code of the calendar event, −1 for none.
    flags : float32 array (n_flags, n_regions, n_past + n_steps)
        Regional numbers that are known in advance, NaN where unknown.
    region : int32 array (n_totals)
        Position of the total's region.
    kind : int32 array (n_totals)
        Position of the total's hierarchy value.

    """

    demand: np.ndarray
    periods: np.ndarray
    event: np.ndarray
    flags: np.ndarray
    region: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True)
class TrainingSet:
    """What one training needs.

    Attributes
    ----------
    fit
        Makes a sample of rows of many origins, every target before ``as_of``. Big: bin it and let its values go.
    calibration
        Per out-of-sample origin the matrix of every series × step whose period lies before ``as_of``; computed one
        at a time while iterating, because together they are big. A model that predicts them may only have seen rows of ``fit`` dated
        before ``calibration_start``.
    calibration_start
        The earliest origin of ``calibration``.
    demand : float32 array (n_series, n_history)
        Demand per period before ``as_of``, NaN where unknown; for baselines.
    periods : datetime64[us] array (n_history)
        Their first days.
    given_up
        Sentences on what the CPU budget did not allow; empty when nothing was given up.
    unknown_features
        Sentences on features that were to be ignored and are not there.

    """

    fit: Callable[[], FeatureMatrix]
    calibration: Iterable[FeatureMatrix]
    calibration_start: np.datetime64
    demand: np.ndarray
    periods: np.ndarray
    given_up: tuple[str, ...]
    unknown_features: tuple[str, ...] = ()
