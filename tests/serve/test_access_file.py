"""The access file: whatever its bytes are, the commands end in one line, and a running workspace grants nothing from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from forestock.cli.serve import _access_reader
from foundation.settings import Settings
from serve.access import Access

BROKEN = {
    "bytes that are no text": b"\xff\xfe\x00{",
    "a truncated file": b'{"people": {"ada": {"role": "pl',
    "YAML": b"people:\n  ada: {role: planner}\n",
    "a list": b"[]",
    "a number": b"7",
    "people as a list": b'{"people": []}',
    "a person without a role": b'{"people": {"ada": {}}}',
    "a person as a number": b'{"people": {"ada": 5}}',
    "an unknown role": b'{"people": {"ada": {"role": "owner"}}}',
    "a list as the role": b'{"people": {"ada": {"role": ["planner"]}}}',
    "brackets without end": b"[" * 100_000,
    "an empty file": b"",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("command", [("serve",), ("grant", "ada", "--proxy")])
def test_a_file_that_grants_no_access_ends_in_one_line(
    tmp_path: Path, command: tuple[str, ...], content: bytes
) -> None:
    place = tmp_path / "access.json"
    place.write_bytes(content)
    config = tmp_path / "shop.yaml"
    config.write_text(f"name: shop\nwarehouse: {tmp_path / 'warehouse'}\nserve: {{access_file: {place}}}\n")
    ended = CliRunner().invoke(app, [*command, "--config", str(config)], env={"COLUMNS": "200"})
    heard = ended.output.strip().splitlines()
    assert (ended.exit_code, len(heard)) == (2, 1), ended.output
    assert str(place) in heard[0]
    assert place.read_bytes() == content


def test_a_folder_in_its_place_ends_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text(f"name: shop\nserve: {{access_file: {tmp_path}}}\n")
    ended = CliRunner().invoke(app, ["serve", "--config", str(config)], env={"COLUMNS": "200"})
    assert ended.exit_code == 3
    assert len(ended.output.strip().splitlines()) == 1


def test_a_file_that_breaks_while_the_workspace_runs_grants_no_access(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now, place = [0.0], tmp_path / "access.json"
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    granted, token = Access().with_client("oms", "viewer")
    place.write_text(granted.to_text())
    read = _access_reader(Settings(serve={"access_file": str(place)}))  # type: ignore[arg-type] # a section as a dict
    assert read().by_token(token) is not None
    place.write_bytes(b"\xff\xfe")
    now[0] = 2.0
    assert read().by_token(token) is None
    assert str(place) in caplog.text
    place.write_text(json.dumps(json.loads(granted.to_text())))
    now[0] = 4.0
    assert read().by_token(token) is not None
