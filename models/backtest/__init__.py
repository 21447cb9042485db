"""Judging forecasts by rolling origins: what was forecast beside what was then demanded.

What belongs here: metrics over one origin (``judge``), over all of them (``summarise``) and between two
configurations (``decide``), as frames. What does not: making forecasts, MLflow (``models.tracking.runs``),
pictures and pages (review). The formulas and their sources are in docs/backtest.md.
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
