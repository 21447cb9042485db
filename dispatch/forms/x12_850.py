"""Export form ``x12-850`` (X12 004010): purchase orders to suppliers, one per document.

Not here: transfers between hubs (``x12``), envelopes (``dispatch.x12``).
"""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.documents import Document
from dispatch.export_form import ExportForm, header
from dispatch.partner import Partner
from dispatch.x12 import Segment, unsealed
from dispatch.x12_header import REFERENCES, depositor, iso, party, plain, reference_name, total, x12_writer
from foundation.errors import InputError

_DATES = {"010": "ship_date", "002": "arrival_date"}
_PLACES = {"SU": "origin", "ST": "destination"}


def _purchase_order(document: Document, partner: Partner) -> Iterator[Segment]:
    """Yield the segments of an 850 between ST and SE."""
    head = document.header
    yield "BEG", "00", "SA", document.document_id, "", f"{partner.moment:%Y%m%d}"
    for name in REFERENCES:
        yield "REF", "ZZ", reference_name(name), head[name]
    for code, name in _DATES.items():
        yield "DTM", code, plain(head[name])
    yield depositor(partner, "BY")
    for code, name in _PLACES.items():
        yield from party(code, head[name], partner)
    for line, (proposal_id, sku, units) in enumerate(document.lines, 1):
        yield "PO1", str(line), str(units), "EA", "", "", "SK", sku
        yield "REF", "LI", proposal_id
    yield "CTT", str(len(document.lines)), str(total(document))


def _read(text: str) -> list[Document]:
    return [_document(segments) for segments in unsealed(text, "850")]


def _document(segments: tuple[Segment, ...]) -> Document:
    fields: dict[str, str] = {}
    lines: list[tuple[str, str, int]] = []
    for tag, *values in segments:
        if tag == "BEG":
            fields["document_id"] = values[2]
        elif tag == "DTM":
            fields[_DATES[values[0]]] = iso(values[1])
        elif tag == "N1" and values[0] in _PLACES:
            fields[_PLACES[values[0]]] = values[1]
        elif tag == "PO1":
            lines.append(("", values[6], int(values[1])))
        elif tag == "REF" and values[0] == "LI":
            lines[-1] = (values[1], *lines[-1][1:])
        elif tag == "REF":
            fields[next(name for name in REFERENCES if reference_name(name) == values[1])] = values[2]
        elif tag == "CTT" and values != [str(len(lines)), str(sum(line[2] for line in lines))]:
            raise InputError(f"CTT*{'*'.join(values)}: the counts of lines and units are not those of the order")
    return Document(header(**fields), tuple(lines))


PURCHASE_ORDER = ExportForm(
    "x12-850", ".x12", "X12 850 purchase orders, to the supplier.", ("supply",),
    x12_writer("850", "PO", _purchase_order), _read,
)  # fmt: skip
