"""Sources of input tables: a folder, an object store, or a database, with one Arrow table each.

Here: finding and opening tables. Not here: types and rules (``foundation.validation``). No file outside the configured folder is
opened, and no message contains a password.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
from deltalake import DeltaTable
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from foundation.errors import shown
from foundation.settings import Inputs
from foundation.store import files
from foundation.store.table_files import is_panic, read_csv, read_delta, read_parquet
from foundation.validation.input_table import Reader, UnreadableError

_LONGEST_HEAD = 1_000_000
_EXTERNAL = "external_"
_ENDINGS = {"csv": ".csv", "parquet": ".parquet", "delta": ""}


def open_source(inputs: Inputs) -> Reader:
    """Return the source ``inputs`` names; raises ``UnreadableError`` if there is none."""
    main = _opened(inputs.path, inputs.format)
    return main if inputs.forecast is None else WithForecast(main, inputs.forecast)


def _opened(path: str, format_: str) -> FolderSource | SqlSource | AdbcSource:
    scheme = path.partition("://")[0] if files.is_url(path) else ""
    if scheme.startswith("adbc"):
        return AdbcSource(path)
    if format_ == "sql" or _is_database(scheme):
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
        parts = [source.marks() if isinstance(source, FolderSource) else None for source in (self.main, self._other)]
        return None if parts[0] is None or parts[1] is None else [*parts[0], *parts[1]]

    def has(self, table: str) -> bool:
        """Return whether the table is there."""
        source, name = self._located(table)
        return source.has(name)

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return the table."""
        source, name = self._located(table)
        return source.read(name, as_text)

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


_BATCH_ROWS = 200_000


class SqlSource:
    """The tables of the database at a SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            _refuse_missing_file(make_url(url))
            self.engine = create_engine(url)
            with self.engine.connect():
                pass
        except (NoSuchModuleError, ImportError) as error:
            raise UnreadableError(
                f"needs a driver that is not installed ({_shortened(error, url)})", "install it"
            ) from error
        except (ArgumentError, SQLAlchemyError) as error:
            raise UnreadableError(
                f"cannot be opened ({_shortened(error, url)})",
                "check the URL, the name and the rights",
                _may_pass(error),
            ) from error

    @cached_property
    def _tables(self) -> frozenset[str]:
        try:
            result = inspect(self.engine)
            return frozenset([*result.get_table_names(), *result.get_view_names()])
        except SQLAlchemyError as error:
            raise UnreadableError(
                f"cannot be looked through ({_shortened(error, self.url)})", "check the rights", _may_pass(error)
            ) from error

    def has(self, table: str) -> bool:
        """Return whether the database has a table or view called ``table``."""
        return table in self._tables

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table``; ``as_text`` is not needed, a database has types."""
        quoted = self.engine.dialect.identifier_preparer.quote(table)
        try:
            with self.engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(text(f"SELECT * FROM {quoted}"))  # noqa: S608 (a name of our own tables)
                names = list(result.keys())
                return _table(names, (_batch(names, rows) for rows in result.partitions(_BATCH_ROWS)))
        except SQLAlchemyError as error:
            raise UnreadableError(
                f"cannot be read ({_shortened(error, self.url)})", "check the table and the rights", _may_pass(error)
            ) from error


class AdbcSource:
    """The tables of a database by its ADBC driver: ``adbc+postgresql://…`` needs ``adbc-driver-postgresql``.

    The driver is given the URL without ``adbc+``; SQLite takes the path after ``adbc+sqlite:///``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        scheme, _, rest = url.removeprefix("adbc+").partition("://")
        name = scheme.partition("+")[0]
        address = rest.removeprefix("/") if name == "sqlite" else f"{scheme}://{rest}"
        try:
            self.connection: Any = import_module(f"adbc_driver_{name}.dbapi").connect(address)
        except ImportError as error:
            raise UnreadableError(
                "needs an ADBC driver that is not installed", f"pip install adbc-driver-{name}"
            ) from error
        except Exception as error:  # each driver has its own exceptions
            raise UnreadableError(
                f"cannot be opened ({_shortened(error, url)})", "check the URL, the name and the rights"
            ) from error

    @cached_property
    def _tables(self) -> frozenset[str]:
        result = self.connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        schemas = [schema for catalog in result for schema in catalog["catalog_db_schemas"] or ()]
        return frozenset(table["table_name"] for schema in schemas for table in schema["db_schema_tables"] or ())

    def has(self, table: str) -> bool:
        """Return whether the database has a table called ``table``."""
        return table in self._tables

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table`` as the driver's Arrow table."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (a name of our own tables)
                return cursor.fetch_arrow_table()
        except Exception as error:  # each driver has its own exceptions
            raise UnreadableError(
                f"cannot be read ({_shortened(error, self.url)})", "check the table and the rights"
            ) from error


def _may_pass(error: Exception) -> bool:
    """Return whether the server did not answer, rather than answered with a refusal: a refusal has a code of SQL's."""
    if not isinstance(error, DBAPIError):
        return False
    is_silent = isinstance(error, OperationalError | InterfaceError) and not getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or (is_silent and not isinstance(error.orig, sqlite3.Error))


def _refuse_missing_file(url: URL) -> None:
    """SQLite would make an empty database if there is none."""
    name = url.database or ""
    if url.get_backend_name() == "sqlite" and name not in ("", ":memory:") and not Path(name).is_file():
        raise UnreadableError("is no database: there is no such file", "correct the path in inputs.path")


def _table(names: Sequence[str], batches: Iterable[pa.Table]) -> pa.Table:
    """Put batches together; a column whose type differs between them becomes text."""
    parts = list(batches)
    if not parts:
        return pa.table({name: pa.nulls(0) for name in names})
    return pa.table({name: _column([part.column(name) for part in parts]) for name in names})


def _column(pieces: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    types = {piece.type for piece in pieces if not pa.types.is_null(piece.type)}
    if len(types) > 1 and not all(pa.types.is_integer(type_) or pa.types.is_floating(type_) for type_ in types):
        pieces = [piece.cast(pa.string()) for piece in pieces]
    return pa.concat_tables([pa.table([piece], ["value"]) for piece in pieces], promote_options="permissive").column(0)


def _batch(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    return pa.table([_array(values) for values in zip(*rows, strict=True)], names=list(names))


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])


def _shortened(error: BaseException, url: str) -> str:
    """Return the first line of ``error`` without the URL's password."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
    login = url.partition("://")[2].rpartition("@")[0]
    password = login.partition(":")[2]
    return line.replace(password, "***") if password else line
