"""The model kind ``damped_trend``: exponential smoothing with a damped trend, times the season. It needs no training."""

from __future__ import annotations

from models.smoothing import kind_of

DAMPED_TREND = kind_of("damped_trend")
