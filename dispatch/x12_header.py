"""What the X12 forms share: parties with addresses, references, dates, and the longest values of their elements.

Not here: envelopes (``x12``), the order of segments in a transaction set (``forms``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dispatch.documents import Document
from dispatch.partner import Partner
from dispatch.x12 import Segment, sealed
from foundation.errors import InputError

REFERENCES = ("lane", "departure_id", "kind")
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
_STATE_LENGTH = 2  # N402 is for states of the USA and Canada; other subdivisions are in N405 and N406
_ADDRESS_LENGTHS = {"street": (1, 55), "city": (2, 30), "subdivision": (1, 30), "postal_code": (3, 15), "country": (2, 3)}  # fmt: skip


def x12_writer(
    set_id: str, group: str, segments: Callable[[Document, Partner], Iterator[Segment]]
) -> Callable[[list[Document], Partner], str]:
    """Return the ``write`` of a form with one transaction set ``set_id`` per document."""

    def write(documents: list[Document], partner: Partner) -> str:
        for document in documents:
            _refuse_long(document)
        return sealed(set_id, group, (list(segments(document, partner)) for document in documents), partner)

    return write


def depositor(partner: Partner, code: str) -> Segment:
    """Return the N1 of the owner of the goods, ``code`` DE (depositor) or BY (buyer)."""
    exports = partner.exports
    identity = exports.x12_depositor or exports.x12_sender
    return "N1", code, exports.x12_depositor_name or identity, "92", identity


def party(code: str, name: str, partner: Partner) -> Iterator[Segment]:
    """Yield the N1 of a place, and its N3 and N4 if its address is known."""
    # N104 has at least two characters; a shorter name is in N102 alone
    yield ("N1", code, name, "92", name) if len(name) > 1 else ("N1", code, name)
    address = partner.addresses.get(name)
    if address is None:
        return
    for field, (least, most) in _ADDRESS_LENGTHS.items():
        if (value := getattr(address, field)) and not least <= len(value) <= most:
            raise InputError(f"X12 holds a {field} of {least} to {most} characters, and {value!r} of {name} has not")
    if address.street:
        yield "N3", address.street
    is_state = len(address.subdivision) == _STATE_LENGTH
    elements = [address.city, address.subdivision if is_state else "", address.postal_code, address.country]
    if address.subdivision and not is_state:
        elements += ["SP", address.subdivision]
    while elements and not elements[-1]:
        elements.pop()
    if elements:
        yield ("N4", *elements)


def total(document: Document) -> int:
    """Return the units of the document."""
    return sum(line[2] for line in document.lines)


def plain(day: str) -> str:
    """Return ``2016-05-23`` as ``20160523``."""
    return day.replace("-", "")


def iso(day: str) -> str:
    """Return ``20160523`` as ``2016-05-23``; raises ``InputError`` if it is no date of eight digits."""
    if len(day) != 8 or not (day.isascii() and day.isdigit()):
        raise InputError(f"{day!r} is not a date as X12 writes it, for example 20160523")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


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


def reference_name(column: str) -> str:
    """Return the name of a header field in its N9 or REF: LANE, DEPARTURE, or KIND."""
    return column.removesuffix("_id").upper()
