"""Input snapshots: what a night may know, checked once, kept under the hash of its content.

``accept`` takes the configured tables through the door and keeps them; every later stage reads the
snapshot, so a night sees one state of the world. Not here: the checks (``foundation.validation``),
files and locks (``shelf``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from foundation.assumptions import Assumption
from foundation.errors import InputError
from foundation.faults import Fault, structural
from foundation.fingerprint import content_hash
from foundation.periods import FIRST_YEAR, LAST_YEAR
from foundation.settings import Settings
from foundation.store import files, shelf
from foundation.store.sources import FolderSource, open_source
from foundation.validation.door import Examined, Needs, examine
from foundation.validation.reader import UnreadableError

__all__ = [
    "Accepted",
    "accept",
    "accept_for_run",
    "content_hash",
    "examine_inputs",
    "is_kept",
    "read",
    "release",
    "source_mark",
]


@dataclass(frozen=True)
class Accepted:
    """A snapshot of what is known at ``as_of``.

    ``reference`` is its folder and is all a later stage needs; ``fingerprint`` hashes the content;
    ``n_rows`` counts rows by table; ``quarantined`` are the rows set aside, ``faults`` say why.
    ``first_sale`` is the first date with a row of sales. ``derived`` is what the caller's function made of the tables.
    """

    as_of: date
    reference: str
    fingerprint: str
    n_rows: dict[str, int]
    quarantined: pd.DataFrame
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    first_sale: date
    derived: Any = None


Derive = Callable[[Mapping[str, pd.DataFrame], date], Any]


def accept(
    settings: Settings, as_of: date | None, needs: Needs, write: bool = True, derive: Derive | None = None
) -> Accepted:
    """Check the configured inputs and keep what is known at ``as_of`` as a snapshot.

    ``as_of`` None means the period after the last sales row. ``needs`` says whether the tables of
    rebalancing are required too. With ``write`` false nothing is kept. The snapshot is held until
    ``release`` or the end of the process; others beyond ``inputs.keep_snapshots`` are removed.
    ``derive`` gets the tables and the date, so that what is computed from all rows needs no second read.
    Raises ``InputError`` with one line per fault, before anything is written; its cause is a ``ConnectionError`` where
    the source did not answer, so that trying again may help.
    """
    return _kept(settings, _passed(settings, as_of, needs), write, derive)


def accept_for_run(settings: Settings, as_of: date | None, needs: Needs, derive: Derive | None = None) -> Accepted:
    """Accept the inputs of a run that is about to plan: ``accept``, strict about missing, cut or old data.

    Raises ``InputError`` for them too where ``inputs.on_warning`` is ``stop``, before anything is written. What looks back at
    history calls ``accept``.
    """
    examined = _passed(settings, as_of, needs)
    if settings.inputs.on_warning == "stop" and examined.incomplete:
        raise InputError(*(str(fault) for fault in examined.incomplete))
    return _kept(settings, examined, True, derive)


def _passed(settings: Settings, as_of: date | None, needs: Needs) -> Examined:
    examined = examine_inputs(settings, as_of, needs)
    if examined.stops or examined.as_of is None:
        cause = ConnectionError("the source of the inputs did not answer") if examined.may_pass else None
        raise InputError(*(str(fault) for fault in examined.faults)) from cause
    return examined


def _kept(settings: Settings, examined: Examined, write: bool, derive: Derive | None) -> Accepted:
    assert examined.as_of is not None  # noqa: S101 - what has passed has a date
    fingerprint = content_hash(examined.tables)
    reference = shelf.place(settings.warehouse, fingerprint)
    if write:
        shelf.keep(reference, examined.tables)
        shelf.prune(settings.warehouse, settings.inputs.keep_snapshots)
    n_rows = {name: len(frame) for name, frame in examined.tables.items()}
    return Accepted(
        as_of=examined.as_of,
        reference=reference,
        fingerprint=fingerprint,
        n_rows=n_rows,
        quarantined=examined.quarantined,
        faults=examined.faults,
        warnings=examined.warnings,
        assumptions=examined.assumptions,
        first_sale=examined.tables["sales"]["date"].min().date(),
        derived=derive(examined.tables, examined.as_of) if derive else None,
    )


def examine_inputs(settings: Settings, as_of: date | None, needs: Needs) -> Examined:
    """Return everything the door finds about the configured inputs; writes nothing, raises for no fault."""
    if as_of is not None and not FIRST_YEAR <= as_of.year <= LAST_YEAR:
        what = f"{as_of} is outside the years {FIRST_YEAR} to {LAST_YEAR}"
        return Examined(as_of, (structural("as_of", "", what, "correct the year"),), stops=True)
    try:
        source = open_source(settings.inputs)
    except UnreadableError as error:
        place = files.without_password(settings.inputs.path)
        fault = structural("inputs.path", "", f"{place} {error.what}", error.remedy)
        return Examined(as_of, (fault,), stops=True, may_pass=error.may_pass)
    return examine(source, settings, as_of, needs)


def source_mark(settings: Settings) -> str | None:
    """Return a hash that changes when a file of the source or a setting of the inputs does, without reading a table.

    None where that cannot be told without reading: a database, an object store, a source that is not there.
    """
    try:
        source = open_source(settings.inputs)
    except UnreadableError:
        return None
    marks = source.marks() if isinstance(source, FolderSource) else None
    if marks is None:
        return None
    said = [marks, settings.inputs.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def read(snapshot: Accepted | str, only: Collection[str] | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables of a snapshot, sorted by grain, keys of long tables as categoricals.

    ``only`` names the tables that are wanted; None means all. Raises ``StageError`` where the snapshot is not (or no longer) there.
    """
    return shelf.load(snapshot if isinstance(snapshot, str) else snapshot.reference, only)


def is_kept(reference: str) -> bool:
    """Say whether the snapshot of that folder is there and whole, so that ``read`` gives its tables."""
    return shelf.is_whole(reference)


def release(snapshot: Accepted | str) -> None:
    """Say that a snapshot ``accept`` gave is no longer needed, so that it may be removed when newer ones come."""
    shelf.release(snapshot if isinstance(snapshot, str) else snapshot.reference)
