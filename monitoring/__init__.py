"""Monitoring: what came of earlier nights, once demand, stock and parcels are known.

Here: scoring forecasts beside baselines (``accuracy``), watching inputs (``drift``), following plans and service up
(``follow_up``), lanes' lateness (``lateness``), and what of all this needs a person (``findings``). Frames and
arrays in, frames out. Not here: making forecasts or baselines, reading or writing tables, events (flows do).
"""

from __future__ import annotations
