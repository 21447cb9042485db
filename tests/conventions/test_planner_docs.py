"""The pages about decisions and exports name every rule key, status, and form."""

from __future__ import annotations

import json

import pytest

from dispatch.documents import HEADER_COLUMNS, LINE_COLUMNS, Document
from dispatch.export_form import registered_forms
from dispatch.forms.odoo import HEADER_FIELDS, LINE_FIELDS, MOVE_FIELDS, ORDER_FIELDS
from dispatch.ledger import STATUSES
from dispatch.partner import Address, Partner
from foundation.decision_sections import Rule
from tests.conventions.repository import ROOT

FORMS = registered_forms()
DECISIONS = (ROOT / "docs" / "decisions-of-planners.md").read_text("utf-8")
EXPORTS = (ROOT / "docs" / "exports.md").read_text("utf-8")
DOCUMENT = Document(dict.fromkeys(HEADER_COLUMNS, "2016-05-23") | {"kind": "transfer"}, (("p", "tea", 12),))
PARTNER = Partner(addresses={"2016-05-23": Address("1 Main St", "Austin", "TX", "78701", "US")})


@pytest.mark.parametrize("key", list(Rule.model_fields))
def test_every_key_of_a_rule_is_explained(key: str) -> None:
    assert f"`{key}`" in DECISIONS


@pytest.mark.parametrize("status", STATUSES)
def test_every_state_is_on_the_page(status: str) -> None:
    assert status in DECISIONS


def test_every_form_and_canonical_field_is_explained() -> None:
    assert [name for name in (*FORMS, *LINE_COLUMNS) if f"`{name}`" not in EXPORTS] == []


@pytest.mark.parametrize("form", ["x12-940", "x12-943", "x12-850"])
def test_every_segment_a_form_writes_is_explained(form: str) -> None:
    tags = {line.split("*")[0] for line in FORMS[form].write([DOCUMENT], PARTNER).splitlines()}
    assert [tag for tag in sorted(tags) if f"`{tag}" not in EXPORTS] == []


def test_every_field_of_the_json_forms_is_explained() -> None:
    given = json.loads(FORMS["shopify"].write([DOCUMENT], Partner()))["input"]
    entry = json.loads(FORMS["erpnext"].write([DOCUMENT], Partner()))[0]
    names = [*given, *given["lineItems"][0], *entry, *entry["items"][0]]
    assert [name for name in names if name not in EXPORTS] == []
    assert [
        name for name in (*HEADER_FIELDS, *MOVE_FIELDS, *ORDER_FIELDS, *LINE_FIELDS) if f"`{name}`" not in EXPORTS
    ] == []
