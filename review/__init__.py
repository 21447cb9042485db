"""Review: a night's tables become what a planner reads.

Here: the page of a plan (``plan_page``) and its summary (``plan_summary``, ``top_proposals``). Everything shown is in
the tables; this room adds no figure of its own beyond sums, shares and words. Not here: deciding
anything, reading or writing tables (flows do), acting on proposals (the commands do).
"""

from __future__ import annotations

from review.plan.page import plan_page
from review.plan.summary import plan_summary, top_proposals

__all__ = ["plan_page", "plan_summary", "top_proposals"]
