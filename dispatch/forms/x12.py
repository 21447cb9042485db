"""Export forms ``x12-940`` and ``x12-943`` (X12 004010): warehouse shipping order and stock transfer shipment advice.

A released line has not left yet: the 943 is an original advice with planned dates, and nothing in it says that goods were
shipped. Not here: envelopes (``dispatch.x12``), orders to suppliers (``x12_850``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dispatch.documents import Document
from dispatch.export_form import ExportForm, header
from dispatch.partner import Partner
from dispatch.x12 import Segment, unsealed
from dispatch.x12_header import REFERENCES, depositor, iso, party, plain, reference_name, total, x12_writer
from foundation.errors import InputError


def _order(document: Document, partner: Partner) -> Iterator[Segment]:
    """Yield the segments of a 940 between ST and SE."""
    head = document.header
    yield "W05", "N", document.document_id
    yield from _parties(document, partner)
    yield "G62", "10", plain(head["ship_date"])
    yield "G62", "02", plain(head["arrival_date"])
    yield _carrier_of_order(document, partner)
    for line, (proposal_id, sku, units) in enumerate(document.lines, 1):
        yield "LX", str(line)
        yield "W01", str(units), "EA", "", "SK", sku
        yield "N9", "LI", proposal_id
    yield "W76", str(total(document))


def _advice(document: Document, partner: Partner) -> Iterator[Segment]:
    """Yield the segments of a 943 between ST and SE."""
    head = document.header
    yield "W06", "J", document.document_id, "", document.document_id
    yield from _parties(document, partner)
    yield "G62", "10", plain(head["ship_date"])
    yield "G62", "17", plain(head["arrival_date"])
    carrier = partner.carriers.get(head["lane"], partner.exports.x12_carrier)
    yield ("W27", partner.exports.x12_transport, carrier) if carrier else ("W27", partner.exports.x12_transport)
    for proposal_id, sku, units in document.lines:
        yield "W04", str(units), "EA", "", "SK", sku
        yield "N9", "LI", proposal_id
    yield "W03", str(total(document))


def _parties(document: Document, partner: Partner) -> Iterator[Segment]:
    head = document.header
    yield depositor(partner, "DE")
    yield from party("SF", head["origin"], partner)
    yield from party("ST", head["destination"], partner)
    for name in REFERENCES:
        yield "N9", "ZZ", reference_name(name), head[name]


def _carrier_of_order(document: Document, partner: Partner) -> Segment:
    exports = partner.exports
    carrier = partner.carriers.get(document.header["lane"], exports.x12_carrier)
    start = ("W66", exports.x12_freight_terms, exports.x12_transport)
    return (*start, *[""] * 7, carrier) if carrier else start


def _reader(set_id: str, item: str) -> Callable[[str], list[Document]]:
    def read(text: str) -> list[Document]:
        return [_document(segments, item) for segments in unsealed(text, set_id)]

    return read


def _document(segments: tuple[Segment, ...], item: str) -> Document:
    fields: dict[str, str] = {}
    lines: list[tuple[str, str, int]] = []
    places = {"SF": "origin", "ST": "destination"}
    units, sku = 0, ""
    for tag, *values in segments:
        if tag in ("W05", "W06"):
            fields["document_id"] = values[1]
        elif tag == "N1" and values[0] in places:
            fields[places[values[0]]] = values[1]
        elif tag == "G62":
            fields["ship_date" if values[0] == "10" else "arrival_date"] = iso(values[1])
        elif tag == "N9" and values[0] == "ZZ":
            fields[next(name for name in REFERENCES if reference_name(name) == values[1])] = values[2]
        elif tag == item:
            units, sku = int(values[0]), values[4]
        elif tag == "N9" and values[0] == "LI":
            lines.append((values[1], sku, units))
        elif tag in ("W76", "W03") and int(values[0]) != sum(line[2] for line in lines):
            raise InputError(f"{tag}: the total of {values[0]} units is not the sum of the lines")
    return Document(header(**fields), tuple(lines))


SHIPPING_ORDER = ExportForm(
    "x12-940", ".x12", "X12 940 warehouse shipping orders, to the origin.", ("transfer",),
    x12_writer("940", "OW", _order), _reader("940", "W01"),
)  # fmt: skip
SHIPMENT_ADVICE = ExportForm(
    "x12-943", ".x12", "X12 943 stock transfer shipment advices with planned dates, to the destination.", ("transfer",),
    x12_writer("943", "AR", _advice), _reader("943", "W04"),
)  # fmt: skip
