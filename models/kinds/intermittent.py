"""The model kind ``intermittent``: demand probability × demand size (Teunter, Syntetos, Babai), times the season. It needs no training."""

from __future__ import annotations

from models.smoothing import kind_of

INTERMITTENT = kind_of("intermittent")
