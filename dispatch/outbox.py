"""The outbox: every released document reaches its receiver once, even if processes are killed or receivers fail.

Three steps per document, each safe to repeat: *offer* it (the receiver stores it under its id), *record* it in the warehouse,
*confirm* it (a folder shows it only now). After a kill before the record, the document is offered again and the receiver
recognizes its id; after a later kill, only the confirmation is repeated. Not here: folders and tables
(``foundation.store.receivers``), the table of records (the caller passes a function).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

import httpx
import pandas as pd

from dispatch.documents import ORDER, Document
from foundation.decision_sections import Outbox
from foundation.errors import ConfigurationError, StageError
from foundation.keys import among, sorted_by
from foundation.store import files
from foundation.store.receivers import Folder, NotReachedError, RefusedError, SqlTable

BATCH = 100
_LONGEST_WAIT_SECONDS = 60.0


class Receiver(Protocol):
    """A receiver of documents. Repeated calls for the same document have no further effect."""

    def offer(self, document: Document) -> None:
        """Store the document with the receiver; raises ``NotReachedError`` or ``RefusedError``."""

    def confirm(self, document_ids: Sequence[str]) -> None:
        """Tell the receiver that the documents are recorded as delivered; raises ``NotReachedError``."""


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed call is repeated.

    Attributes
    ----------
    attempts
        Most calls, the first one included.
    wait_seconds
        Wait before the second call; it doubles each time, up to one minute.
    sleep
        Waits for a number of seconds.

    """

    attempts: int = 5
    wait_seconds: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, outbox: Outbox) -> RetryPolicy:
        """Return the policy of the configuration."""
        return cls(outbox.attempts, outbox.wait_seconds)


@dataclass
class Delivery:
    """Result of a delivery: documents delivered now, and the receiver's reason for each refused document by its id."""

    delivered: list[Document] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def n_lines(self) -> int:
        """Proposals delivered now."""
        return sum(len(document.lines) for document in self.delivered)


def undelivered(lines: pd.DataFrame, handover: pd.DataFrame, receiver: str) -> pd.DataFrame:
    """Return the released ``lines`` that the table ``handover`` lacks for ``receiver``, sorted by document.

    A line that joined a document after its delivery gets a separate document.
    """
    selected = handover[handover["receiver"] == receiver]
    open_lines = lines[~among(lines["proposal_id"], selected["proposal_id"])]
    is_late = among(open_lines["document_id"], selected["document_id"])
    if not is_late.any():
        return open_lines
    names = {
        document: hashlib.sha256("|".join([str(document), *sorted(ids)]).encode()).hexdigest()[:16]
        for document, ids in open_lines[is_late].groupby("document_id")["proposal_id"]
    }
    named = open_lines["document_id"].mask(is_late, open_lines["document_id"].map(names))
    return sorted_by(open_lines.assign(document_id=named), ORDER)


def deliver(
    pending: Iterator[Document], receiver: Receiver, record: Callable[[list[Document]], None], policy: RetryPolicy
) -> Delivery:
    """Deliver documents in their order; ``record`` appends a batch to the warehouse in one commit.

    A refused document is left for a later run and does not delay the others. Raises ``StageError`` if the receiver cannot be
    reached; the documents delivered before that are recorded.
    """
    delivery = Delivery()
    while batch := _offered(pending, receiver, delivery, policy):
        documents, failure = batch
        if documents:
            record(documents)
            delivery.delivered += documents
            _with_retries(partial(receiver.confirm, [document.document_id for document in documents]), policy)
        if failure is not None:
            raise failure
    return delivery


def _offered(
    pending: Iterator[Document], receiver: Receiver, delivery: Delivery, policy: RetryPolicy
) -> tuple[list[Document], StageError | None] | None:
    """Offer up to a batch; return the stored documents and the failure that ended the batch, None at the end."""
    stored: list[Document] = []
    for document in pending:
        try:
            _with_retries(partial(receiver.offer, document), policy)
            stored.append(document)
        except RefusedError as error:
            delivery.refused[document.document_id] = str(error)
        except StageError as error:
            return stored, error
        if len(stored) == BATCH:
            return stored, None
    return (stored, None) if stored else None


def _with_retries(call: Callable[[], None], policy: RetryPolicy) -> None:
    """Call until it succeeds. Raises ``StageError`` if the last attempt fails."""
    for attempt in range(1, policy.attempts + 1):
        try:
            return call()
        except NotReachedError as error:
            if attempt == policy.attempts:
                reason = f"{error}; it was tried {attempt} times, run the command again to go on"
                raise StageError("deliver", reason) from error
            policy.sleep(min(policy.wait_seconds * 2 ** (attempt - 1), _LONGEST_WAIT_SECONDS))
    return None


# The receiver is busy, is working on the key, or fails: a retry may help. Every other status is its decision.
_RETRIED = frozenset({408, 409, 425, 429})
STORES = {"file", "memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"}


