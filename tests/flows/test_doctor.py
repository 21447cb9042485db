"""``forestock doctor``: what is missing is named with its fix, nothing is left behind, and the exit code is 2."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.servers import prefect_check
from foundation.configuration import load_settings
from foundation.store.files import write_and_remove
from pipeline import doctor
from tests.flows.conftest import Command

LOGIN = "forestock:a password"


class _Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer 200 to the login, 401 to all others."""
        given = self.headers.get("Authorization", "")
        is_known = given == f"Basic {base64.b64encode(LOGIN.encode()).decode()}"
        self.send_response(200 if is_known and self.path == "/api/flows/count" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Return the address of a server that knows one login."""
    server = HTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


def _problems(*overrides: str) -> dict[str, doctor.Check]:
    settings = load_settings("demo", overrides)
    return {check.name: check for check in doctor.configuration_checks(settings) if not check.is_ok}


def test_the_demo_passes_every_check_and_leaves_no_file(cli: Command, tmp_path: Path) -> None:
    result = cli("doctor", "--config", "demo", "--set", f"warehouse={tmp_path / 'wh' / 'deep'}")
    assert result.returncode == 0, result.stdout
    assert "missing  " not in result.stdout
    for name in ("Python", "packages", "OpenMP", "time zones", "inputs", "warehouse", "MLflow", "outbox", "Prefect"):
        assert f"ok       {name}" in result.stdout
    assert "forestock validate --config demo.yaml" in result.stdout
    assert not (tmp_path / "wh").exists()


def test_whatever_is_missing_is_named_and_the_exit_code_is_2(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    place = f"warehouse={tmp_path / 'file' / 'wh'}"
    result = cli("doctor", "--config", "demo", "--set", place, "--set", f"inputs.path={tmp_path / 'nowhere'}")
    assert result.returncode == 2
    assert f"missing  inputs      {tmp_path / 'nowhere'} is not a folder" in result.stdout
    assert "fix: set inputs.path to the folder of the tables" in result.stdout
    assert "missing  warehouse" in result.stdout
    assert "fix: give this user the right to write there, or change warehouse" in result.stdout
    assert "2 missing" in result.stdout


def test_a_database_without_driver_or_file_is_named_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "out.db").write_bytes(b"")
    wrong = _problems(
        f"warehouse={tmp_path}", "tracking_uri=postgresql://user:s3cret@localhost/none",
        f"decisions.outbox.target=sqlite:///{tmp_path / 'missing.db'}",
    )  # fmt: skip
    assert set(wrong) == {"MLflow", "outbox"}
    assert wrong["MLflow"].fix == "write postgresql+psycopg://…, and pip install 'forestock[postgres]'"
    assert "s3cret" not in "".join(f"{check.detail}{check.fix}" for check in wrong.values())
    assert not _problems(f"warehouse={tmp_path}", f"decisions.outbox.target=sqlite:///{tmp_path / 'out.db'}")


def test_a_tracking_server_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    wrong = _problems(f"warehouse={tmp_path}", "tracking_uri=http://127.0.0.1:9")
    assert "start the server, or correct tracking_uri" in wrong["MLflow"].fix


@pytest.mark.parametrize(
    ("login", "text"),
    [(LOGIN, "answers"), ("forestock:wrong", "answers with status 401"), (None, "answers with status 401")],
)
def test_the_prefect_server_must_know_the_login(address: str, login: str | None, text: str) -> None:
    with temporary_settings({PREFECT_API_URL: address, PREFECT_API_AUTH_STRING: login}):
        check = prefect_check()
    assert check.detail == f"{address} {text}"
    assert check.is_ok == (login == LOGIN)


def test_a_prefect_server_that_does_not_answer_is_named() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert "does not answer (ConnectError)" in prefect_check().detail


def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "highspy":
            raise metadata.PackageNotFoundError(name)
        return "1.0" if name == "pandas" else known(name)

    monkeypatch.setattr(metadata, "version", version)
    (check,) = (check for check in doctor.environment_checks() if check.name == "packages")
    assert "highspy is not installed" in check.detail
    assert "pandas 1.0 is not" in check.detail
    assert check.fix


def test_a_store_without_its_driver_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "write_and_remove", lambda place: "Install s3fs to access S3")
    check = doctor._store_check("warehouse", "s3://bucket/warehouse", "other")
    assert check.fix == "pip install 'forestock[s3]'"


def test_a_store_is_tried_by_writing_and_deleting(tmp_path: Path) -> None:
    assert write_and_remove("memory://doctor") == ""
    assert write_and_remove(str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []
