"""Models: a feature matrix becomes a demand model, and a model becomes forecast tables.

What belongs here: learning, calibrating, judging. What does not: how a feature is computed, any file,
any clock. MLflow is known to ``registry`` only, LightGBM to ``boosting`` only. The doors are ``train``,
``forecast``, ``explain`` and ``DemandModel``.
"""

from __future__ import annotations

from models.demand_model import DemandModel
from models.explain import explain, movement
from models.predict import forecast
from models.training import train

__all__ = ["DemandModel", "explain", "forecast", "movement", "train"]
