"""``forestock tidy`` and its flow: remove what a warehouse no longer needs. Not here: what that is (``foundation.store.tidying``)."""

from __future__ import annotations


def sentence(n_table_files: int, n_snapshots: int, n_bytes: int) -> str:
    """Return what was freed as a sentence."""
    return f"Freed {n_bytes / 1e6:,.1f} MB: {n_table_files:,} replaced table files and {n_snapshots:,} input snapshots."
