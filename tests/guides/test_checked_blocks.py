"""Blocks of the guides that cannot be executed here: what can be checked of each."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main
import yaml

from forestock.cli.main import app
from pipeline.what_if import WhatIfRequest
from tests.conventions.repository import ROOT
from tests.guides.blocks import Block, blocks_of, guide_pages

CLI = typer.main.get_command(app)
BIN = Path(sys.executable).parent


def make_targets_exist(block: Block) -> None:
    """Check that make knows the targets."""
    targets = re.findall(r"^make (\w+)", block.text, re.MULTILINE)
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607 - our own targets
    assert (done.returncode, bool(targets)) == (0, True), done.stderr


def options_exist(block: Block) -> None:
    """Check that every program knows its subcommands and options."""
    commands = [re.sub(r"^(\S+=\S+\s+)+", "", line) for line in block.text.splitlines()]
    for words in (shlex.split(line) for line in commands if line and not line.startswith("export ")):
        options = [word for word in words if word.startswith("--")]
        verbs = [
            word for word in words[: words.index(options[0]) if options else None] if re.fullmatch("[a-z-]+", word)
        ]
        if verbs[:2] == ["python", "-m"] or words[1] == "-m":
            assert words[2] == "flows.automations"
            continue
        given = [
            str(BIN / verbs[0]),
            *(["work-pool", "create"] if verbs[1:3] == ["work-pool", "create"] else verbs[1:]),
        ]
        shown = subprocess.run([*given, "--help"], capture_output=True, text=True, check=False, env={"COLUMNS": "200", "PATH": f"{BIN}:/usr/bin:/bin", "NO_COLOR": "1"})  # noqa: S603 - the page's programs  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        assert [option for option in options if option not in shown.stdout] == []


def the_extra_exists(block: Block) -> None:
    """Check that the package has the extra."""
    (extra,) = re.findall(r"forestock\[(\w+)\]", block.text)
    assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def the_assistant_starts_a_command(block: Block) -> None:
    """Check that the entry names a command of Forestock with its options."""
    entry = json.loads(block.text)["mcpServers"]["forestock"]
    assert entry["command"] == "forestock"
    _parse(entry["args"])


def shopify_fields_are_in_the_query(block: Block) -> None:
    """Check that the query has the fields that the execution form reads, and that its braces match."""
    source = (ROOT / "dispatch" / "receipts" / "shopify.py").read_text("utf-8")
    fields = set(re.findall(r'\["(\w+)"\]|get\("(\w+)"', source))
    read = {name for pair in fields for name in pair if name and not name.startswith("__")}
    assert read
    assert [name for name in sorted(read) if not re.search(rf"\b{name}\b", block.text)] == []
    assert block.text.count("{") == block.text.count("}")


def the_request_is_one_of_the_deployment(block: Block) -> None:
    """Check that ``prefect.yaml`` deploys the flow, and that it takes such a request."""
    words = shlex.split(block.text)
    flow, name = words[3].split("/")
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    assert any(one["name"] == name and one["entrypoint"].startswith(f"flows.{flow.replace('-', '_')}.") for one in deployments)  # fmt: skip
    request = json.loads(words[5].removeprefix("request="))
    assert set(request) <= set(WhatIfRequest.__dataclass_fields__)


def each_database_belongs_to_a_new_role(block: Block) -> None:
    """Check that every statement makes a role or a database, and that each database belongs to a new role."""
    statements = [" ".join(one.split()) for one in block.text.split(";") if one.strip()]
    roles = [match[1] for one in statements if (match := re.fullmatch(r"CREATE ROLE (\w+) LOGIN PASSWORD '.+'", one))]
    owners = [match[1] for one in statements if (match := re.fullmatch(r"CREATE DATABASE \w+ OWNER (\w+)", one))]
    assert len(roles) + len(owners) == len(statements)
    assert set(owners) == set(roles)


def containers_are_those_of_compose(block: Block) -> None:
    """Check that the files and services exist, and that the command in the container is one of Forestock."""
    copy, up, grant = block.text.splitlines()
    assert (ROOT / shlex.split(copy, comments=True)[1]).is_file()
    assert up.startswith("docker compose up ")
    words = shlex.split(grant)
    place = words.index("forestock")
    assert words[:3] == ["docker", "compose", "run"]
    assert words[place - 1] in yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    _parse(words[place + 1 :])


def the_workspace_answers_clients(block: Block) -> None:
    """Check that the commands parse; ``test_guides`` starts the server, asks it, decides, and stops it."""
    if block.language == "http":
        verb, place = block.text.splitlines()[0].split()
        source = (ROOT / "serve" / "routes" / "api.py").read_text("utf-8")
        prefix, route = "/api/v1", place.removeprefix("/api/v1")
        assert place.startswith(prefix)
        assert f'@router.{verb.lower()}("{route}"' in source
        assert set(json.loads(block.text.split("\n", 1)[1])) == {"verb", "lines", "units"}
        return
    for line in block.text.splitlines():
        if line.startswith("forestock "):
            _parse(shlex.split(line)[1:])


def _parse(words: list[str]) -> None:
    CLI.commands[words[0]].make_context(words[0], words[1:])  # type: ignore[attr-defined] # a group of commands


CHECKS: dict[str, Callable[[Block], None]] = {
    check.__name__: check
    for check in (
        make_targets_exist, options_exist, the_extra_exists, the_assistant_starts_a_command, shopify_fields_are_in_the_query,
        the_request_is_one_of_the_deployment, each_database_belongs_to_a_new_role, containers_are_those_of_compose,
        the_workspace_answers_clients,
    )
}  # fmt: skip
CHECKED = [block for page in guide_pages() for block in blocks_of(page) if block.check]
SLOW = {"options_exist"}  # each program takes seconds to show its options


@pytest.mark.parametrize("block", [pytest.param(one, id=str(one), marks=[pytest.mark.slow] if one.check in SLOW else []) for one in CHECKED])  # fmt: skip
def test_the_check_of_a_block_holds(block: Block) -> None:
    assert block.check in CHECKS
    CHECKS[block.check](block)
