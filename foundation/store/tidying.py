"""Tidying of a warehouse: removal of data that no run needs. It is safe during runs.

It removes replaced table files beyond the retention, unused input snapshots, old tracebacks, and checkpoints that were not resumed.
It never removes append-only tables (``decision``, ``handover``, …), current rows, and models. Not here: the retention
(``foundation.sections``).
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from foundation.errors import StageError
from foundation.settings import Settings
from foundation.store import files, snapshot_folder
from foundation.store.warehouse import Warehouse
from foundation.tables import OUTPUTS

log = logging.getLogger(__name__)

_CHECKPOINTS_DAYS = 30
_HOURS = 24


@dataclass(frozen=True)
class Freed:
    """What was removed: replaced table files, input snapshots, and bytes in all (0 for a remote warehouse)."""

    n_table_files: int
    n_snapshots: int
    n_bytes: int
    busy_tables: tuple[str, ...] = ()


def tidy(settings: Settings) -> Freed:
    """Remove what ``settings.retention`` no longer keeps and return what was freed.

    Safe next to an active run: snapshots in use stay, and a table another process writes is left for the next time.
    Raises ``StageError`` if the warehouse does not exist or refuses.
    """
    place = Warehouse(settings).path
    if not files.exists(place):
        raise StageError("tidy", f"there is no warehouse {place}")
    before = _bytes(place)
    n_files, busy = 0, []
    for name, table in sorted(OUTPUTS.items()):
        if "as_of" in table.grain:
            removed = tidy_table(files.joined(place, name), settings.retention.history_days * _HOURS)
            n_files += removed or 0
            busy += [name] if removed is None else []
    snapshots = snapshot_folder.prune(place, settings.inputs.keep_snapshots)
    files.remove_older(files.joined(place, "_logs"), settings.retention.logs_days)
    files.remove_older(files.joined(place, "_checkpoints"), _CHECKPOINTS_DAYS)
    return Freed(n_files, len(snapshots), max(before - _bytes(place), 0), tuple(busy))


def tidy_table(place: str, keep_hours: int) -> int | None:
    """Join the small files of a table, remove those replaced more than ``keep_hours`` ago and return how many.

    None where another process was writing it. A table that does not exist has nothing to remove.
    """
    try:
        table = DeltaTable(place)
        table.optimize.compact()
        removed = table.vacuum(keep_hours, dry_run=False, enforce_retention_duration=False)
        table.create_checkpoint()
    except TableNotFoundError:
        return 0
    except CommitFailedError:
        log.info("%s is being written; it is tidied next time", place)
        return None
    except (DeltaError, OSError) as error:
        raise StageError("tidy", f"{place}: {str(error).splitlines()[0]}") from error
    return len(removed)


def _bytes(place: str) -> int:
    """Return the size of a local folder; 0 for a URL."""
    if files.is_url(place):
        return 0
    result = 0
    for folder, _, names in os.walk(place):
        for name in names:
            try:
                result += (Path(folder) / name).stat().st_size
            except FileNotFoundError:  # a run next to us has removed it
                continue
    return result


def sentence(n_table_files: int, n_snapshots: int, n_bytes: int) -> str:
    """Return what was freed as a sentence."""
    return f"Freed {n_bytes / 1e6:,.1f} MB: {n_table_files:,} replaced table files and {n_snapshots:,} input snapshots."
