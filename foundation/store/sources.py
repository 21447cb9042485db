"""Sources of input tables: a folder, an object store, or a database, with one Arrow table each.

Here: finding and opening tables. Not here: types and rules (``foundation.validation``). No file outside the configured folder is
opened, and no message contains a password.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from foundation.assumptions import Assumption
from foundation.errors import Fault, shown
from foundation.settings import Settings
from foundation.store import files
from foundation.store.databases import AdbcSource, SqlSource, is_database
from foundation.store.mapped import MappedSource
from foundation.store.table_files import is_panic, read_csv, read_delta, read_parquet
from foundation.validation.input_table import Reader, UnreadableError

_LONGEST_HEAD = 1_000_000
_EXTERNAL = "external_"
_ENDINGS = {"csv": ".csv", "parquet": ".parquet", "delta": ""}


def open_source(settings: Settings) -> Reader:
    """Return the source that ``settings.inputs`` names; raises ``UnreadableError`` if there is none."""
    inputs = settings.inputs
    try:
        main: Reader | None = _opened(inputs.path, inputs.format)
    except UnreadableError:
        if not inputs.tables:
            raise
        main = None
    if inputs.tables:
        main = MappedSource(main, settings)
    assert main is not None  # noqa: S101 - raised above without mappings
    return main if inputs.forecast is None else WithForecast(main, inputs.forecast)


def _opened(path: str, format_: str) -> FolderSource | SqlSource | AdbcSource:
    scheme = path.partition("://")[0] if files.is_url(path) else ""
    if scheme.startswith("adbc"):
        return AdbcSource(path)
    if format_ == "sql" or is_database(scheme):
        return SqlSource(path)
    return FolderSource(path, format_)


class WithForecast:
    """A source whose tables of an external forecast lie at a place of their own, ``inputs.forecast``.

    There they have their names, or those of Forestock's output tables (`forecast`, `forecast_window`, `forecast_dependence`).
    """

    def __init__(self, main: Reader, place: str) -> None:
        self.main = main
        self._place = place

    @cached_property
    def _other(self) -> Reader:
        try:
            return _opened(self._place, "auto")
        except UnreadableError as error:
            problem = f"cannot be read: inputs.forecast {files.without_password(self._place)} {error.problem}"
            raise UnreadableError(
                problem, error.remedy.replace("inputs.path", "inputs.forecast"), error.may_pass
            ) from error

    def marks(self) -> list[tuple[str, int, int]] | None:
        """Return the marks of both folders; None if one is not of this machine."""
        sources = (self.main, self._other)
        parts = [source.marks() if isinstance(source, FolderSource | MappedSource) else None for source in sources]
        return None if parts[0] is None or parts[1] is None else [*parts[0], *parts[1]]

    def has(self, table: str) -> bool:
        """Return whether the table is there."""
        source, name = self._located(table)
        return source.has(name)

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return the table."""
        source, name = self._located(table)
        return source.read(name, as_text)

    def located(self, fault: Fault) -> Fault:
        """Return ``fault`` with the column and file that it comes from."""
        return self.main.located(fault) if isinstance(self.main, MappedSource) else fault

    @property
    def assumptions(self) -> list[Assumption]:
        """What mappings did with rows."""
        return self.main.assumptions if isinstance(self.main, MappedSource) else []

    def _located(self, table: str) -> tuple[Reader, str]:
        """Return the source of the table, and its name there."""
        if not table.startswith(_EXTERNAL):
            return self.main, table
        named = (table, table.removeprefix(_EXTERNAL))
        return self._other, next((name for name in named if self._other.has(name)), table)


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
        """Return (name, bytes, time of change) of every file of the folder, sorted; None if it is not of this machine."""
        if not self._is_local():
            return None
        try:
            result = [(path, path.stat()) for path in Path(self.root).rglob("*") if path.is_file()]
        except OSError:  # a file that vanished meanwhile, or may not be looked at
            return None
        return sorted((str(path.relative_to(self.root)), parts.st_size, parts.st_mtime_ns) for path, parts in result)

    def has(self, table: str) -> bool:
        """Return whether the folder holds ``table`` in a configured format."""
        return bool(self._formats_of(table))

    def place(self, table: str) -> str:
        """Return the folder and file of a table as a message names them; empty where there is none."""
        ending = next((_ENDINGS[kind] for kind in self._formats_of(table)), None)
        return "" if ending is None else f"{self.path.rpartition('/')[2]}/{table}{ending}"

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table``; a text that is empty in a CSV file is null, texts of Parquet and Delta are coded."""
        result = self._formats_of(table)
        if len(result) > 1:
            names = " and ".join(f"{table}{_ENDINGS[kind]}" for kind in result)
            raise UnreadableError(f"stands in the folder twice: {names}", "remove one or set inputs.format")
        path = f"{self.root}/{table}{_ENDINGS[result[0]]}"
        try:
            if self._is_local():
                self._refuse_odd(Path(path))
            return self._open(result[0], path, as_text)
        except UnreadableError:
            raise
        except PermissionError as error:
            raise UnreadableError(f"cannot be read ({_short(error)})", "give the right to read it") from error
        except Exception as error:  # any reader may fail in its own way on a broken file
            may_pass = isinstance(error, ConnectionError | TimeoutError)
            raise UnreadableError(
                f"cannot be read as {result[0]} ({_short(error)})", "write the file again", may_pass
            ) from error
        except BaseException as error:
            if not is_panic(error):
                raise
            raise UnreadableError(
                f"cannot be read as {result[0]} (its reader failed)", "write the table again"
            ) from error

    def _formats_of(self, table: str) -> list[str]:
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
    """Return whether ``inner``, ``path`` or a file in it, is there; raises ``UnreadableError`` if that cannot be told."""
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


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return "".join(sign for sign in lines[0][:160] if sign.isprintable()) if lines else type(error).__name__
