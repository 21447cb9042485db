"""The page that compares backtests and replays of one pipeline.

Frames in, one HTML text out. Not here: reading runs (models), judging them (models, positioning).
"""

from __future__ import annotations

from review.experiment.page import BacktestRun, ExperimentPage, ReplayRun, experiment_page

__all__ = ["BacktestRun", "ExperimentPage", "ReplayRun", "experiment_page"]
