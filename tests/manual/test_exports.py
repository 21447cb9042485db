"""Every export form can be read back to the lines it was written from."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.decide import ledger_rows
from dispatch.documents import (
    HEADER_COLUMNS,
    LINE_COLUMNS,
    Document,
    documents,
    lines_of,
    released_lines,
    typed_lines,
    unaddressed,
)
from dispatch.export_form import ExportForm, registered_forms
from dispatch.partner import Partner, names_of, ours, translated
from foundation.decision_sections import Exports
from foundation.errors import InputError
from tests.worlds.proposal_world import act, decision, ledger, proposal, proposals, transfer

FORMS = registered_forms()
PARTNER = Partner(Exports(), moment=datetime(2016, 5, 23, 7, 5))


def _lines(*rows: dict[str, object]) -> pd.DataFrame:
    known = rows or _known("transfer")
    return released_lines(ledger_rows(proposals(*known), "released", act()), transfer(proposal("none")))


def _known(kind: str) -> tuple[dict[str, object], ...]:
    return (
        proposal("p1", sku="tea", kind=kind), proposal("p2", sku='rum, "dark"', kind=kind),
        proposal("p3", lane="B-C", sku="café", kind=kind), proposal("p4", lane="B-C", sku="a=b;c|d", kind=kind),
    )  # fmt: skip


def _read_back(form: ExportForm, lines: pd.DataFrame) -> pd.DataFrame:
    return lines_of(form.read(form.write(list(documents(lines)), PARTNER)))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_reads_back_the_lines_it_wrote(form: ExportForm) -> None:
    lines = _lines(*_known(form.kinds[0]))
    expected = typed_lines(lines.assign(**dict.fromkeys(form.lost, "")))
    pd.testing.assert_frame_equal(_read_back(form, lines), expected)


_SIGNS = st.text(st.sampled_from(list("=+-@\t\r\n'＝＋－＠ 1A(\"|,")), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.tuples(_SIGNS, _SIGNS))
def test_no_text_of_a_csv_is_a_formula_and_every_text_is_read_back(texts: tuple[str, str]) -> None:
    """A planner opens the export in a spreadsheet: an ID must never be evaluated there. JSON keeps it unchanged."""
    header = dict.fromkeys(HEADER_COLUMNS, texts[0])
    document = Document(header, (("p1", texts[1], 12),))
    written = FORMS["csv"].write([document], PARTNER)
    (row,) = list(csv.reader(io.StringIO(written, newline="")))[1:]
    assert [value for value in row if value.startswith(tuple("=+-@\t\r\n＝＋－＠"))] == []
    assert FORMS["csv"].read(written) == [document]
    record = json.loads(FORMS["json"].write([document], PARTNER))["documents"][0]
    assert record["lines"][0]["sku"] == texts[1]


@pytest.mark.parametrize(
    "form", [form for form in FORMS.values() if "supply" in form.kinds], ids=lambda form: form.name
)
def test_orders_are_exported_in_the_forms_that_support_them(form: ExportForm) -> None:
    lines = _lines(proposal("p1", lane="S-B", kind="supply"))
    assert _read_back(form, lines)[["kind", "origin", "units"]].values.tolist() == [["supply", "S", 12]]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_same_release_gives_the_same_bytes(form: ExportForm) -> None:
    """A receiver recognizes a repetition by its bytes and numbers."""
    first, second = (form.write(list(documents(_lines())), PARTNER) for _ in range(2))
    assert first == second


def test_one_release_on_one_departure_is_one_document() -> None:
    result = list(documents(_lines()))
    assert [document.header["lane"] for document in result] == ["A-B", "B-C"]
    assert [len(document.lines) for document in result] == [2, 2]
    later = ledger_rows(proposals(proposal("p9")), "released", act(act().time + pd.Timedelta(hours=1)))
    assert released_lines(later, transfer(proposal("p9")))["document_id"].item() not in {d.document_id for d in result}


def test_a_line_released_by_its_id_alone_is_looked_up() -> None:
    known = released_lines(ledger(decision("x", "released", units=18)), transfer(proposal("x")))
    assert known[["sku", "units", "lane"]].values.tolist() == [["tea", 18, "A-B"]]
    assert unaddressed(ledger(decision("lost", "released")), transfer(proposal("x"))) == ["lost"]


def test_names_of_the_other_system_are_written_and_read_back() -> None:
    hubs = pd.DataFrame({"hub": ["A", "B", "C"], "theirs": ["WH/Stock", "WH2/Stock", "WH3/Stock"]})
    partner = Partner(Exports(), names_of(hubs, "hub", "theirs"), {"tea": "T-1"})
    out = translated(_lines(), partner)
    assert out["origin"].unique().tolist() == ["WH/Stock", "WH2/Stock"]
    assert "T-1" in out["sku"].tolist()
    pd.testing.assert_frame_equal(ours(out, partner), _lines())


def test_names_that_two_places_share_are_refused() -> None:
    hubs = pd.DataFrame({"hub": ["A", "B"], "theirs": ["X", "X"]})
    with pytest.raises(InputError, match="names two hubs"):
        names_of(hubs, "hub", "theirs")
    with pytest.raises(InputError, match="no such column"):
        names_of(hubs, "hub", "other")
    with pytest.raises(InputError, match="1 rows are empty, first: B"):
        names_of(hubs.assign(theirs=["X", None]), "hub", "theirs")


def test_the_csv_has_the_columns_of_the_warehouse() -> None:
    text = FORMS["csv"].write(list(documents(_lines())), PARTNER)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == LINE_COLUMNS
    assert rows[0]["ship_date"] == "2016-05-23"


def _x12(form: str, lines: pd.DataFrame | None = None) -> str:
    return FORMS[form].write(list(documents(_lines() if lines is None else lines)), PARTNER)


def _segments(text: str) -> list[list[str]]:
    return [line.removesuffix("~").split("*") for line in text.splitlines()]


@pytest.mark.parametrize(("form", "set_id", "group"), [("x12-940", "940", "OW"), ("x12-943", "943", "AR")])
def test_an_x12_envelope_agrees_with_its_content(form: str, set_id: str, group: str) -> None:
    """ISA is 106 characters with its terminator; every trailer repeats its header's number and counts right."""
    text = _x12(form)
    assert text.index("~") == 105
    segments = _segments(text)
    isa, gs, ge, iea = segments[0], segments[1], segments[-2], segments[-1]
    assert (isa[9], isa[10], isa[11], isa[12], isa[15]) == ("160523", "0705", "U", "00401", "P")
    assert [len(part) for part in isa[1:9]] == [2, 10, 2, 10, 2, 15, 2, 15]
    assert re.fullmatch(r"\d{9}", isa[13])
    assert (gs[1], gs[4], gs[8]) == (group, "20160523", "004010")
    assert (iea[1], iea[2], ge[1], ge[2]) == ("1", isa[13], "2", gs[6])
    opened = [place for place, segment in enumerate(segments) if segment[0] == "ST"]
    closed = [place for place, segment in enumerate(segments) if segment[0] == "SE"]
    for first, last in zip(opened, closed, strict=True):
        assert segments[first][1] == set_id
        assert segments[last][1:] == [str(last - first + 1), segments[first][2]]


