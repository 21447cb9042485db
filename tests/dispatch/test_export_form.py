"""Export forms are found without a list, those of Forestock and those of installed packages."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dispatch.documents import lines_of
from dispatch.export_form import form_named, registered_forms
from forestock.cli.main import add_commands
from foundation.errors import ConfigurationError
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.proposal_world import proposal, warehouse_with

HOW_TO = "add-an-export-form"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of the how-to page."""
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path / "packages", code_blocks(HOW_TO, "python")[0], project, monkeypatch)


def test_the_how_to_page_adds_a_form_that_the_command_writes(installed: None, tmp_path: Path) -> None:
    built = warehouse_with(tmp_path, proposal("aaaa1111"), proposal("bbbb2222", sku="rum"))
    (tmp_path / "c.yaml").write_text(f"name: x\nwarehouse: {built.warehouse}\n", "utf-8")
    app = typer.Typer()
    add_commands(app)

    def run(*words: str) -> str:
        given = [words[0], "--config", str(tmp_path / "c.yaml"), "--as-of", "2016-05-23", *words[1:]]
        result = CliRunner().invoke(app, given)
        assert result.exit_code == 0, result.output
        return result.output

    run("approve", "--all", "--at", "2016-05-23T07:00", "--by", "Ada")
    run("release", "--at", "2016-05-23T07:00", "--by", "Ada")
    run("export", "--form", "tab", "--output", str(tmp_path / "lines.tsv"))
    lines = lines_of(registered_forms()["tab"].read((tmp_path / "lines.tsv").read_text("utf-8")))
    assert lines["proposal_id"].tolist() == ["bbbb2222", "aaaa1111"]
    assert lines["units"].tolist() == [12, 12]
    run("export", "--form", "tab")
    (written,) = Path(built.warehouse, "exports").iterdir()
    assert written.name == "tab-2016-05-23.tsv"


def test_the_test_on_the_how_to_page_passes(installed: None) -> None:
    assert page_test(HOW_TO)() is None  # its own assertions passed


def test_an_unknown_form_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"--form: there is no 'x12-90' \(did you mean 'x12-940'\?\); known"):
        form_named("x12-90")
    assert {"csv", "erpnext", "json", "odoo", "odoo-purchase", "shopify", "x12-850", "x12-940", "x12-943"} <= set(
        registered_forms()
    )
