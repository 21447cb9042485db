"""The documentation matches the code: commands, settings, links, columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml
from pydantic import BaseModel

from forestock.cli.main import app
from foundation.settings import Settings
from foundation.tables.columns import COLUMNS
from foundation.tables.model import Kind
from pipeline.configuration import load_settings
from tests.conventions.repository import ROOT, files, relative

DOCS = ROOT / "docs"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined] # a group of commands
PAGES = [
    path
    for path in files(".md")
    if relative(path).split("/")[0] in {"README.md", "CHANGELOG.md", "docs", "samples", "benchmarks"}
]
ENDINGS = {
    "units": r"(^|_)units(_|$)",
    "EUR": r"(^|_)eur(_|$)",
    "days": r"_days$",
    "rate": r"(_rate|_rate_before|_probability|_correlation|_rate_per_year)$",
    "kg": r"(_kg|^kg_co2e)$",
    "l": r"_l$",
    "km": r"_km$",
    "kg/(t km)": r"^kg_co2e_per_t_km$",
    "degrees": r"itude$",
}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_helps_with_an_example(command: str) -> None:
    assert f"Example:  forestock {command}" in (COMMANDS[command].help or "")


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_has_a_target(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    here = [link.split("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [link for link in here if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text("utf-8") + (DOCS / "decisions" / "README.md").read_text("utf-8")
    assert [
        path.name for path in sorted(DOCS.rglob("*.md")) if path.name != "README.md" and f"{path.name})" not in index
    ] == []


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=relative)
def test_every_bundled_configuration_is_valid(path: Path) -> None:
    assert isinstance(load_settings(path), Settings)


def _keys(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Return the published sentence of every key, by dotted path; sections have none."""
    result: dict[str, str] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            result |= _keys(field.annotation, f"{prefix}{name}.")
        else:
            result[f"{prefix}{name}"] = field.description or ""
    return result


def test_every_setting_has_a_sentence() -> None:
    assert [key for key, sentence in _keys(Settings).items() if not sentence.endswith(".")] == []


def test_the_production_example_explains_every_key() -> None:
    text = (ROOT / "configs" / "production.yaml").read_text("utf-8")
    flat = " ".join(line.strip().removeprefix("# ") for line in text.splitlines())
    given = yaml.safe_load(text)
    for key, sentence in _keys(Settings).items():
        place = given
        for part in key.split("."):
            assert part in place, key
            place = place[part]
        assert sentence in flat, key


def test_a_quantity_ends_in_its_unit() -> None:
    measured = [column for column in COLUMNS.values() if column.unit]
    assert [column.name for column in measured if not re.search(ENDINGS[column.unit], column.name)] == []


def test_a_column_is_named_by_its_kind() -> None:
    for column in COLUMNS.values():
        assert (column.kind is Kind.FLAG) == column.name.startswith(("is_", "has_")), column.name
        if column.kind is Kind.DATE:
            assert column.name.endswith("date") or column.name in {"as_of", "frozen_until"}, column.name
        assert column.text.endswith("."), column.name


def test_the_glossary_defines_each_word_once_in_order() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (DOCS / "glossary.md").read_text("utf-8"), re.M)
    plain = [word.lower().replace("_", " ") for word in words]
    assert plain == sorted(set(plain))
