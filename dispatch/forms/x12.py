"""X12 004010: 940 warehouse shipping orders to the origin, 943 stock transfer shipment advices to the destination.

One interchange, one functional group, one transaction set per document. Not here: the envelopes (``x12_envelope``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dispatch.documents import Document
from dispatch.forms.form import Form, Partner, header
from dispatch.forms.x12_envelope import Segment, sealed, unsealed
from foundation.errors import InputError

# Longest values of the data elements used, X12 004010.
_LONGEST = {
    "document_id": 22,
    "proposal_id": 30,
    "sku": 48,
    "origin": 60,
    "destination": 60,
    "lane": 45,
    "departure_id": 45,
}
_REFERENCES = ("lane", "departure_id", "kind")


def _order(document: Document) -> Iterator[Segment]:
    """Yield the segments of a 940 between ST and SE."""
    head = document.header
    yield "W05", "N", document.document_id
    yield from _parties(document)
    yield "G62", "10", _plain(head["ship_date"])
    yield "G62", "02", _plain(head["arrival_date"])
    for place, (proposal_id, sku, units) in enumerate(document.lines, 1):
        yield "LX", str(place)
        yield "W01", str(units), "EA", "", "SK", sku
        yield "N9", "LI", proposal_id
    yield "W76", str(_total(document))


def _advice(document: Document) -> Iterator[Segment]:
    """Yield the segments of a 943 between ST and SE."""
    head = document.header
    yield "W06", "N", document.document_id, _plain(head["ship_date"]), document.document_id
    yield from _parties(document)
    yield "G62", "11", _plain(head["ship_date"])
    yield "G62", "17", _plain(head["arrival_date"])
    yield "W27", "ZZ"
    for proposal_id, sku, units in document.lines:
        yield "W04", str(units), "EA", "", "SK", sku
        yield "N9", "LI", proposal_id
    yield "W03", str(_total(document))


def _parties(document: Document) -> Iterator[Segment]:
    head = document.header
    for code, name in (("SF", head["origin"]), ("ST", head["destination"])):
        # N104 has at least two signs; a shorter name stands in N102 alone
        yield ("N1", code, name, "92", name) if len(name) > 1 else ("N1", code, name)
    for name in _REFERENCES:
        yield "N9", "ZZ", name.removesuffix("_id").upper(), head[name]


def _writer(
    set_id: str, group: str, segments: Callable[[Document], Iterator[Segment]]
) -> Callable[[list[Document], Partner], str]:
    def write(documents: list[Document], partner: Partner) -> str:
        for document in documents:
            _refuse_long(document)
        return sealed(set_id, group, (list(segments(document)) for document in documents), partner)

    return write


def _reader(set_id: str, item: str) -> Callable[[str], list[Document]]:
    def read(text: str) -> list[Document]:
        return [_document(segments, item) for segments in unsealed(text, set_id)]

    return read


def _document(segments: list[Segment], item: str) -> Document:
    said: dict[str, str] = {}
    lines: list[tuple[str, str, int]] = []
    units, sku = 0, ""
    for tag, *values in segments:
        if tag in ("W05", "W06"):
            said["document_id"] = values[1]
        elif tag == "N1":
            said["origin" if values[0] == "SF" else "destination"] = values[1]
        elif tag == "G62":
            said["ship_date" if values[0] in ("10", "11") else "arrival_date"] = _iso(values[1])
        elif tag == "N9" and values[0] == "ZZ":
            said[next(name for name in _REFERENCES if name.removesuffix("_id").upper() == values[1])] = values[2]
        elif tag == item:
            units, sku = int(values[0]), values[4]
        elif tag == "N9" and values[0] == "LI":
            lines.append((values[1], sku, units))
        elif tag in ("W76", "W03") and int(values[0]) != sum(line[2] for line in lines):
            raise InputError(f"{tag}: the total of {values[0]} units is not the sum of the lines")
    return Document(header(**said), tuple(lines))


def _refuse_long(document: Document) -> None:
    head = document.header
    said = [(name, head[name]) for name in head if name in _LONGEST]
    said += [pair for line in document.lines for pair in (("proposal_id", line[0]), ("sku", line[1]))]
    for name, value in said:
        if not 0 < len(value) <= _LONGEST[name]:
            raise InputError(
                f"X12 holds {name} of 1 to {_LONGEST[name]} signs, and {value!r} has {len(value)}; give shorter names"
                " by decisions.exports.hub_column and sku_column"
            )


def _total(document: Document) -> int:
    return sum(line[2] for line in document.lines)


def _plain(day: str) -> str:
    return day.replace("-", "")


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


SHIPPING_ORDER = Form(
    "x12-940", ".x12", "X12 940 warehouse shipping orders, to the origin.", ("transfer",),
    _writer("940", "OW", _order), _reader("940", "W01"),
)  # fmt: skip
SHIPMENT_ADVICE = Form(
    "x12-943", ".x12", "X12 943 stock transfer shipment advices, to the destination.", ("transfer", "supply"),
    _writer("943", "AR", _advice), _reader("943", "W04"),
)  # fmt: skip
