"""The report of a backtest and its charts.

Frames in, matplotlib figures and one HTML text out. Not here: the metrics (models), MLflow.
"""

from __future__ import annotations

from review.backtest.page import BacktestPage, backtest_page
from review.backtest.pictures import (
    bias_picture,
    calibration_picture,
    fan_picture,
    importance_picture,
    level_picture,
    origin_picture,
    png,
    shap_picture,
)

__all__ = [
    "BacktestPage",
    "backtest_page",
    "bias_picture",
    "calibration_picture",
    "fan_picture",
    "importance_picture",
    "level_picture",
    "origin_picture",
    "png",
    "shap_picture",
]
