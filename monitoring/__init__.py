"""Monitoring: how earlier forecasts and plans turned out, once demand, stock and parcels are known.

Here: scores of forecasts beside baselines (``accuracy``), drift of inputs (``drift``), the follow-up of plans, service and
delivery lanes (``follow_up``), and findings that need a person (``findings``). Frames and arrays in, frames out. Not here:
making forecasts or baselines, reading or writing tables, events (``flows``).
"""

from __future__ import annotations
