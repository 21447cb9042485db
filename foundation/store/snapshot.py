"""Input snapshots: what a night may know, checked once, kept under the hash of its content.

``accept`` takes the configured tables through the door and keeps them; every later stage reads the
snapshot, so a night sees one state of the world. Not here: the checks (``foundation.validation``).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from foundation.errors import InputError, StageError
from foundation.faults import Fault, structural
from foundation.settings import Settings
from foundation.store import files
from foundation.store.sources import open_source
from foundation.validation.door import Examined, Needs, examine
from foundation.validation.reader import UnreadableError

FOLDER = "_inputs"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Accepted:
    """A snapshot of what is known at ``as_of``.

    ``reference`` is its folder and is all a later stage needs; ``fingerprint`` hashes the content;
    ``n_rows`` counts rows by table; ``quarantined`` are the rows set aside, ``faults`` say why.
    """

    as_of: date
    reference: str
    fingerprint: str
    n_rows: dict[str, int]
    quarantined: pd.DataFrame
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]


def accept(settings: Settings, as_of: date | None, needs: Needs, write: bool = True) -> Accepted:
    """Check the configured inputs and keep what is known at ``as_of`` as a snapshot.

    ``as_of`` None means the period after the last sales row. ``needs`` says whether the tables of
    rebalancing are required too. With ``write`` false nothing is kept. Raises ``InputError`` with
    one line per fault, before anything is written.
    """
    examined = examine_inputs(settings, as_of, needs)
    if examined.stops or examined.as_of is None:
        raise InputError(*(str(fault) for fault in examined.faults))
    fingerprint = content_hash(examined.tables)
    reference = files.joined(settings.warehouse, FOLDER, fingerprint)
    if write and not files.exists(f"{reference}/{_MANIFEST}"):
        _keep(reference, examined.tables)
    return Accepted(
        examined.as_of,
        reference,
        fingerprint,
        {name: len(frame) for name, frame in examined.tables.items()},
        examined.quarantined,
        examined.faults,
        examined.warnings,
    )


def examine_inputs(settings: Settings, as_of: date | None, needs: Needs) -> Examined:
    """Return everything the door finds about the configured inputs; writes nothing, raises for no fault."""
    try:
        source = open_source(settings.inputs)
    except UnreadableError as error:
        place = files.without_password(settings.inputs.path)
        return Examined(as_of, (structural("inputs.path", "", f"{place} {error.what}", error.remedy),), stops=True)
    return examine(source, settings, as_of, needs)


def read(snapshot: Accepted | str) -> dict[str, pd.DataFrame]:
    """Return the tables of a snapshot, sorted by grain, keys of long tables as categoricals.

    Raises ``StageError`` where the snapshot is not (or no longer) there.
    """
    reference = snapshot if isinstance(snapshot, str) else snapshot.reference
    if not files.exists(f"{reference}/{_MANIFEST}"):
        raise StageError("read inputs", f"there is no snapshot {reference}; accept the inputs again")
    names = json.loads(files.read_text(f"{reference}/{_MANIFEST}"))["tables"]
    return {name: _read_table(f"{reference}/{name}.parquet") for name in names}


def content_hash(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a hash of the tables' names, columns, dtypes and values; the order of tables and columns is no content."""
    digest = hashlib.blake2b(digest_size=12)
    for name in sorted(tables):
        frame = tables[name]
        digest.update(f"{name}|{len(frame)}".encode())
        for column in sorted(frame.columns):
            _hash_column(digest, column, frame[column])
    return digest.hexdigest()


def _hash_column(digest: hashlib.blake2b, name: str, values: pd.Series) -> None:
    digest.update(f"|{name}|{'text' if values.dtype in ('category', 'str') else values.dtype}|".encode())
    if isinstance(values.dtype, pd.CategoricalDtype):
        digest.update("\0".join(values.cat.categories).encode())
        digest.update(values.cat.codes.to_numpy().astype("<i4").tobytes())
        return
    if values.dtype == "str":
        digest.update("\0".join(values.fillna("\1")).encode())
        return
    is_null = values.isna().to_numpy()
    plain = values.dt.tz_localize(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values
    filled = plain.array if not is_null.any() else plain.fillna(_zero(plain)).array
    digest.update(np.asarray(filled).astype(_hashed_as(plain.dtype)).tobytes())
    if is_null.any():
        digest.update(is_null.tobytes())


def _zero(values: pd.Series) -> object:
    return pd.Timestamp(0) if pd.api.types.is_datetime64_any_dtype(values.dtype) else 0


def _hashed_as(dtype: object) -> str:
    kind = getattr(dtype, "kind", "f")
    return {"M": "datetime64[us]", "b": "?", "i": "<i8", "u": "<i8"}.get(kind, "<f8")


def _keep(reference: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write the tables, each file atomically, and the manifest last: a snapshot without it is not there."""
    for name, frame in tables.items():
        buffer = io.BytesIO()
        pa.parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
        files.write_bytes(f"{reference}/{name}.parquet", buffer.getbuffer())
    files.write_text(f"{reference}/{_MANIFEST}", json.dumps({"tables": sorted(tables)}))


def _read_table(path: str) -> pd.DataFrame:
    system, inner = files.filesystem(path)
    frame = pa.parquet.read_table(inner, filesystem=system).to_pandas()
    for name in frame.select_dtypes("category"):
        ordered = frame[name].cat.remove_unused_categories()
        frame[name] = ordered.cat.set_categories(sorted(ordered.cat.categories))
    return frame
