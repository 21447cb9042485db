"""Evaluation of forecasts on rolling forecast origins.

Here: metrics of one origin (``judge``), of all origins (``summary``), and of two configurations, as frames. Not here: making forecasts,
MLflow (``models.tracking.runs``), and charts and pages (``review``). ``docs/backtest.md`` contains the formulas and their sources.
"""

from __future__ import annotations

from models.backtest.judge import Judged, judge
from models.backtest.methods import (
    GivenScales,
    Method,
    Outcome,
    Part,
    baseline_methods,
    combined_parts,
    model_method,
)
from models.backtest.promotion import Decision, decide
from models.backtest.summary import Summary, Trace, stability, summarize

__all__ = [
    "Decision",
    "GivenScales",
    "Judged",
    "Method",
    "Outcome",
    "Part",
    "Summary",
    "Trace",
    "baseline_methods",
    "combined_parts",
    "decide",
    "judge",
    "model_method",
    "stability",
    "summarize",
]
