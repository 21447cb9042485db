"""Attribution of stockouts, late parcels and returns to causes, with shares that add up to one.

Frames in, frames out; ``docs/why.md`` describes the method. Not here: explanations of forecasts (models), decisions
(positioning).
"""

from __future__ import annotations

from review.attribution.parcels import late_parcels, return_findings
from review.attribution.stockouts import Hindsight, stockouts

__all__ = ["Hindsight", "late_parcels", "return_findings", "stockouts"]
