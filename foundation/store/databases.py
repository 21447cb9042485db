"""Databases as sources of input tables, by SQLAlchemy URL or ADBC driver.

No message contains a password. Not here: choosing a source (``sources``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
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

from foundation.validation.input_table import UnreadableError

_BATCH_ROWS = 200_000
_DATABASE_FILES = ("sqlite", "duckdb")  # a driver would make an empty database if there is none


def open_database(url: str) -> SqlSource | AdbcSource:
    """Return the database at ``url``; raises ``UnreadableError`` if there is none."""
    return AdbcSource(url) if url.startswith("adbc") else SqlSource(url)


def is_database(scheme: str) -> bool:
    """Return whether a URL of this scheme names a database."""
    from sqlalchemy.dialects import registry

    name = scheme.partition("+")[0]
    if not name or name in {"file", "memory", "s3", "gs", "gcs", "abfs", "abfss", "az", "http", "https"}:
        return False
    try:
        registry.load(name)
    except Exception:
        return False
    return True


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
        return self.query(f"SELECT * FROM {quoted}")  # noqa: S608 - a quoted name

    def query(self, sql: str) -> pa.Table:
        """Return the result of a query of the configuration."""
        try:
            with self.engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(text(sql))
                names = list(result.keys())
                return _table(names, (_batch(names, rows) for rows in result.partitions(_BATCH_ROWS)))
        except SQLAlchemyError as error:
            raise UnreadableError(
                f"cannot be read ({_shortened(error, self.url)})", "check the table and the rights", _may_pass(error)
            ) from error


class AdbcSource:
    """The tables of a database by its ADBC driver: ``adbc+postgresql://…`` needs ``adbc-driver-postgresql``.

    The driver is given the URL without ``adbc+``; SQLite and DuckDB take the path after ``adbc+duckdb:///``, Snowflake what follows
    ``adbc+snowflake://``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        scheme, _, rest = url.removeprefix("adbc+").partition("://")
        name = scheme.partition("+")[0]
        address = f"{scheme}://{rest}"
        if name in _DATABASE_FILES:
            address = rest.removeprefix("/")
            if not Path(address).is_file():
                raise UnreadableError("is no database: there is no such file", "correct the path in inputs.path")
        elif name == "snowflake":
            address = rest
        try:
            self.connection: Any = import_module(f"adbc_driver_{name}.dbapi").connect(address)
        except ImportError as error:
            raise UnreadableError(
                "needs an ADBC driver that is not installed",
                f"pip install {'duckdb adbc-driver-manager' if name == 'duckdb' else f'adbc-driver-{name}'}",
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
        return self.query(f'SELECT * FROM "{table}"')  # noqa: S608 - a quoted name

    def query(self, sql: str) -> pa.Table:
        """Return the result of a query of the configuration."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
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