def open_receiver(outbox: Outbox, recorded: set[str], token: str | None = None) -> Receiver:
    """Return the receiver that ``outbox.target`` names; ``recorded`` are the ids of documents recorded as delivered.

    ``token`` is sent to a webhook as bearer token and appears in no message. Documents of a folder that a kill left recorded
    but hidden appear now. Raises ``ConfigurationError`` without a target.
    """
    target = outbox.target
    if target is None:
        raise ConfigurationError("decisions.outbox.target: is not set; name a folder, a database URL or an address")
    scheme = urlsplit(target).scheme if files.is_url(target) else ""
    if scheme in ("http", "https"):
        return Webhook(target, token, outbox.timeout_seconds)
    if scheme and scheme not in STORES:
        return TableReceiver(SqlTable(target, outbox.table))
    receiver = FolderReceiver(Folder(target))
    receiver.confirm(sorted(recorded & receiver.hidden()))
    return receiver


@dataclass(frozen=True)
class FolderReceiver:
    """A folder: one file of canonical JSON per document, named by the document's id."""

    folder: Folder

    def offer(self, document: Document) -> None:
        """Write the document into the staging folder, which readers ignore."""
        self.folder.stage(_file(document.document_id), document.to_json() + "\n")

    def confirm(self, document_ids: Sequence[str]) -> None:
        """Publish the documents."""
        for document_id in document_ids:
            self.folder.publish(_file(document_id))

    def hidden(self) -> set[str]:
        """Return the ids of documents that were offered and are not published."""
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
        """Return at once: inserted rows are visible."""


class Webhook:
    """An HTTP address: one POST of canonical JSON per document with its id as ``Idempotency-Key``.

    If the sender is killed between the answer and the record, it repeats the POST with the same key and the same bytes; a
    receiver that honors the key acts once. Proxies and certificates come from the environment (``HTTPS_PROXY``,
    ``NO_PROXY``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR``). Redirects are not followed: token and documents go to the
    configured host alone. No message or log names the token, the query, or a user of the address or of a proxy.

    Raises
    ------
    ConfigurationError
        For an address, token, proxy or certificate file that cannot be used.

    """

    def __init__(self, url: str, token: str | None, timeout_seconds: float) -> None:
        address = urlsplit(url)
        port = f":{address.port}" if address.port else ""
        self._address = f"{address.scheme}://{address.hostname}{port}{address.path}"
        headers = {"Content-Type": "application/json", "User-Agent": "forestock"} | _authorization(token)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, queries included
        try:
            self._url = httpx.URL(url) if not token else httpx.URL(url).copy_with(userinfo=b"")
            self._client = httpx.Client(headers=headers, timeout=timeout_seconds, follow_redirects=False)
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            reason = "it, or a proxy of the environment, is no address that can be used"
            raise ConfigurationError(f"decisions.outbox.target: {self._address}: {reason}") from error
        except OSError as error:
            reason = f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read ({error.strerror or type(error).__name__})"
            raise ConfigurationError(f"decisions.outbox.target: {self._address}: {reason}") from error

    def offer(self, document: Document) -> None:
        """Post the document; 2xx takes it; 408, 409, 425, 429, 5xx and silence are retried; the rest is a refusal."""
        body, key = document.to_json().encode(), {"Idempotency-Key": document.document_id}
        try:
            answer = self._client.post(self._url, content=body, headers=key)
        except httpx.HTTPError as error:
            raise NotReachedError(f"{self._address}: {type(error).__name__}: {_cause(error)}") from None
        if answer.is_success:
            return
        message = f"{self._address} answered {answer.status_code} {answer.reason_phrase}"
        if answer.status_code in _RETRIED or answer.status_code >= 500:
            raise NotReachedError(message)
        if answer.has_redirect_location:
            message += "; redirects are not followed, so name the final address in decisions.outbox.target"
        raise RefusedError(message)

    def confirm(self, document_ids: Sequence[str]) -> None:
        """Return at once: a posted document has arrived."""


def _authorization(token: str | None) -> dict[str, str]:
    """Return the header of a bearer token, {} without one; raises ``ConfigurationError`` for one no header can carry."""
    if not token or not (plain := token.strip()):
        return {}
    if not (plain.isascii() and plain.isprintable()):
        raise ConfigurationError(
            "the token of the outbox (decisions.outbox.token_variable) has a character that no HTTP header can carry"
        )
    return {"Authorization": f"Bearer {plain}"}


def _cause(error: httpx.HTTPError) -> str:
    """Return the operating system's or TLS's reason; the text of other errors could quote an address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return getattr(cause, "verify_message", None) or cause.strerror or type(cause).__name__
        cause = cause.__cause__ or cause.__context__
    return "no answer in time" if isinstance(error, httpx.TimeoutException) else "the connection failed"


def _file(document_id: str) -> str:
    return f"{document_id}.json"
