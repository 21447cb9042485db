"""The model kind ``theta``: the Theta method, times the season. It needs no training."""

from __future__ import annotations

from models.smoothing import kind_of

THETA = kind_of("theta")
