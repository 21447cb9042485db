"""The assistant's server, through the client of its own package, in memory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from forestock.mcp_server import mcp_server
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from tests.worlds.proposal_world import proposal, warehouse_with

TOOLS = {"plans", "tables", "read_table", "proposals", "explain", "why", "what_if"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a warehouse with two proposals."""
    return warehouse_with(tmp_path, proposal("aaaa1111", benefit_eur=25.0), proposal("bbbb2222", sku="rum", lane="B-C"))


def _call(settings: Settings, tool: str, **arguments: Any) -> Any:
    """Return the tool's answer; an error is its text."""

    async def answered() -> Any:
        async with Client(mcp_server(settings)) as client:
            answer = await client.call_tool(tool, arguments)
            text = "".join(part.text for part in answer.content if part.type == "text")
            return text if answer.is_error else answer.structured_content["result"] if "result" in (answer.structured_content or {}) else answer.structured_content or json.loads(text)  # fmt: skip

    return asyncio.run(answered())


def test_every_tool_is_listed_as_read_only_with_its_arguments(settings: Settings) -> None:
    async def listed() -> Any:
        async with Client(mcp_server(settings)) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(tools) == TOOLS
    assert all(tool.annotations.read_only_hint and not tool.annotations.destructive_hint for tool in tools.values())
    assert set(tools["read_table"].input_schema["properties"]) == {"table", "as_of", "where", "columns", "limit"}
    assert tools["explain"].input_schema["required"] == ["sku", "region"]
    assert "settings" not in json.dumps(tools["plans"].input_schema)


def test_plans_and_proposals_are_read(settings: Settings) -> None:
    (plan,) = _call(settings, "plans")
    assert plan["as_of"].startswith("2016-05-23")
    rows = _call(settings, "proposals")
    assert [row["proposal_id"] for row in rows] == ["bbbb2222", "aaaa1111"]
    assert rows[0]["reason"] == "because"
    assert [row["sku"] for row in _call(settings, "proposals", hub="A")] == ["tea"]
    assert _call(settings, "proposals", as_of="2016-05-23", sku="none") == []


def test_tables_are_explained_and_filtered(settings: Settings) -> None:
    known = {row["table"]: row for row in _call(settings, "tables")}
    assert known["transfer"]["grain"] == ["as_of", "proposal_id"]
    assert "(EUR)" in known["transfer"]["columns"]["benefit_eur"]
    rows = _call(settings, "read_table", table="transfer", where={"sku": "rum"}, columns=["sku", "units"])
    assert rows == [{"sku": "rum", "units": 12}]
    assert len(_call(settings, "read_table", table="transfer", limit=1)) == 1


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("read_table", {"table": "transfers"}, "did you mean 'transfer'?"),
        ("read_table", {"table": "transfer", "where": {"shop": "x"}}, "transfer has no column shop"),
        ("proposals", {"as_of": "2016-05-30"}, "has no plan of 2016-05-30"),
        ("proposals", {"as_of": "today"}, "'today' is not a date"),
        ("why", {}, "no causes have been computed yet"),
        ("what_if", {"changes": ["closed_hub=[A]"]}, "closed_hub"),
    ],
)
def test_a_mistake_is_answered_with_its_remedy(
    settings: Settings, tool: str, arguments: dict[str, Any], message: str
) -> None:
    assert message in _call(settings, tool, **arguments)


def test_no_tool_writes_a_table(settings: Settings) -> None:
    before = {path for path in Path(settings.warehouse).rglob("*.json") if "_delta_log" in str(path)}
    for tool, arguments in (("plans", {}), ("proposals", {}), ("read_table", {"table": "plan"}), ("why", {})):
        _call(settings, tool, **arguments)
    assert {path for path in Path(settings.warehouse).rglob("*.json") if "_delta_log" in str(path)} == before
    assert not Warehouse(settings).has("decision")
