"""The command ``serve``: what it prints before it serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.serve_section import Serve
from tests.serve.conftest import Site


def _printed(monkeypatch: pytest.MonkeyPatch, config: Path, *options: str) -> str:
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: None)
    ended = CliRunner().invoke(app, ["serve", "--config", str(config), *options], env={"COLUMNS": "200"})
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_a_plan_of_the_past_names_the_option_to_decide_as_of_then(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line was shown with a passed cut-off, without a word on how to try the decisions."""
    config = tmp_path / "shop.yaml"
    config.write_text(f"name: shop\nwarehouse: {site.settings.warehouse}\n")
    text = _printed(monkeypatch, config)
    assert "All cut-offs of the plan of 2016-05-23 have passed" in text
    assert f"forestock serve --config {config} --at 2016-05-23T07:00" in text
    assert "have passed" not in _printed(monkeypatch, config, "--at", "2016-05-23T07:00")


def test_links_from_other_systems_name_the_address_that_people_open() -> None:
    assert Serve(port=9_000).address("/?as_of=2016-05-23") == "http://127.0.0.1:9000/?as_of=2016-05-23"
    assert Serve(host="::1").address() == "http://[::1]:8050/"
    assert Serve(public_url="https://plan.example.com/").address("/x") == "https://plan.example.com/x"
    for wrong in ("plan.example.com", "file:///warehouse", "https://plan.example.com/path", "javascript:alert(1)"):
        with pytest.raises(ValidationError):
            Serve(public_url=wrong)
