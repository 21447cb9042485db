"""Review: the pages and summaries that planners and analysts read.

Here: the page of a plan (``plan_page``) and its summary (``plan_summary``, ``top_proposals``); subpackages hold the pages
of backtests, replays, what-ifs and compared runs, and the attribution of outcomes to causes. Every figure comes from the output
tables; this package only adds sums, shares and words. Not here: decisions, reading or writing tables (``pipeline``), acting on
proposals (``dispatch``).
"""

from __future__ import annotations

from review.plan.page import plan_page
from review.plan.summary import plan_summary, top_proposals

__all__ = ["plan_page", "plan_summary", "top_proposals"]
