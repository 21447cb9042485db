"""Decisions on proposals and their delivery: proposed → approved or rejected → released → executed or superseded.

Here: which decisions are allowed and by which rule, the state of each proposal in the ledger, the decisions that later runs
account for, documents for other systems, and the outbox that delivers them. Not here: the plan and how released units
count in it (``positioning``), the storage of the ledger (``foundation.store``), the clock: callers pass the time of a decision.
"""

from __future__ import annotations
