"""Every released document reaches its receiver once, even if processes are killed or receivers fail."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dispatch.decide import ledger_rows
from dispatch.documents import Document, documents, released_lines
from dispatch.outbox import Delivery, RetryPolicy, deliver, open_receiver, undelivered
from foundation.decision_sections import Outbox
from foundation.errors import ConfigurationError, StageError
from tests.worlds.proposal_world import act, proposal, proposals, transfer


def _lines(*lanes: str, decided_at: pd.Timestamp | None = None) -> pd.DataFrame:
    rows = [proposal(f"{lane}-{sku}", sku=sku, lane=lane) for lane in lanes for sku in ("tea", "rum")]
    moment = act() if decided_at is None else act(decided_at)
    return released_lines(ledger_rows(proposals(*rows), "released", moment), transfer(*rows))


class Book:
    """The record of what was delivered, as the warehouse keeps it; ``fails`` before it writes."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.fails = False

    def record(self, taken: list[Document]) -> None:
        """Note the documents, or be killed."""
        if self.fails:
            raise KeyboardInterrupt
        self.rows += [(name, document.document_id) for document in taken for name in document.proposal_ids]

    @property
    def handover(self) -> pd.DataFrame:
        """The table ``handover``."""
        frame = pd.DataFrame(self.rows, columns=["proposal_id", "document_id"]).astype("str")
        return frame.assign(receiver="wms")

    @property
    def recorded(self) -> set[str]:
        """The documents noted."""
        return {document for _, document in self.rows}


def _send(lines: pd.DataFrame, book: Book, target: str, bearer: str = "secret-token", **parts: object) -> Delivery:
    """Deliver what is open to ``target``, as the release command does."""
    outbox = Outbox(target=target, receiver="wms", **parts)  # type: ignore[arg-type] # fields by name
    waits: list[float] = []
    policy = RetryPolicy(outbox.attempts, outbox.wait_seconds, waits.append)
    receiver = open_receiver(outbox, book.recorded, bearer)
    return deliver(documents(undelivered(lines, book.handover, "wms")), receiver, book.record, policy)


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.json"))


def test_a_folder_gets_one_file_per_document_exactly_once(tmp_path: Path) -> None:
    lines, book = _lines("A-B", "B-C"), Book()
    assert _send(lines, book, str(tmp_path)).n_lines == 4
    assert _files(tmp_path) == sorted(f"{name}.json" for name in lines["document_id"].unique())
    for path in tmp_path.glob("*.json"):
        path.unlink()  # the reader takes them away
    assert _send(lines, book, str(tmp_path)).delivered == []
    assert _files(tmp_path) == []


def test_a_document_killed_before_its_record_appears_once_later(tmp_path: Path) -> None:
    lines, book = _lines("A-B"), Book()
    book.fails = True
    with pytest.raises(KeyboardInterrupt):
        _send(lines, book, str(tmp_path))
    assert _files(tmp_path) == []
    book.fails = False
    _send(lines, book, str(tmp_path))
    assert len(_files(tmp_path)) == 1


