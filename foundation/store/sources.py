"""Where a user's tables come from: a folder, an object store or a database, one Arrow table each.

Here: finding and opening. Not here: types and rules (``foundation.validation``). Nothing outside
the configured folder is ever opened, and no message repeats a password.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from deltalake import DeltaTable

from foundation.faults import shown
from foundation.settings import Inputs
from foundation.store import files
from foundation.store.columnar import is_panic, read_delta, read_parquet
from foundation.store.csv_files import read_csv
from foundation.validation.reader import Reader, UnreadableError

_LONGEST_HEAD = 1_000_000
_ENDINGS = {"csv": ".csv", "parquet": ".parquet", "delta": ""}


def open_source(inputs: Inputs) -> Reader:
    """Return the source ``inputs`` names; raises ``UnreadableError`` where there is none."""
    scheme = inputs.path.partition("://")[0] if files.is_url(inputs.path) else ""
    if scheme.startswith("adbc"):
        from foundation.store.databases import AdbcSource

        return AdbcSource(inputs.path)
    if inputs.format == "sql" or _is_database(scheme):
        from foundation.store.databases import SqlSource

        return SqlSource(inputs.path)
    return FolderSource(inputs.path, inputs.format)


class FolderSource:
    """CSV and Parquet files and Delta folders below one folder or fsspec URL."""

    def __init__(self, path: str, format_: str = "auto") -> None:
        self.path = path.rstrip("/")
        self.endings = _ENDINGS if format_ == "auto" else {format_: _ENDINGS[format_]}
        try:
            self.system, self.root = files.filesystem(self.path)
            is_there = self.system.isdir(self.root)
        except (ImportError, ValueError, OSError) as error:
            may_pass = isinstance(error, ConnectionError | TimeoutError)
            raise UnreadableError(
                f"cannot be opened ({_short(error)})", "check the URL and install its driver", may_pass
            ) from error
        if not is_there:
            raise UnreadableError("is not a folder", "set inputs.path to the folder of the tables")

    def marks(self) -> list[tuple[str, int, int]] | None:
        """Return (name, bytes, time of change) of every file of the folder, sorted; None where it is not of this machine."""
        if not self._is_local():
            return None
        try:
            found = [(path, path.stat()) for path in Path(self.root).rglob("*") if path.is_file()]
        except OSError:  # a file that vanished meanwhile, or may not be looked at
            return None
        return sorted((str(path.relative_to(self.root)), said.st_size, said.st_mtime_ns) for path, said in found)

    def has(self, table: str) -> bool:
        """Say whether the folder holds ``table`` in a configured format."""
        return bool(self._found(table))

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table``; a text that is empty in a CSV file is null, texts of Parquet and Delta are coded."""
        found = self._found(table)
        if len(found) > 1:
            names = " and ".join(f"{table}{_ENDINGS[kind]}" for kind in found)
            raise UnreadableError(f"stands in the folder twice: {names}", "remove one or set inputs.format")
        path = f"{self.root}/{table}{_ENDINGS[found[0]]}"
        try:
            if self._is_local():
                self._refuse_odd(Path(path))
            return self._open(found[0], path, as_text)
        except UnreadableError:
            raise
        except PermissionError as error:
            raise UnreadableError(f"cannot be read ({_short(error)})", "give the right to read it") from error
        except Exception as error:  # any reader may fail in its own way on a broken file
            may_pass = isinstance(error, ConnectionError | TimeoutError)
            raise UnreadableError(
                f"cannot be read as {found[0]} ({_short(error)})", "write the file again", may_pass
            ) from error
        except BaseException as error:
            if not is_panic(error):
                raise
            raise UnreadableError(
                f"cannot be read as {found[0]} (its reader failed)", "write the table again"
            ) from error

    def _found(self, table: str) -> list[str]:
        def is_there(kind: str) -> bool:
            path = f"{self.root}/{table}{_ENDINGS[kind]}"
            inner = f"{path}/_delta_log" if kind == "delta" else path
            return _is_there(path, inner) if self._is_local() else bool(self.system.exists(inner))

        return [kind for kind in self.endings if is_there(kind)]

    def _open(self, kind: str, path: str, as_text: Collection[str]) -> pa.Table:
        if kind == "delta":
            return self._read_delta(path)
        if self.system.isfile(path) and self.system.size(path) == 0:
            raise UnreadableError("is an empty file", "write the file again")
        if kind == "parquet":
            return read_parquet(path, self.system)
        with self.system.open(path, "rb") as file:
            return read_csv(file, as_text)

    def _read_delta(self, path: str) -> pa.Table:
        if self._is_local() and files.is_misread(path):
            raise UnreadableError(
                "stands in a folder whose name Delta misreads", "use a name without %, ?, [, ], ^, | or \\"
            )
        uri = path if self._is_local() else files.joined(self.path, Path(path).name)
        table = DeltaTable(uri)
        for part in table.file_uris():
            if self._is_local():
                self._refuse_outside(Path(part.removeprefix("file://")))
        return read_delta(table)

    def _refuse_odd(self, path: Path) -> None:
        """Refuse what is no regular file: a pipe or a device would be waited for without end."""
        self._refuse_outside(path)
        for part in [path, *path.rglob("*")] if path.is_dir() else [path]:
            self._refuse_outside(part)
            if not (part.is_file() or part.is_dir()):
                raise UnreadableError(
                    f"is or holds {shown(part.name)}, which is no regular file", "put a file of the table in its place"
                )

    def _refuse_outside(self, path: Path) -> None:
        try:
            is_inside = path.resolve().is_relative_to(Path(self.root).resolve())
        except RuntimeError:  # a loop of links
            is_inside = False
        if not is_inside:
            raise UnreadableError("leads out of the input folder", "put the file itself into the folder")

    def _is_local(self) -> bool:
        return "file" in self.system.protocol or "local" in self.system.protocol


def _is_there(path: str, inner: str) -> bool:
    """Say whether ``inner``, ``path`` or a file in it, is there; raises ``UnreadableError`` where that cannot be told."""
    try:
        os.stat(inner)
    except NotADirectoryError:
        return False
    except FileNotFoundError:
        if os.path.islink(path):
            raise UnreadableError("is a link that leads nowhere", "correct or remove the link") from None
        return False
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableError(f"cannot be opened ({reason})", "correct the link or the rights") from error
    return True


def _is_database(scheme: str) -> bool:
    from sqlalchemy.dialects import registry

    name = scheme.partition("+")[0]
    if not name or name in {"file", "memory", "s3", "gs", "gcs", "abfs", "abfss", "az", "http", "https"}:
        return False
    try:
        registry.load(name)
    except Exception:
        return False
    return True


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return "".join(sign for sign in lines[0][:160] if sign.isprintable()) if lines else type(error).__name__
