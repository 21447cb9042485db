"""Servers on this machine answer only their own clients and pages."""

from __future__ import annotations

import asyncio
import base64
import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.servers import HOST, Guard, command_of, free_port, new_login, running, wait_for

LOCAL_HOSTS = ["127.0.0.1:4200", "localhost:4200", "[::1]:4200", "LOCALHOST:4200"]
FOREIGN_HOSTS = ["evil.example", "evil.example:4200", "127.0.0.1:4201", "127.0.0.1", "127.0.0.1:4200.evil.example", ""]
FOREIGN_ORIGINS = ["http://evil.example", "null", "https://127.0.0.1:4200", "http://127.0.0.1:8000", "http://localhost"]


def _answer(kind: str, *headers: tuple[str, str]) -> str:
    """Return what a guarded application answers: ``admitted`` or how it was refused."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"type": "admitted"})

    async def receive() -> dict[str, str]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(Guard(app, 4200)({"type": kind, "headers": raw}, receive, send))
    return str(sent[0].get("status", sent[0]["type"]))


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("host", [*LOCAL_HOSTS, *FOREIGN_HOSTS])
@pytest.mark.parametrize("origin", ["", "http://127.0.0.1:4200", "http://localhost:4200", *FOREIGN_ORIGINS])
def test_only_local_hosts_and_origins_are_admitted(kind: str, host: str, origin: str) -> None:
    headers = [("host", host), *([("Origin", origin)] if origin else [])]
    is_local = host in LOCAL_HOSTS and origin not in FOREIGN_ORIGINS
    refused = "403" if kind == "http" else "websocket.close"
    assert _answer(kind, *headers) == ("admitted" if is_local else refused)


def test_no_host_and_two_hosts_are_refused_and_the_lifespan_is_admitted() -> None:
    assert _answer("http") == "403"
    assert _answer("http", ("host", LOCAL_HOSTS[0]), ("host", "evil.example")) == "403"
    assert _answer("lifespan") == "admitted"


def test_every_start_generates_another_login() -> None:
    assert len({new_login() for _ in range(50)}) == 50
    assert min(len(new_login().partition(":")[2]) for _ in range(50)) >= 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """Start the server a command or ``make ui`` starts, and give its port and login."""
    folder, port, login = tmp_path_factory.mktemp("server"), free_port(), new_login()
    environment = {**os.environ, "PREFECT_HOME": str(folder), "PREFECT_SERVER_API_AUTH_STRING": login}
    log = folder / "server.log"
    with running([*command_of(port), "--no-ui"], environment, log) as process:
        wait_for(f"http://{HOST}:{port}/api/health", process, log)
        yield port, login


def _status(port: int, **headers: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request(
        "POST", "/api/deployments/filter", body="{}", headers={"Content-Type": "application/json", **headers}
    )
    answer = connection.getresponse()
    return answer.status, answer.getheader("access-control-allow-origin")


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.xdist_group("local_server")
def test_a_running_server_asks_for_its_login_and_refuses_other_sites(served: tuple[int, str]) -> None:
    port, login = served
    right = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"forestock:guess").decode()}
    assert _status(port, **right) == (200, None)
    assert _status(port)[0] == 401
    assert _status(port, **wrong)[0] == 401
    assert _status(port, **right, Origin="http://evil.example") == (403, None)
    assert _status(port, **right, Host=f"evil.example:{port}") == (403, None)


_CLIENT = """
import os, urllib.error, urllib.request
from flows.servers import prefect_server
with prefect_server():
    from prefect.client.orchestration import get_client
    with get_client(sync_client=True) as client:
        print("own", len(client.read_flows()))
    try:
        urllib.request.urlopen(os.environ["PREFECT_API_URL"] + "/admin/version")
    except urllib.error.HTTPError as error:
        print("without login", error.code)
"""


@pytest.mark.slow
@pytest.mark.prefect
def test_the_temporary_server_of_a_command_answers_the_command_alone(tmp_path: Path) -> None:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_API_")}
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", _CLIENT], env={**alone, "PREFECT_HOME": str(tmp_path)}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["own 0", "without login 401"], done.stderr