def test_a_document_killed_after_its_record_appears_with_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, book = _lines("A-B"), Book()

    def killed(*names: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("foundation.store.receivers._rename", killed)
        with pytest.raises(KeyboardInterrupt):
            _send(lines, book, str(tmp_path))
    assert book.rows
    assert _files(tmp_path) == []
    assert _send(lines, book, str(tmp_path)).delivered == []
    assert len(_files(tmp_path)) == 1


def test_a_file_holds_the_canonical_record_of_its_document(tmp_path: Path) -> None:
    _send(_lines("A-B"), Book(), str(tmp_path))
    parts = json.loads(next(tmp_path.glob("*.json")).read_text("utf-8"))
    assert (parts["origin"], parts["destination"], len(parts["lines"])) == ("A", "B", 2)


def test_a_line_that_joins_a_delivered_document_gets_another_one(tmp_path: Path) -> None:
    """Another system wrote it with the same time: it must neither be lost nor repeat the others."""
    book, lines = Book(), _lines("A-B")
    _send(lines[lines["sku"] == "tea"], book, str(tmp_path))
    second = _send(lines, book, str(tmp_path))
    assert [document.proposal_ids for document in second.delivered] == [("A-B-rum",)]
    assert len(_files(tmp_path)) == 2


def test_a_table_gets_one_row_per_proposal_exactly_once(tmp_path: Path) -> None:
    url, book = f"sqlite:///{tmp_path / 'wms.db'}", Book()
    lines = _lines("A-B", "B-C")
    _send(lines, book, url)
    _send(lines, Book(), url)  # the record was lost: the key still holds
    rows = pd.read_sql("select * from forestock_shipment", sa.create_engine(url))
    assert sorted(rows["proposal_id"]) == sorted(lines["proposal_id"])
    assert rows["units"].sum() == lines["units"].sum()


def test_an_unreachable_database_is_reported_without_the_rest_of_its_address(tmp_path: Path) -> None:
    book = Book()
    with pytest.raises(StageError, match="tried 2 times") as raised:
        _send(_lines("A-B"), book, f"sqlite:///{tmp_path}/missing/wms.db?timeout=1", attempts=2)
    assert "timeout" not in str(raised.value)
    assert book.rows == []


def test_an_unknown_database_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened") as raised:
        _send(_lines("A-B"), Book(), "nosuchdb://user:hush@host/x")
    assert "hush" not in str(raised.value)


class Hook:
    """A web server on this machine that gives configured answers and records its requests."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.location = ""
        self.calls: list[tuple[str, str | None, dict]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.calls.append((self.headers["Idempotency-Key"], self.headers["Authorization"], body))
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.send_header("Content-Length", "0")
                if hook.location:
                    self.send_header("Location", hook.location)
                self.end_headers()

            def log_message(self, *values: object) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=hush"


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Start and stop a hook."""
    built = Hook()
    thread = threading.Thread(target=built.server.serve_forever, daemon=True)
    thread.start()
    yield built
    built.server.shutdown()
    built.server.server_close()


def test_a_webhook_is_posted_each_document_with_its_id_as_key(hook: Hook) -> None:
    lines, book = _lines("A-B", "B-C"), Book()
    _send(lines, book, hook.url)
    assert [call[0] for call in hook.calls] == lines["document_id"].drop_duplicates().tolist()
    assert {call[1] for call in hook.calls} == {"Bearer secret-token"}
    assert hook.calls[0][2]["document_id"] == hook.calls[0][0]
    _send(lines, book, hook.url)
    assert len(hook.calls) == 2


def test_a_failing_webhook_is_retried_with_the_same_key_and_body(hook: Hook) -> None:
    hook.answers = [503, 429, 200]
    book = Book()
    _send(_lines("A-B"), book, hook.url)
    assert len(hook.calls) == 3
    assert len({json.dumps(call) for call in hook.calls}) == 1
    assert len(book.recorded) == 1


def test_a_repetition_after_a_kill_has_the_same_key(hook: Hook) -> None:
    """A receiver that honors the key acts once: delivery at least once becomes exactly once."""
    lines, book = _lines("A-B"), Book()
    book.fails = True
    with pytest.raises(KeyboardInterrupt):
        _send(lines, book, hook.url)
    book.fails = False
    _send(lines, book, hook.url)
    assert len(hook.calls) == 2
    assert hook.calls[0] == hook.calls[1]


def test_a_refused_document_does_not_delay_the_others(hook: Hook) -> None:
    hook.answers = [422, 200]
    lines, book = _lines("A-B", "B-C"), Book()
    result = _send(lines, book, hook.url)
    assert len(result.delivered) == 1
    assert "answered 422" in next(iter(result.refused.values()))
    assert len(book.recorded) == 1


def test_an_unreachable_webhook_keeps_delivered_documents_and_names_no_secret(hook: Hook) -> None:
    hook.answers = [200, 500, 500]
    lines, book = _lines("A-B", "B-C"), Book()
    with pytest.raises(StageError, match="tried 2 times") as raised:
        _send(lines, book, hook.url, attempts=2)
    assert "hush" not in str(raised.value)
    assert "secret" not in str(raised.value)
    assert len(book.recorded) == 1
    _send(lines, book, hook.url)
    assert len(book.recorded) == 2


@pytest.fixture
def other_hook() -> Iterator[Hook]:
    """Start and stop a second hook, as another host would be."""
    built = Hook()
    threading.Thread(target=built.server.serve_forever, daemon=True).start()
    yield built
    built.server.shutdown()
    built.server.server_close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_named(hook: Hook, other_hook: Hook, status: int) -> None:
    """The token and the documents belong to the configured host alone."""
    hook.answers, hook.location = [status], other_hook.url
    result = _send(_lines("A-B"), Book(), hook.url)
    (reason,) = result.refused.values()
    assert f"answered {status}" in reason
    assert "name the final address in decisions.outbox.target" in reason
    assert "hush" not in reason
    assert other_hook.calls == []


@pytest.mark.parametrize("token", ["secret\ntoken", "secret\u00e9"])
def test_a_token_no_header_can_carry_is_refused_without_being_named(hook: Hook, token: str) -> None:
    with pytest.raises(ConfigurationError, match="no HTTP header can carry") as raised:
        _send(_lines("A-B"), Book(), hook.url, bearer=token)
    assert "secret" not in str(raised.value)
    _send(_lines("A-B"), Book(), hook.url, bearer=" secret-token\n")  # as a file of one line holds it
    assert hook.calls[0][1] == "Bearer secret-token"


def test_no_log_names_the_query_of_the_address(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _send(_lines("A-B"), Book(), hook.url)
    assert len(hook.calls) == 1
    assert "hush" not in caplog.text
    assert "secret-token" not in caplog.text


def test_the_token_takes_precedence_over_a_user_in_the_address(hook: Hook) -> None:
    _send(_lines("A-B"), Book(), hook.url.replace("http://", "http://user:hush@"))
    assert hook.calls[0][1] == "Bearer secret-token"


def test_a_proxy_of_the_environment_is_used_unless_the_host_is_exempt(
    hook: Hook, other_hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", hook.url.split("/hook")[0])
    _send(_lines("A-B"), Book(), "http://wms.test/hook")
    assert len(hook.calls) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _send(_lines("A-B"), Book(), other_hook.url)
    assert (len(hook.calls), len(other_hook.calls)) == (1, 1)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HTTP_PROXY", "socks9://user:hush@proxy.test", "a proxy of the environment"),
        ("SSL_CERT_FILE", "/nowhere/hush.pem", "SSL_CERT_FILE or SSL_CERT_DIR cannot be read"),
    ],
)
def test_an_environment_that_cannot_be_used_is_a_mistake_without_secrets(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=words) as raised:
        _send(_lines("A-B"), Book(), hook.url)
    assert "hush" not in str(raised.value)


def _certificate(folder: Path) -> Path:
    """Write a certificate of 127.0.0.1 that no public authority has signed, with its key, into one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(dt.datetime(2020, 1, 1)).not_valid_after(dt.datetime(2120, 1, 1))
    )
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(address, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text = builder.sign(key, hashes.SHA256()).public_bytes(form[0]) + key.private_bytes(*form)
    path = folder / "authority.pem"
    path.write_bytes(text)
    return path


def test_a_certificate_of_a_private_authority_is_trusted_once_the_environment_names_it(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = _certificate(tmp_path)
    context.load_cert_chain(authority)
    hook.server.socket = context.wrap_socket(hook.server.socket, server_side=True)
    secure, book = hook.url.replace("http://", "https://"), Book()
    with pytest.raises(StageError, match="self-signed certificate"):
        _send(_lines("A-B"), book, secure, attempts=1)
    assert hook.calls == []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    _send(_lines("A-B"), book, secure, attempts=1)
    assert len(book.recorded) == 1


def test_waits_between_retries_double() -> None:
    waits: list[float] = []

    class Away:
        def offer(self, document: Document) -> None:
            from foundation.store.receivers import NotReachedError

            raise NotReachedError("away")

        def confirm(self, document_ids: Sequence[str]) -> None:
            """Never come here."""

    record: Callable[[list[Document]], None] = Book().record
    with pytest.raises(StageError, match="away"):
        deliver(documents(_lines("A-B")), Away(), record, RetryPolicy(5, 0.5, waits.append))
    assert waits == [0.5, 1.0, 2.0, 4.0]
