"""The life of a proposal after the plan: proposed → approved or rejected → released → executed or superseded.

Here: what may be decided and by which rule, the state the ledger says a proposal is in, what a later
night must know of it, documents for other systems and the outbox that delivers them. Not here: the
plan itself or how released units count in it (``positioning``), the ledger's disk (``foundation.store``),
the clock: the moment of a decision is handed in.
"""

from __future__ import annotations
