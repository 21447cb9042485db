"""Input snapshots: the data known to a run, validated once and stored under the hash of their content.

``accept`` validates the configured tables and stores them. All later stages read the snapshot, so a run uses consistent data. Not here:
the checks (``foundation.validation``), and folders and locks (``snapshot_folder``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from foundation.assumptions import Assumption
from foundation.errors import Fault, InputError, structural
from foundation.periods import FIRST_YEAR, LAST_YEAR
from foundation.settings import Settings
from foundation.store import files, snapshot_folder
from foundation.store.mapped import MappedSource
from foundation.store.sources import FolderSource, WithForecast, open_source
from foundation.validation.input_table import UnreadableError
from foundation.validation.validate import Needs, ValidationResult, validate


def content_hash(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return 24 hex digits that hash the tables' names, columns, kinds and values, rows in their order.

    The order of tables and columns is no content; neither is whether a text is held as a categorical.
    """
    digest = hashlib.blake2b(digest_size=12)
    for name in sorted(tables):
        frame = tables[name]
        digest.update(f"{name}|{len(frame)}".encode())
        for column in sorted(frame.columns):
            digest.update(f"|{column}|".encode())
            _add(digest, frame[column])
    return digest.hexdigest()


def _add(digest: hashlib.blake2b, values: pd.Series) -> None:
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype in ("str", "object"):
        _add_text(digest, values)
        return
    is_null = values.isna().to_numpy()
    kind, raw = _raw(values, is_null)
    digest.update(f"{kind}|{int(is_null.sum())}|".encode())
    digest.update(np.ascontiguousarray(raw).data)
    if is_null.any():
        digest.update(np.packbits(is_null).data)


def _add_text(digest: hashlib.blake2b, values: pd.Series) -> None:
    """Hash the distinct texts, sorted, and each row's place among them (−1 for null)."""
    coded = pd.Categorical(values) if not isinstance(values.dtype, pd.CategoricalDtype) else values.array
    words = coded.remove_unused_categories()
    words = words.set_categories(sorted(words.categories))
    digest.update(f"text|{len(words.categories)}|".encode())
    for word in words.categories:
        encoded = str(word).encode()
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    digest.update(words.codes.astype("<i4").data)


def _raw(values: pd.Series, is_null: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the kind and the bytes of numbers, dates and flags, zero where null."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        zone = "UTC" if isinstance(values.dtype, pd.DatetimeTZDtype) else ""
        moments = values.dt.tz_convert("UTC").dt.tz_localize(None) if zone else values
        raw = moments.to_numpy(dtype="datetime64[us]").astype("<i8")
        return f"moment{zone}", np.where(is_null, 0, raw) if is_null.any() else raw
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag", values.to_numpy(dtype="?", na_value=False)
    if pd.api.types.is_integer_dtype(values.dtype):
        return "whole", values.to_numpy(dtype="<i8", na_value=0)
    raw = values.to_numpy(dtype="<f8", na_value=np.nan) + 0.0  # −0 is 0
    return "number", np.where(is_null, 0.0, raw) if is_null.any() else raw


__all__ = [
    "Accepted",
    "accept",
    "accept_for_run",
    "content_hash",
    "is_kept",
    "read",
    "release",
    "source_mark",
    "validate_inputs",
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
    validation = _passed(settings, as_of, needs)
    if settings.inputs.on_warning == "stop" and validation.incomplete:
        raise InputError(*(str(fault) for fault in validation.incomplete))
    return _kept(settings, validation, True, derive)


def _passed(settings: Settings, as_of: date | None, needs: Needs) -> ValidationResult:
    validation = validate_inputs(settings, as_of, needs)
    if validation.stops or validation.as_of is None:
        cause = ConnectionError("the source of the inputs did not answer") if validation.may_pass else None
        raise InputError(*(str(fault) for fault in validation.faults)) from cause
    return validation


def _kept(settings: Settings, validation: ValidationResult, write: bool, derive: Derive | None) -> Accepted:
    assert validation.as_of is not None  # noqa: S101 - what has passed has a date
    fingerprint = content_hash(validation.tables)
    reference = snapshot_folder.place(settings.warehouse, fingerprint)
    if write:
        snapshot_folder.keep(reference, validation.tables)
        snapshot_folder.prune(settings.warehouse, settings.inputs.keep_snapshots)
    n_rows = {name: len(frame) for name, frame in validation.tables.items()}
    return Accepted(
        as_of=validation.as_of,
        reference=reference,
        fingerprint=fingerprint,
        n_rows=n_rows,
        quarantined=validation.quarantined,
        faults=validation.faults,
        warnings=validation.warnings,
        assumptions=validation.assumptions,
        first_sale=validation.tables["sales"]["date"].min().date(),
        derived=derive(validation.tables, validation.as_of) if derive else None,
    )


def validate_inputs(settings: Settings, as_of: date | None, needs: Needs) -> ValidationResult:
    """Validate the configured inputs and return the result; writes nothing, raises for no fault."""
    if as_of is not None and not FIRST_YEAR <= as_of.year <= LAST_YEAR:
        label = f"{as_of} is outside the years {FIRST_YEAR} to {LAST_YEAR}"
        return ValidationResult(as_of, (structural("as_of", "", label, "correct the year"),), stops=True)
    try:
        source = open_source(settings)
    except UnreadableError as error:
        place = files.without_password(settings.inputs.path)
        fault = structural("inputs.path", "", f"{place} {error.problem}", error.remedy)
        return ValidationResult(as_of, (fault,), stops=True, may_pass=error.may_pass)
    return validate(source, settings, as_of, needs)


def source_mark(settings: Settings) -> str | None:
    """Return a hash that changes when a file of the source or a setting of the inputs does, without reading a table.

    None where that cannot be told without reading: a database, an object store, a source that is not there.
    """
    try:
        source = open_source(settings)
    except UnreadableError:
        return None
    try:
        marks = source.marks() if isinstance(source, FolderSource | MappedSource | WithForecast) else None
    except UnreadableError:
        return None
    if marks is None:
        return None
    parts = [marks, settings.inputs.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def read(
    snapshot: Accepted | str, only: Collection[str] | None = None, where: Mapping[str, str] | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables of a snapshot, sorted by grain, keys of long tables as categoricals.

    ``only`` names the tables to read; None means all. ``where`` keeps the rows with these values. Raises ``StageError`` if the snapshot is not (or no longer) there.
    """
    return snapshot_folder.load(snapshot if isinstance(snapshot, str) else snapshot.reference, only, where)


def is_kept(reference: str) -> bool:
    """Return whether the snapshot of that folder is there and whole, so that ``read`` gives its tables."""
    return snapshot_folder.is_whole(reference)


def release(snapshot: Accepted | str) -> None:
    """Say that a snapshot ``accept`` gave is no longer needed, so that it may be removed when newer ones come."""
    snapshot_folder.release(snapshot if isinstance(snapshot, str) else snapshot.reference)
