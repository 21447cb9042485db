"""Export forms ``x12-940`` and ``x12-943`` (X12 004010): warehouse shipping order and stock transfer shipment advice.

One interchange with one functional group and one transaction set per document. Here: both sets and their envelopes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from dispatch.documents import Document
from dispatch.export_form import ExportForm, Partner, header
from foundation.errors import InputError

Segment = tuple[str, ...]
ELEMENT, TERMINATOR = "*", "~"
# No element has components, so any character that no value uses can be announced as their separator.
COMPONENTS = ">:^|<"
VERSION = "004010"
_ISA_LENGTH = 105


def sealed(set_id: str, group: str, sets: Iterable[list[Segment]], partner: Partner) -> str:
    """Return one interchange with a transaction set ``set_id`` for each of ``sets`` (segments without ST, SE).

    ``group`` is the functional identifier (GS01). The interchange control number is nine digits of the hash of all sets: equal
    content has an equal number, so a receiver that refuses known numbers refuses a repetition. Raises ``InputError`` for a
    value that X12 cannot hold.
    """
    bodies = [_body(segments) for segments in sets]
    number = f"{int(hashlib.sha256(''.join(bodies).encode()).hexdigest(), 16) % 999_999_999 + 1:09d}"
    lines = [_interchange(partner, number, _component(bodies)), _group(group, partner, number)]
    for number_of_set, body in enumerate(bodies, 1):
        control = f"{number_of_set:04d}"
        count = body.count("\n") + 2
        lines.append(f"ST*{set_id}*{control}~\n{body}SE*{count}*{control}~")
    lines += [f"GE*{len(bodies)}*{int(number)}~", f"IEA*1*{number}~"]
    return "\n".join(lines) + "\n"


def unsealed(text: str, set_id: str) -> Iterator[list[Segment]]:
    """Yield the segments between ST and SE of each transaction set; envelopes are checked on the way.

    Delimiters are read from the ISA. Raises ``InputError`` for a control number or a count that does
    not agree, another transaction set, or a missing envelope.
    """
    if not text.startswith("ISA") or len(text) <= _ISA_LENGTH:
        raise InputError("this is no X12 interchange: it does not begin with a whole ISA segment")
    element, terminator = text[3], text[_ISA_LENGTH]
    segments = [tuple(part.strip("\r\n").split(element)) for part in text.split(terminator) if part.strip()]
    if [segments[0][0], segments[1][0], segments[-2][0], segments[-1][0]] != ["ISA", "GS", "GE", "IEA"]:
        raise InputError("the envelope must be ISA, GS … GE, IEA")
    _agree("IEA02", segments[-1][2], segments[0][13])
    _agree("GE02", segments[-2][2], segments[1][6])
    _agree("IEA01", segments[-1][1], "1")
    result = list(_sets(segments[2:-2], set_id))
    _agree("GE01", segments[-2][1], str(len(result)))
    yield from result


def _sets(segments: list[Segment], set_id: str) -> Iterator[list[Segment]]:
    start = 0
    for end, segment in enumerate(segments):
        if segment[0] != "SE":
            continue
        opening = segments[start]
        if opening[:2] != ("ST", set_id):
            raise InputError(f"{'*'.join(opening)}: a transaction set {set_id} must begin with ST*{set_id}")
        _agree("SE02", segment[2], opening[2])
        _agree("SE01", segment[1], str(end - start + 1))
        yield segments[start + 1 : end]
        start = end + 1
    if start != len(segments):
        raise InputError("the last transaction set has no SE")


def _agree(name: str, value: str, expected: str) -> None:
    if value != expected:
        raise InputError(f"{name} is {value} and should be {expected}")


def _body(segments: list[Segment]) -> str:
    text = "\n".join(f"{ELEMENT.join(segment)}{TERMINATOR}" for segment in segments) + "\n"
    n_elements = sum(len(segment) - 1 for segment in segments)
    is_clean = (
        text.count(ELEMENT) == n_elements and text.count(TERMINATOR) == len(segments) == text.count("\n")
        and text.replace("\n", "").isprintable()
    )  # fmt: skip
    if not is_clean:
        value = next(value for segment in segments for value in segment if not _is_clean(value))
        raise InputError(f"X12 cannot hold {value!r}: it has * or ~ or a character that cannot be printed")
    return text


def _is_clean(value: str) -> bool:
    return value.isprintable() and not set(value) & {ELEMENT, TERMINATOR}


def _component(bodies: list[str]) -> str:
    free = [sign for sign in COMPONENTS if not any(sign in body for body in bodies)]
    if not free:
        raise InputError(f"X12 needs one of {' '.join(COMPONENTS)} as separator, and the values use all of them")
    return free[0]


def _interchange(partner: Partner, number: str, component: str) -> str:
    exports = partner.exports
    return ELEMENT.join((
        "ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{exports.x12_sender:<15}", "ZZ", f"{exports.x12_receiver:<15}",
        f"{partner.moment:%y%m%d}", f"{partner.moment:%H%M}", "U", "00401", number, "0", exports.x12_usage, f"{component}{TERMINATOR}",
    ))  # fmt: skip


def _group(group: str, partner: Partner, number: str) -> str:
    exports = partner.exports
    return (
        f"GS*{group}*{exports.x12_sender}*{exports.x12_receiver}*{partner.moment:%Y%m%d}*{partner.moment:%H%M}"
        f"*{int(number)}*X*{VERSION}~"
    )


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
    for line, (proposal_id, sku, units) in enumerate(document.lines, 1):
        yield "LX", str(line)
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
        # N104 has at least two characters; a shorter name is in N102 alone
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
    fields: dict[str, str] = {}
    lines: list[tuple[str, str, int]] = []
    units, sku = 0, ""
    for tag, *values in segments:
        if tag in ("W05", "W06"):
            fields["document_id"] = values[1]
        elif tag == "N1":
            fields["origin" if values[0] == "SF" else "destination"] = values[1]
        elif tag == "G62":
            fields["ship_date" if values[0] in ("10", "11") else "arrival_date"] = _iso(values[1])
        elif tag == "N9" and values[0] == "ZZ":
            fields[next(name for name in _REFERENCES if name.removesuffix("_id").upper() == values[1])] = values[2]
        elif tag == item:
            units, sku = int(values[0]), values[4]
        elif tag == "N9" and values[0] == "LI":
            lines.append((values[1], sku, units))
        elif tag in ("W76", "W03") and int(values[0]) != sum(line[2] for line in lines):
            raise InputError(f"{tag}: the total of {values[0]} units is not the sum of the lines")
    return Document(header(**fields), tuple(lines))


def _refuse_long(document: Document) -> None:
    head = document.header
    values = [(name, head[name]) for name in head if name in _LONGEST]
    values += [pair for line in document.lines for pair in (("proposal_id", line[0]), ("sku", line[1]))]
    for name, value in values:
        if not 0 < len(value) <= _LONGEST[name]:
            raise InputError(
                f"X12 holds {name} of 1 to {_LONGEST[name]} characters, and {value!r} has {len(value)}; give shorter names"
                " by decisions.exports.hub_column and sku_column"
            )


def _total(document: Document) -> int:
    return sum(line[2] for line in document.lines)


def _plain(day: str) -> str:
    return day.replace("-", "")


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


SHIPPING_ORDER = ExportForm(
    "x12-940", ".x12", "X12 940 warehouse shipping orders, to the origin.", ("transfer",),
    _writer("940", "OW", _order), _reader("940", "W01"),
)  # fmt: skip
SHIPMENT_ADVICE = ExportForm(
    "x12-943", ".x12", "X12 943 stock transfer shipment advices, to the destination.", ("transfer", "supply"),
    _writer("943", "AR", _advice), _reader("943", "W04"),
)  # fmt: skip