def test_a_shipping_order_names_document_places_dates_lines_and_total() -> None:
    text = _x12("x12-940", _lines(proposal("p1"), proposal("p2", sku="rum", units=6)))
    document = next(documents(_lines(proposal("p1"), proposal("p2", sku="rum", units=6)))).document_id
    body = text[text.index("W05") : text.index("\nSE*") + 1].replace("~\n", "~").split("~")[:-1]
    assert body == [
        f"W05*N*{document}", "N1*DE*FORESTOCK*92*FORESTOCK", "N1*SF*A", "N1*ST*B", "N9*ZZ*LANE*A-B", "N9*ZZ*DEPARTURE*A-B 2016-05-23",
        "N9*ZZ*KIND*transfer", "G62*10*20160523", "G62*02*20160525", "W66*PP*M", "LX*1", "W01*6*EA**SK*rum", "N9*LI*p2",
        "LX*2", "W01*12*EA**SK*tea", "N9*LI*p1", "W76*18",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["a*b", "a~b", "a\nb"])
def test_a_value_with_an_x12_delimiter_is_refused(value: str) -> None:
    """X12 has no escape character: a delimiter inside a value would silently break the document."""
    with pytest.raises(InputError, match="X12 cannot hold"):
        _x12("x12-940", _lines(proposal("p1", sku=value)))


