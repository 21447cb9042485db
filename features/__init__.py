"""Features: tables of one night become a dense panel, and the panel becomes feature matrices.

What belongs here: what is known at an origin, turned into numbers. What does not: any model, any
file, any clock. The doors are ``build_panel``, ``training_set`` and ``forecast_matrix``.
"""

from __future__ import annotations

from features.matrix import forecast_matrix, training_set
from features.panel import Panel, build_panel

__all__ = ["Panel", "build_panel", "forecast_matrix", "training_set"]
