"""The image and the services of ``compose.yaml``, checked as far as this needs no Docker: the files agree with one another.

``make test-services`` starts the services with the same script, ``deploy/start``.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.conventions.repository import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
START = ROOT / "deploy" / "start"


def _started(role: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        [str(START), role],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_service_has_a_role_of_the_start_script() -> None:
    roles = set(re.findall(r"^(\w+)\)$", START.read_text("utf-8"), re.MULTILINE))
    assert {service["command"][1] for service in OURS.values()} == roles
    assert all(service["command"][0] == "deploy/start" for service in OURS.values())


@pytest.mark.parametrize(
    ("role", "variable"),
    [("prefect", "PREFECT_API_DATABASE_CONNECTION_URL"), ("mlflow", "MLFLOW_BACKEND_STORE_URI"),
     ("register", "FORESTOCK_CONFIG"), ("workspace", "FORESTOCK_CONFIG")],
)  # fmt: skip
def test_a_service_names_the_variable_that_it_lacks(role: str, variable: str) -> None:
    """A server without its database would start with SQLite in a container that forgets it."""
    done = _started(role, {})
    assert done.returncode != 0
    assert f"{variable}: names " in done.stderr
    service = next(service for service in OURS.values() if service["command"][1] == role)
    assert variable in service["environment"]


def test_an_unknown_role_is_refused_with_the_roles() -> None:
    done = _started("scheduler", {})
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: deploy/start prefect|mlflow|register|worker|workspace" in done.stderr


def test_pages_are_published_on_this_machine_only_and_containers_cannot_change_themselves() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_no_password_is_in_the_files() -> None:
    """Compose stops where a variable of the environment is missing, and says which."""
    required = set(re.findall(r"\$\{(\w+):\?set it in \.env\}", (ROOT / "compose.yaml").read_text("utf-8")))
    example = dict(
        line.split("=", 1)
        for line in (ROOT / "deploy" / "example.env").read_text("utf-8").splitlines()
        if line[0] != "#"
    )
    assert required == set(example)
    assert not any(example.values())
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or ("URL" in name and "@" in str(value)):
                assert re.search(r"\$\{\w+_PASSWORD:\?", str(value)), name


def test_services_wait_for_those_that_they_need() -> None:
    for service in SERVICES.values():
        for other, state in service.get("depends_on", {}).items():
            needs_check = state["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other] if needs_check else SERVICES[other]["restart"] == "no"


def test_every_volume_is_declared_or_a_folder_of_the_user() -> None:
    names = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    folders = {name for name in names if name.startswith(("${", "./"))}
    assert names - folders == set(COMPOSE["volumes"])
    assert all((ROOT / name).exists() for name in folders if name.startswith("./"))


def test_the_image_is_pinned_installs_the_lock_file_and_does_not_run_as_root() -> None:
    steps = [line.split(None, 1) for line in DOCKERFILE if line and line[0] not in "# "]
    assert steps[0] == ["FROM", "python:3.12-slim-bookworm"]
    assert ["RUN", "make setup PYTHON=python3"] in steps
    assert [value for step, value in steps if step == "USER"] == ["forestock"]
    assert steps.index(["USER", "forestock"]) < steps.index(["RUN", "make setup PYTHON=python3"])
    ignored = set((ROOT / ".dockerignore").read_text("utf-8").split())
    assert {".git", ".venv", "warehouse"} <= ignored
    assert not ignored & {"configs", "samples", "deploy", "flows", "automations", "prefect.yaml", "requirements.lock"}
