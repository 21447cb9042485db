"""Evaluation of forecasts on rolling forecast origins.

Here: metrics of one origin (``judge``), of all origins (``summary``), and of two configurations, as frames. Not here: making forecasts,
MLflow (``models.tracking.runs``), and charts and pages (``review``). ``docs/backtest.md`` contains the formulas and their sources.
"""

from __future__ import annotations

from models.backtest.gate import Decision, decide
from models.backtest.judge import Judged, judge
from models.backtest.methods import GivenScales, Method, Outcome, modelled, rivals
from models.backtest.summary import Summary, Trace, stability, summarise

__all__ = [
    "Decision",
    "GivenScales",
    "Judged",
    "Method",
    "Outcome",
    "Summary",
    "Trace",
    "decide",
    "judge",
    "modelled",
    "rivals",
    "stability",
    "summarise",
]
