"""Models: a feature matrix becomes a demand model, and a model becomes forecast tables.

Here: training, calibration, forecasting, explanation, tracking and backtests. Not here: how a feature is computed, files and
clocks. Only ``models.kinds.lightgbm_tweedie`` imports LightGBM, and only ``models.tracking`` imports MLflow. The public functions
are ``train``, ``forecast``, ``explain`` and ``movement``; ``DemandModel`` is what they pass on.
"""

from __future__ import annotations

from models.demand_model import DemandModel
from models.explain import explain, movement
from models.predict import forecast
from models.training import train

__all__ = ["DemandModel", "explain", "forecast", "movement", "train"]
