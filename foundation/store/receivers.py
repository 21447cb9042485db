"""Receivers of released documents: a folder or a database table, each document once.

A delivery can be repeated after the process was killed at any point; a document that is already there is left unchanged. Not here: the
documents, retries, and the record of deliveries (``dispatch.outbox``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from foundation.errors import ConfigurationError, StageError
from foundation.store import files

_STAGED = ".staged"
_KEYS_PER_QUERY = 500


class NotReachedError(Exception):
    """A receiver that did not answer or could not take a document now; asking again may help."""


class RefusedError(Exception):
    """A receiver that will not take a document; asking again does not help."""


class Folder:
    """A folder (or fsspec URL) that documents appear in, whole, under a name of their own.

    A document is written to ``.staged``, which readers leave alone, and appears by one rename after it
    has been recorded as delivered: a reader that takes files away is given none twice. On an object
    store a rename is a copy and a delete; a kill between the two may show a document again.
    """

    def __init__(self, path: str) -> None:
        self.path = path.rstrip("/")

    def stage(self, name: str, text: str) -> None:
        """Write a document where readers do not look; raises ``NotReachedError`` if the disk refuses."""
        try:
            files.write_text(files.joined(self.path, _STAGED, name), text)
        except StageError as error:
            raise NotReachedError(str(error)) from error

    def publish(self, name: str) -> None:
        """Let a staged document appear; one that is not staged has appeared before."""
        source, target = files.joined(self.path, _STAGED, name), files.joined(self.path, name)
        try:
            _rename(source, target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise NotReachedError(f"{target}: {error.strerror or error}") from error

    def staged(self) -> set[str]:
        """Return the names of documents that are staged and have not appeared."""
        system, folder = files.filesystem(files.joined(self.path, _STAGED))
        if not system.exists(folder):
            return set()
        names = (Path(str(entry)).name for entry in system.ls(folder, detail=False))
        return {name for name in names if not name.startswith(".")}


class SqlTable:
    """A database table with one row per proposal; its primary key lets none in twice.

    The table is created where it is absent. Rows of a document go in by one transaction.
    """

    def __init__(self, url: str, name: str) -> None:
        """Open the database; raises ``ConfigurationError`` for a URL or driver that is not known."""
        self._place = files.without_password(url)
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True)
        except (sa.exc.ArgumentError, ImportError) as error:
            raise ConfigurationError(
                f"decisions.outbox.target: {self._place} cannot be opened ({type(error).__name__})"
            ) from None
        self._name = name

    def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the ``rows`` that are not there yet, in one transaction; ``proposal_id`` is the key.

        Raises ``NotReachedError`` if the database does not take them.
        """
        try:
            table = self._table(rows[0])
            with self._engine.begin() as connection:
                there = self._there(connection, table, [str(row["proposal_id"]) for row in rows])
                if new := [dict(row) for row in rows if row["proposal_id"] not in there]:
                    connection.execute(table.insert(), new)
        except sa.exc.SQLAlchemyError as error:
            # only the driver's own words: a statement would carry the data, a URL the password
            reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
            raise NotReachedError(f"{self._place}: {reason}") from None

    def close(self) -> None:
        """Give the database's connections back."""
        self._engine.dispose()

    def _table(self, row: Mapping[str, Any]) -> sa.Table:
        columns = [
            sa.Column(name, _type(value), primary_key=name == "proposal_id", nullable=False)
            for name, value in row.items()
        ]
        table = sa.Table(self._name, sa.MetaData(), *columns)
        table.create(self._engine, checkfirst=True)
        return table

    @staticmethod
    def _there(connection: sa.Connection, table: sa.Table, keys: list[str]) -> set[str]:
        result: set[str] = set()
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            part = keys[start : start + _KEYS_PER_QUERY]
            result |= set(connection.scalars(sa.select(table.c.proposal_id).where(table.c.proposal_id.in_(part))))
        return result


def _type(value: object) -> sa.types.TypeEngine:
    if isinstance(value, date):
        return sa.Date()
    return sa.Integer() if isinstance(value, int) else sa.String(255)


def _rename(source: str, target: str) -> None:
    if not files.is_url(source):
        os.replace(source, target)
        return
    system, inner = files.filesystem(source)
    system.mv(inner, files.filesystem(target)[1])
