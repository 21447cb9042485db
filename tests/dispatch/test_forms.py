"""The exported documents are what their receivers accept, by grammars and field lists that the product does not share."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime

import pandas as pd
import pytest

from dispatch.documents import HEADER_COLUMNS, Document
from dispatch.export_form import registered_forms
from dispatch.forms.erpnext import CUSTOM_FIELDS
from dispatch.partner import Address, Partner, partner_of, tables_needed, translated
from foundation.decision_sections import Exports
from foundation.errors import InputError
from tests.dispatch import receivers
from tests.dispatch.x12_grammar import Parsed, parse

FORMS = registered_forms()
MOMENT = datetime(2016, 5, 22, 18, 5)
HEAD = dict(
    zip(
        HEADER_COLUMNS,
        ("0123456789abcdef", "A-B 2016-05-23", "A-B", "transfer", "AUS", "BOS", "2016-05-23", "2016-05-25"),
        strict=True,
    )
)
TRANSFER = Document(HEAD, (("p1", "tea", 12), ("p2", "rum", 6)))
ORDER = Document(
    HEAD | {"kind": "supply", "origin": "ACME", "lane": "S-B", "departure_id": "S-B 2016-05-23"}, TRANSFER.lines
)
AUSTIN = Address("1 Main St", "Austin", "TX", "78701", "US")
SYDNEY = Address("", "Sydney", "NSW", "2000", "AU")
PLACES = Partner(Exports(), moment=MOMENT, addresses={"AUS": AUSTIN, "BOS": SYDNEY})
X12 = {"x12-940": TRANSFER, "x12-943": TRANSFER, "x12-850": ORDER}


def _parsed(form: str, partner: Partner = PLACES) -> Parsed:
    (parsed,) = parse(FORMS[form].write([X12[form]], partner))
    return parsed


@pytest.mark.parametrize("form", X12)
@pytest.mark.parametrize("carrier", ["", "ABFS"])
def test_an_independent_grammar_accepts_every_x12_form(form: str, carrier: str) -> None:
    exports = Exports(x12_carrier=carrier, x12_depositor="FOREST01", x12_depositor_name="Forest Ltd")
    parsed = _parsed(form, replace(PLACES, exports=exports))
    assert [values[3] for code in ("DE", "BY") for values in parsed.all("N1", code)] == ["FOREST01"]


def test_the_grammar_refuses_an_order_without_carrier_and_segments_out_of_order() -> None:
    """The former 940 without a carrier, and segments out of order: the grammar must be able to fail."""
    text = FORMS["x12-940"].write([TRANSFER], PLACES)
    without = text.replace("W66*PP*M~\n", "").replace("SE*22*", "SE*21*")
    with pytest.raises(AssertionError, match="W66 is missing"):
        parse(without)
    with pytest.raises(AssertionError, match=r"LX is missing|not allowed"):
        parse(
            text.replace(
                "G62*10*20160523~\nG62*02*20160525~\nW66*PP*M~", "W66*PP*M~\nG62*10*20160523~\nG62*02*20160525~"
            )
        )


def test_a_shipment_advice_is_original_and_claims_no_shipment() -> None:
    parsed = _parsed("x12-943")
    assert parsed.all("W06") == [["J", TRANSFER.document_id, "", TRANSFER.document_id]]
    assert [values[0] for values in parsed.all("G62")] == ["10", "17"]  # requested ship date, estimated delivery


def test_a_shipping_order_names_depositor_addresses_and_carrier() -> None:
    exports = Exports(x12_carrier="ABFS", x12_freight_terms="CC")
    parsed = _parsed("x12-940", replace(PLACES, exports=exports))
    assert parsed.all("W66") == [["CC", "M", "", "", "", "", "", "", "", "ABFS"]]
    assert parsed.all("N1", "DE") == [["DE", "FORESTOCK", "92", "FORESTOCK"]]
    assert parsed.all("N3") == [["1 Main St"]]
    assert parsed.all("N4") == [["Austin", "TX", "78701", "US"], ["Sydney", "", "2000", "AU", "SP", "NSW"]]


def test_the_carrier_of_a_lane_comes_before_the_usual_one() -> None:
    partner = replace(PLACES, exports=Exports(x12_carrier="ABFS"), carriers={"A-B": "UPSN"})
    assert _parsed("x12-940", partner).all("W66")[0][-1] == "UPSN"
    assert _parsed("x12-943", partner).all("W27") == [["M", "UPSN"]]


def test_an_order_to_a_supplier_is_an_850() -> None:
    parsed = _parsed("x12-850")
    assert parsed.all("BEG") == [["00", "SA", ORDER.document_id, "", "20160522"]]
    assert [values[1] for values in parsed.all("N1", "SU")] == ["ACME"]
    assert parsed.all("PO1") == [["1", "12", "EA", "", "", "SK", "tea"], ["2", "6", "EA", "", "", "SK", "rum"]]
    assert parsed.all("CTT") == [["2", "18"]]
    assert [name for name, form in FORMS.items() if "supply" in form.kinds and name.startswith("x12")] == ["x12-850"]


def test_an_address_that_x12_cannot_hold_is_named() -> None:
    partner = replace(PLACES, addresses={"AUS": replace(AUSTIN, postal_code="7")})
    with pytest.raises(InputError, match="postal_code of 3 to 15 characters, and '7' of AUS has not"):
        FORMS["x12-940"].write([TRANSFER], partner)


def _rows(form: str, document: Document, partner: Partner) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FORMS[form].write([document], partner))))


def _odoo(version: int) -> Partner:
    return Partner(Exports(odoo_version=version), moment=MOMENT, warehouses={"AUS": "Austin", "BOS": "Boston"})


@pytest.mark.parametrize("version", [17, 18, 19])
def test_odoo_knows_every_column_of_a_picking(version: int) -> None:
    first, second = _rows("odoo", TRANSFER, _odoo(version))
    moves = {name.removeprefix("move_ids/") for name in first if name.startswith("move_ids/")}
    assert {name for name in first if "/" not in name} <= receivers.ODOO_PICKING
    assert receivers.ODOO_MOVE_REQUIRED[version] <= moves <= receivers.ODOO_MOVE[version]
    assert first["picking_type_id"] == "Austin: Internal Transfers"
    assert (second["id"], second["move_ids/id"]) == ("", "forestock_p2")


@pytest.mark.parametrize("version", [17, 18, 19])
def test_odoo_knows_every_column_of_a_purchase_order(version: int) -> None:
    first, second = _rows("odoo-purchase", ORDER, _odoo(version))
    assert {name for name in first if "/" not in name} <= receivers.ODOO_ORDER[version]
    assert {name.removeprefix("order_line/") for name in first if "/" in name} <= receivers.ODOO_ORDER_LINE
    assert (first["partner_id"], first["picking_type_id"]) == ("ACME", "Boston: Receipts")
    assert (second["partner_id"], second["order_line/product_qty"]) == ("", "6")


def test_transfers_and_orders_never_share_an_odoo_file() -> None:
    """Odoo's import is all or nothing: an unknown vendor must not take the transfers with it."""
    assert (FORMS["odoo"].kinds, FORMS["odoo-purchase"].kinds) == (("transfer",), ("supply",))