def test_the_component_separator_is_a_character_no_value_uses() -> None:
    """Lanes are often called ``A>B``; a separator inside a value would split it."""
    lane = proposal("p1", lane="A>B", origin="A", destination="B")
    text = _x12("x12-940", _lines(lane))
    assert text[104] == ":"
    with pytest.raises(InputError, match="the values use all of them"):
        _x12("x12-940", _lines(lane | {"sku": ":^|<"}))


def test_a_value_too_long_for_x12_is_refused() -> None:
    with pytest.raises(InputError, match="sku of 1 to 48 characters"):
        _x12("x12-943", _lines(proposal("p1", sku="s" * 49)))


@pytest.mark.parametrize(
    ("pattern", "instead", "message"),
    [
        (r"\nSE\*(\d+)", "\nSE*3", "SE01"),
        (r"IEA\*1\*\d{9}", "IEA*1*000000001", "IEA02"),
        (r"GE\*2", "GE*1", "GE01"),
        (r"W76\*\d+", "W76*1", "the total of 1 units"),
        (r"ST\*940", "ST*945", "must begin with ST"),
        (r"^ISA", "XXX", "no X12 interchange"),
    ],
)
def test_a_damaged_interchange_is_not_read(pattern: str, instead: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        FORMS["x12-940"].read(re.sub(pattern, instead, _x12("x12-940"), count=1))


def test_a_shopify_transfer_is_the_variables_of_its_mutation() -> None:
    text = FORMS["shopify"].write(list(documents(_lines(proposal("p1")))), PARTNER)
    given = json.loads(text)["input"]
    names = {"referenceName", "originLocationId", "destinationLocationId", "note", "tags", "lineItems", "metafields"}
    assert set(given) == names
    assert given["lineItems"] == [{"inventoryItemId": "tea", "quantity": 12}]


def test_an_erpnext_request_is_for_a_transfer_and_moves_no_stock() -> None:
    partner = Partner(Exports(erpnext_company="Forest Ltd"))
    request = json.loads(FORMS["erpnext"].write(list(documents(_lines(proposal("p1")))), partner))[0]
    head = (request["doctype"], request["material_request_type"], request["company"], request["schedule_date"])
    assert head == ("Material Request", "Material Transfer", "Forest Ltd", "2016-05-25")
    item = request["items"][0]
    assert (item["item_code"], item["qty"], item["from_warehouse"], item["warehouse"]) == ("tea", 12, "A", "B")


def test_an_odoo_picking_has_its_header_on_the_first_row_alone() -> None:
    text = FORMS["odoo"].write(list(documents(_lines(proposal("p1"), proposal("p2", sku="rum")))), PARTNER)
    first, second = list(csv.DictReader(io.StringIO(text)))
    assert (first["picking_type_id"], first["location_id"], first["move_ids/product_id"]) == (
        "A: Internal Transfers",
        "A",
        "rum",
    )
    assert (second["id"], second["location_id"], second["move_ids/product_id"]) == ("", "", "tea")
