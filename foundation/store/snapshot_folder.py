"""Folders of input snapshots: which exist, which are in use, and which can be removed.

A snapshot is the folder ``_inputs/<fingerprint>`` with one Parquet file per table and a manifest. The manifest is written last, so an
incomplete snapshot does not count. A process that uses a snapshot holds a shared lock, which is released when the process ends. Only
unlocked snapshots are removed, oldest first. Not here: the content of a snapshot (``snapshot``).
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from foundation.errors import StageError
from foundation.store import files, locks
from foundation.store.arrow import untyped_arrow, untyped_frame

FOLDER = "_inputs"
_LOCKS = "_in_use"
_MANIFEST = "manifest.json"
_HELD: dict[str, list[int]] = {}


def place(warehouse: str, fingerprint: str) -> str:
    """Return the folder of the snapshot with this fingerprint."""
    return files.joined(warehouse, FOLDER, fingerprint)


def keep(folder: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Put ``tables`` on the shelf as ``folder`` unless they are there, and hold them until ``release``.

    Raises ``StageError`` if the warehouse cannot be written.
    """
    try:
        _hold(folder)
        if is_whole(folder):
            _touch(folder)
            return
    except OSError as error:
        raise StageError(
            "keep inputs", f"{folder}: {error.strerror or error}; check the warehouse's path and rights"
        ) from error
    sizes = {}
    for name, frame in tables.items():
        buffer = io.BytesIO()
        pa.parquet.write_table(untyped_arrow(frame), buffer, compression="zstd")
        files.write_bytes(f"{folder}/{name}.parquet", buffer.getbuffer())
        sizes[name] = buffer.getbuffer().nbytes
    files.write_text(f"{folder}/{_MANIFEST}", json.dumps({"tables": sorted(tables), "bytes": sizes}, sort_keys=True))


def load(
    folder: str, only: Collection[str] | None = None, where: Mapping[str, str] | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables of ``folder``, or those named in ``only`` that it has, with the rows of ``where``; raises ``StageError`` if it is not, or no longer, on the shelf."""
    if not is_whole(folder):
        raise StageError("read inputs", f"there is no snapshot {folder}; accept the inputs again")
    names = json.loads(files.read_text(f"{folder}/{_MANIFEST}"))["tables"]
    return {name: _table(f"{folder}/{name}.parquet", where or {}) for name in names if only is None or name in only}


def is_whole(folder: str) -> bool:
    """Return whether every table the manifest names is there in its length; a manifest of another form is none."""
    try:
        parts = json.loads(files.read_text(f"{folder}/{_MANIFEST}"))
        return all(files.size(f"{folder}/{name}.parquet") == length for name, length in parts["bytes"].items())
    except (StageError, ValueError, LookupError, TypeError, AttributeError):
        return False


def release(folder: str) -> None:
    """Give up one hold of ``folder``; without one nothing happens."""
    held = _HELD.get(folder)
    if held:
        locks.unshare(held.pop())


def prune(warehouse: str, n_kept: int) -> list[str]:
    """Remove the oldest snapshots beyond ``n_kept`` that no process holds, and return their fingerprints.

    On an object store nothing is removed: it has no locks, and its own rules for old files.
    """
    shelf = Path(warehouse) / FOLDER
    if files.is_url(warehouse) or not shelf.is_dir():
        return []
    folders = [folder for folder in shelf.iterdir() if folder.name != _LOCKS]
    oldest = sorted(folders, key=lambda folder: (_age_mark(folder), folder.name))
    return [folder.name for folder in oldest[: max(0, len(oldest) - n_kept)] if _removed(folder)]


def _hold(folder: str) -> None:
    if not files.is_url(folder):
        _HELD.setdefault(folder, []).append(locks.share(_lock(folder)))


def _lock(folder: str) -> str:
    return str(Path(folder).parent / _LOCKS / f"{Path(folder).name}.lock")


def _touch(folder: str) -> None:
    """Make a snapshot used again the youngest."""
    if not files.is_url(folder):
        os.utime(f"{folder}/{_MANIFEST}")


def _age_mark(folder: Path) -> int:
    manifest = folder / _MANIFEST
    try:
        return manifest.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _removed(folder: Path) -> bool:
    with locks.alone(_lock(str(folder))) as is_free:
        if is_free:
            (folder / _MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        return is_free


def _table(path: str, where: Mapping[str, str]) -> pd.DataFrame:
    system, inner = files.filesystem(path)
    filters = [(name, "=", value) for name, value in where.items()]
    frame = untyped_frame(pa.parquet.read_table(inner, filesystem=system, filters=filters or None))
    for name in frame.select_dtypes("category"):
        used = frame[name].cat.remove_unused_categories()
        frame[name] = used.cat.set_categories(sorted(used.cat.categories))
    return frame