@pytest.mark.parametrize("document", [TRANSFER, ORDER], ids=["transfer", "order"])
def test_erpnext_knows_every_field_of_a_material_request(document: Document) -> None:
    (request,) = json.loads(FORMS["erpnext"].write([document], Partner(Exports(), moment=MOMENT)))
    defined = {field["fieldname"] for field in CUSTOM_FIELDS}
    assert receivers.ERPNEXT_REQUEST_REQUIRED <= set(request) <= receivers.ERPNEXT_REQUEST | defined
    assert request["material_request_type"] in receivers.ERPNEXT_TYPES
    for item in request["items"]:
        assert receivers.ERPNEXT_ITEM_REQUIRED <= set(item) <= receivers.ERPNEXT_ITEM | defined
        assert item["schedule_date"] == request["schedule_date"] == "2016-05-25"
    assert request["transaction_date"] <= request["schedule_date"]  # ERPNext refuses a date required before the request


def test_erpnext_refuses_a_second_posting_of_a_document() -> None:
    (unique,) = [field for field in CUSTOM_FIELDS if field.get("unique")]
    assert (unique["dt"], unique["fieldname"], unique["no_copy"]) == ("Material Request", "custom_document_id", 1)
    text = FORMS["erpnext"].write([TRANSFER], Partner())
    assert json.loads(text)[0]["custom_document_id"] == TRANSFER.document_id


@pytest.mark.parametrize(
    ("version", "fields"),
    [("2026-04", receivers.SHOPIFY_TRANSFER), ("2027-01", receivers.SHOPIFY_TRANSFER_2026_07)],
)
def test_shopify_knows_every_field_of_a_transfer(version: str, fields: frozenset[str]) -> None:
    text = FORMS["shopify"].write([TRANSFER], Partner(Exports(shopify_version=version)))
    given = json.loads(text)["input"]
    assert set(given) <= fields
    assert all(set(item) == receivers.SHOPIFY_LINE for item in given["lineItems"])
    for metafield in given.get("metafields", ()):
        assert set(metafield) == receivers.SHOPIFY_METAFIELD
    is_known = version >= "2026-07"
    assert FORMS["shopify"].read(text)[0].proposal_ids == (("p1", "p2") if is_known else ("", ""))


def _tables() -> dict[str, pd.DataFrame]:
    hubs = pd.DataFrame(
        {"hub": ["A", "B"], "code": ["AUS", "BOS"], "house": ["Austin", "Boston"], "city": ["Austin", None]}
    )
    supply = pd.DataFrame({"supplier": ["S", "S"], "sku": ["tea", "rum"], "vendor": ["ACME", "ACME"]})
    lanes = pd.DataFrame({"lane": ["A-B", "S-B"], "scac": ["UPSN", None]})
    return {"hubs": hubs, "supply": supply, "lanes": lanes}


def test_names_addresses_warehouses_and_carriers_come_from_the_input_tables() -> None:
    exports = Exports(
        hub_column="code", supplier_column="vendor", carrier_column="scac", odoo_warehouse_column="house", x12_addresses=True
    )  # fmt: skip
    assert tables_needed(exports) == ("hubs", "supply", "lanes")
    partner = partner_of(exports, _tables(), MOMENT)
    assert partner.addresses == {"AUS": Address(city="Austin")}
    assert partner.warehouses == {"AUS": "Austin", "BOS": "Boston"}
    assert partner.carriers == {"A-B": "UPSN"}
    lines = pd.DataFrame(
        {"kind": ["transfer", "supply"], "origin": ["A", "S"], "destination": ["B", "B"], "sku": ["tea", "tea"]}
    )
    assert translated(lines, partner)[["origin", "destination"]].values.tolist() == [["AUS", "BOS"], ["ACME", "BOS"]]


def test_a_supplier_with_two_names_is_refused() -> None:
    tables = _tables()
    tables["supply"]["vendor"] = ["ACME", "ACME Ltd"]
    with pytest.raises(InputError, match=r"supply\.vendor: 'S' has two names"):
        partner_of(Exports(supplier_column="vendor"), tables, MOMENT)
