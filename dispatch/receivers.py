"""Who takes documents: a folder, a database table or a webhook.

Not here: when and how often (``outbox``); disk and SQL themselves (``foundation.store.receivers``).
"""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from dispatch.documents import Document
from dispatch.outbox import Receiver
from foundation.decision_settings import Outbox
from foundation.errors import ConfigurationError
from foundation.store import files
from foundation.store.receivers import Folder, NotReachedError, RefusedError, SqlTable

# The receiver is busy, has the key in work, or fails: asking again may help. Everything else is meant.
_AGAIN = frozenset({408, 409, 425, 429})
_STORES = {"file", "memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"}


def open_receiver(outbox: Outbox, recorded: set[str], token: str | None = None) -> Receiver:
    """Return the receiver ``outbox.target`` names; ``recorded`` are the ids of documents recorded as delivered.

    ``token`` is sent to a webhook as bearer token and appears in no message. A folder's documents
    that a kill left recorded but hidden appear now. Raises ``ConfigurationError`` without a target.
    """
    target = outbox.target
    if target is None:
        raise ConfigurationError("decisions.outbox.target: is not set; name a folder, a database URL or an address")
    scheme = urlsplit(target).scheme if files.is_url(target) else ""
    if scheme in ("http", "https"):
        return Webhook(target, token, outbox.timeout_seconds)
    if scheme and scheme not in _STORES:
        return TableReceiver(SqlTable(target, outbox.table))
    receiver = FolderReceiver(Folder(target))
    receiver.confirm(sorted(recorded & receiver.hidden()))
    return receiver


@dataclass(frozen=True)
class FolderReceiver:
    """A folder: one file of canonical JSON per document, named by the document's id."""

    folder: Folder

    def offer(self, document: Document) -> None:
        """Write the document where readers do not look yet."""
        self.folder.stage(_file(document.document_id), document.to_json() + "\n")

    def confirm(self, document_ids: Sequence[str]) -> None:
        """Let the documents appear."""
        for document_id in document_ids:
            self.folder.publish(_file(document_id))

    def hidden(self) -> set[str]:
        """Return the ids of documents that were offered and have not appeared."""
        return {name.removesuffix(".json") for name in self.folder.staged()}


@dataclass(frozen=True)
class TableReceiver:
    """A database table: one row per proposal, the columns of the canonical record."""

    table: SqlTable

    def offer(self, document: Document) -> None:
        """Insert the document's rows, all or none."""
        head: dict[str, object] = dict(document.header)
        days = {name: date.fromisoformat(str(head[name])) for name in ("ship_date", "arrival_date")}
        self.table.insert(
            [{"proposal_id": name, **head, **days, "sku": sku, "units": units} for name, sku, units in document.lines]
        )

    def confirm(self, document_ids: Sequence[str]) -> None:
        """Do nothing: inserted rows are there for everyone."""


class Webhook:
    """An HTTP address: one POST of canonical JSON per document with its id as ``Idempotency-Key``.

    A kill between the answer and the record repeats the POST with the same key and the same bytes; a
    receiver that honours the key acts once.
    """

    def __init__(self, url: str, token: str | None, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._place = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        self._path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        secure = parts.scheme == "https"
        opened = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = opened(parts.hostname or "", parts.port, timeout=timeout_seconds)
        self._headers = {"Content-Type": "application/json", "User-Agent": "forestock"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def offer(self, document: Document) -> None:
        """Post the document; 2xx takes it, 408, 409, 425, 429, 5xx and silence are asked again, the rest is a refusal."""
        headers = {**self._headers, "Idempotency-Key": document.document_id}
        try:
            self._connection.request("POST", self._path, document.to_json().encode(), headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NotReachedError(f"{self._place}: {type(error).__name__}: {error}") from None
        if 200 <= answer.status < 300:
            return
        said = f"{self._place} answered {answer.status} {answer.reason}"
        if answer.status in _AGAIN or answer.status >= 500:
            raise NotReachedError(said)
        raise RefusedError(said)

    def confirm(self, document_ids: Sequence[str]) -> None:
        """Do nothing: a document that was posted has arrived."""


def _file(document_id: str) -> str:
    return f"{document_id}.json"
