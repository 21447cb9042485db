"""The model kind ``recent_mean``: the mean of the last four weeks (weekly data: eight), times the season. It needs no training."""

from __future__ import annotations

from models.smoothing import kind_of

RECENT_MEAN = kind_of("recent_mean")
