"""Decisions on proposals and their delivery: proposed → approved or rejected → released → executed or superseded.

Here: decisions and rules, the status of a proposal computed from the ledger, the decisions that a later run reads, documents for
other systems, and the outbox that delivers them. Not here: the plan and how released units count in it (``positioning``), writing
the ledger (``foundation.store``), and reading the clock; callers pass the time of a decision.
"""

from __future__ import annotations
