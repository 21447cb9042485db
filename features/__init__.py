"""Features: the tables known at a planning date become a dense panel, and the panel becomes feature matrices.

Here: what is known at a forecast origin, as numbers. Not here: models, files, clocks. The public functions are ``build_panel``, ``training_set``, ``forecast_matrix`` and ``read_hashes``.
"""

from __future__ import annotations

from features.matrix import forecast_matrix, training_set
from features.panel import Panel
from features.panel_builder import build_panel
from features.reads import ReadHashes, read_hashes

__all__ = ["Panel", "ReadHashes", "build_panel", "forecast_matrix", "read_hashes", "training_set"]
