"""Execution forms ``x12-944``, ``x12-945``, and ``x12-997`` (X12 004010): receipts, shipments, and refused documents.

A warehouse returns the proposal in N9*LI where it echoes references; otherwise the depositor order number and the SKU
identify the line. Not here: envelopes (``dispatch.x12``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from dispatch.execution_form import (
    ALL_DOCUMENTS,
    ExecutionForm,
    Report,
    Status,
    collected,
    export_receiver,
    moment,
    whole_units,
)
from dispatch.x12 import Segment, TransactionSet, transaction_sets

# Receiving conditions (W1303) of units that are not in good condition: damaged, quality, wrong product, rejected, scrapped.
_REFUSED = frozenset({"01", "04", "05", "08", "10"})
_SHORT = "02"
_REJECTED = "R"
_FORM_OF_GROUP = {"OW": "x12-940", "AR": "x12-943", "PO": "x12-850"}


@dataclass(frozen=True)
class _Head:
    """What the reports of one transaction set share."""

    place: str
    document_id: str
    time: datetime
    source: str

    def report(self, status: Status, units: int, sku: str) -> Report:
        return Report(self.place, status, units, self.time, self.source, "", self.document_id, sku)


def _reader(set_id: str, read: Callable[[TransactionSet], Iterable[Report]]) -> Callable[[str], list[Report]]:
    def of_set(part: TransactionSet) -> Iterable[Report]:
        if part.set_id != set_id:
            raise ValueError(f"it must be a {set_id}")
        return list(read(part))

    return lambda text: collected(transaction_sets(text), _place, of_set)


def _place(part: TransactionSet) -> str:
    return f"{part.set_id} {part.control[2]} of group {part.control[1]}"


def _element(segment: Segment, number: int) -> str:
    """Return element ``number`` (from 1), empty if the segment is shorter; 0 is its tag."""
    return segment[number] if number < len(segment) else ""


def _shipped(part: TransactionSet) -> Iterator[Report]:
    """Yield the reports of a 945: shipped units, and short ones where fewer were shipped than ordered."""
    head = _head(part, "W06", order=2, day=3)
    for item, proposal_id, _ in _items(part, "W12"):
        shipped = whole_units(_element(item, 3) or "0")
        ordered = whole_units(_element(item, 2)) if _element(item, 2) else shipped
        reports = [head.report("shipped", shipped, _element(item, 8))] if shipped else []
        if ordered > shipped:
            reports.append(head.report("short", ordered - shipped, _element(item, 8)))
        yield from (replace(report, proposal_id=proposal_id) for report in reports)


def _received(part: TransactionSet) -> Iterator[Report]:
    """Yield the reports of a 944: units received in good condition, refused ones, and short ones."""
    head = _head(part, "W17", order=4, day=2)
    for item, proposal_id, exceptions in _items(part, "W07"):
        received = whole_units(_element(item, 1))
        refused = sum(whole_units(_element(row, 1)) for row in exceptions if _element(row, 3) in _REFUSED)
        short = sum(whole_units(_element(row, 1)) for row in exceptions if _element(row, 3) == _SHORT)
        if refused > received:
            raise ValueError(f"W13 has {refused} units in bad condition, more than the {received} received")
        counts: dict[Status, int] = {"received": received - refused, "refused": refused, "short": short}
        for status, units in counts.items():
            if units:
                yield replace(head.report(status, units, _element(item, 5)), proposal_id=proposal_id)


def _head(part: TransactionSet, tag: str, order: int, day: int) -> _Head:
    opening = next((segment for segment in part.segments if segment[0] == tag), None)
    if opening is None:
        raise ValueError(f"it has no {tag}")
    event = {"945": "11", "944": "09"}  # G62: shipped on this date, received
    days = [_element(row, 2) for row in part.segments if row[0] == "G62" and _element(row, 1) == event[part.set_id]]
    interchange, group, number = part.control
    source = f"x12-{part.set_id} {interchange}/{group}/{number}"
    return _Head(_place(part), _element(opening, order), moment((days or [_element(opening, day)])[0]), source)


def _items(part: TransactionSet, tag: str) -> Iterator[tuple[Segment, str, list[Segment]]]:
    """Yield each item segment with the proposal of its N9*LI (or empty) and its exceptions (W13)."""
    places = [place for place, segment in enumerate(part.segments) if segment[0] == tag]
    if not places:
        raise ValueError(f"it has no {tag}")
    for place, end in zip(places, [*places[1:], len(part.segments)], strict=True):
        rest = part.segments[place + 1 : end]
        ids = [_element(row, 2) for row in rest if row[0] == "N9" and _element(row, 1) == "LI"]
        yield part.segments[place], (ids or [""])[0], [row for row in rest if row[0] == "W13"]


def _acknowledged(part: TransactionSet) -> Iterator[Report]:
    """Yield a refusal of every document that a 997 rejects; accepted documents give no report."""
    group, control, set_number = "", "", ""
    interchange, group_control, number = part.control
    source = f"x12-997 {interchange}/{group_control}/{number}"
    rejected: list[str] = []
    for segment in part.segments:
        if segment[0] == "AK1":
            group, control = _element(segment, 1), _element(segment, 2)
        elif segment[0] == "AK2":
            set_number = _element(segment, 2)
        elif segment[0] == "AK5" and _element(segment, 1) == _REJECTED:
            rejected.append(set_number)
        elif segment[0] == "AK9" and _element(segment, 1) == _REJECTED and not rejected:
            rejected = [ALL_DOCUMENTS]
    if group not in _FORM_OF_GROUP or not control.isdigit():
        raise ValueError(f"AK1*{group}*{control} acknowledges no group that Forestock exports")
    for name in rejected:
        export = export_receiver(_FORM_OF_GROUP[group], control, name.lstrip("0"))
        yield Report(_place(part), "refused", None, moment(part.sent), source, export=export)


RECEIPT = ExecutionForm("x12-944", "X12 944 warehouse stock transfer receipt advices.", _reader("944", _received))
SHIPMENT = ExecutionForm("x12-945", "X12 945 warehouse shipping advices.", _reader("945", _shipped))
ACKNOWLEDGMENT = ExecutionForm(
    "x12-997", "X12 997 functional acknowledgments: refused documents.", _reader("997", _acknowledged)
)  # fmt: skip
