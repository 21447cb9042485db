"""Why something went wrong: shares of causes that add up to one, from what the tables say.

Out-of-stock hubs, late parcels, returns that stand out. Frames in, frames out; the method page is
``docs/why.md``. Not here: what a forecast is made of (models), what to do next (positioning).
"""

from __future__ import annotations

from review.attribution.parcels import late_parcels
from review.attribution.returns import return_findings
from review.attribution.stockouts import Happened, stockouts

__all__ = ["Happened", "late_parcels", "return_findings", "stockouts"]
