"""Positioning: it turns forecast, network, and stock into the plan of a run.

What belongs here: the problem as arrays, the linear programs and the only code that knows the
solver, whole packs and loads, bounds, the explanation of each line in euro, and the replay of plans.
What does not: forecasting, disk access, Prefect, pages. The maths page is ``docs/positioning.md``.
"""

from __future__ import annotations

from positioning.optimizer.parameters import Parameters
from positioning.plan import gate, plan, plan_problem
from positioning.what_if import Inputs, changed, kept_total_eur

__all__ = ["Inputs", "Parameters", "changed", "gate", "kept_total_eur", "plan", "plan_problem"]
