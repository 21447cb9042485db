"""``forestock tidy`` and its flow: remove what a warehouse no longer needs. Not here: what that is (``foundation.store.tidying``)."""

from __future__ import annotations

from flows.options import Config, Overrides
from foundation.configuration import load_settings


def tidy(config: Config, overrides: Overrides = None) -> None:
    """Remove old history, snapshots and logs from the warehouse; current rows, decisions and models stay.

    Example:  forestock tidy --config demo.yaml --set retention.history_days=90
    """
    from foundation.store.tidying import tidy as tidied

    freed = tidied(load_settings(config, tuple(overrides or ())))
    print(sentence(freed.n_table_files, freed.n_snapshots, freed.n_bytes))
    if freed.busy_tables:
        print(f"Left for the next time, being written: {', '.join(freed.busy_tables)}.")


def sentence(n_table_files: int, n_snapshots: int, n_bytes: int) -> str:
    """Return what was freed as a sentence."""
    return f"Freed {n_bytes / 1e6:,.1f} MB: {n_table_files:,} replaced table files and {n_snapshots:,} input snapshots."
