"""The feature matrix: what the features room makes and the models room learns from.

Not here: how a feature is computed (features) or used (models).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class FeatureMatrix:
    """Rows are (origin, series, period ahead); columns are features.

    Attributes
    ----------
    values : float32 array (n_rows, n_features), C order; NaN where a feature is unknown.
    names : feature names, stable between training and forecast.
    families : the feature family of each name, for explanations.
    categorical : names whose values are category codes (whole numbers, NaN for unseen).
    series : frame (n_series) with `region`, `sku` and the hierarchy columns, in code order.
    series_code : int32 array (n_rows), the position in `series`.
    origin : datetime64[us] array (n_rows), the day everything before was known.
    date : datetime64[us] array (n_rows), first day of the forecast period.
    step : int16 array (n_rows), periods ahead, 1 for the period that starts at the origin.
    target : float32 array (n_rows), units demanded, NaN where unknown; empty when forecasting.
    weight : float32 array (n_rows), weight in training; empty when forecasting.

    """

    values: np.ndarray
    names: tuple[str, ...]
    families: tuple[str, ...]
    categorical: tuple[str, ...]
    series: pd.DataFrame
    series_code: np.ndarray
    origin: np.ndarray
    date: np.ndarray
    step: np.ndarray
    target: np.ndarray
    weight: np.ndarray
