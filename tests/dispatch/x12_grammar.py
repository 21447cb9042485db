"""A parser of X12 004010 that shares no code with the product: the order of segments, their counts, and their elements.

The tables are transcribed from the segment tables that trading partners publish for release 004010: Microsoft and Computer
Generated Solutions (940), Land O'Lakes and L&M Distribution (943, 944), AmeriCold (945), Insight and PolyOne (850), as listed
in ``docs/exports.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

Segment = list[str]
MANY = 10**6


@dataclass(frozen=True)
class Loop:
    """Segments that repeat together; the first one opens the loop."""

    items: tuple[Use | Loop, ...]
    most: int = MANY
    is_required: bool = False

    @property
    def opener(self) -> str:
        """Return the tag that opens the loop."""
        first = self.items[0]
        return first.tag if isinstance(first, Use) else first.opener


@dataclass(frozen=True)
class Use:
    """A segment at its position in a loop or in the set."""

    tag: str
    is_required: bool = False
    most: int = 1

    @property
    def opener(self) -> str:
        """Return the tag."""
        return self.tag


def _party(most: int) -> Loop:
    return Loop((Use("N1", True), Use("N2", most=2), Use("N3", most=2), Use("N4")), most)


SETS: dict[str, tuple[str, tuple[Use | Loop, ...]]] = {
    "940": ("OW", (
        Use("W05", True), _party(10), Use("N9", most=10), Use("G61", most=3), Use("G62", most=10), Use("NTE", most=20), Use("W09"),
        Use("W66", True), Use("W6"),
        Loop((Use("LX", True), Use("MAN", most=MANY), Loop((Use("W01", True), Use("G69", most=5), Use("N9", most=200), Use("W20")), MANY)), MANY, True),
        Use("W76", True),
    )),
    "943": ("AR", (
        Use("W06", True), _party(10), Use("N9", most=10), Use("G61", most=3), Use("G62", most=5), Use("NTE", most=20),
        Use("W27", True), Use("W28"), Use("W10"),
        Loop((Use("W04", True), Use("G69", most=5), Use("N9", most=200), Use("W20", most=2)), 9999, True), Use("W03", True),
    )),
    "850": ("PO", (
        Use("BEG", True), Use("CUR"), Use("REF", most=MANY), Use("PER", most=3), Use("FOB", most=MANY), Use("DTM", most=10),
        Use("TD5", most=12), Loop((Use("N1", True), Use("N2", most=2), Use("N3", most=2), Use("N4", most=MANY)), 200),
        Loop((Use("PO1", True), Use("PID", most=1000), Use("REF", most=MANY), Use("DTM", most=10)), 100_000, True),
        Loop((Use("CTT", True), Use("AMT")), 1),
    )),
    "944": ("RE", (
        Use("W17", True), _party(10), Use("N9", most=10), Use("G61", most=3), Use("G62", most=5), Use("NTE", most=20), Use("W08"),
        Loop((Use("W07", True), Use("G69", most=5), Use("N9", most=200), Use("W20", most=2), Loop((Use("W13", True), Use("N9", most=MANY)), 50)), 9999, True),
        Use("W14", True),
    )),
    "945": ("SW", (
        Use("W06", True), _party(10), Use("N9", most=10), Use("G61", most=3), Use("G62", most=5), Use("NTE", most=20), Use("W27"), Use("W10"),
        Loop((Use("LX", True), Use("MAN", most=MANY), Loop((Use("W12", True), Use("G69", most=5), Use("N9", most=200)), MANY)), MANY, True),
        Use("W03", True),
    )),
}  # fmt: skip

# Elements by segment: (kind, least, most), with ! where mandatory. ID: code, AN: text, R or N: number, DT: date.
ELEMENTS: dict[str, str] = {
    "W05": "ID1-1! AN1-22! AN1-22", "W06": "ID1-1! AN1-22 DT8-8 AN1-30 AN1-30 AN1-22",
    "W17": "ID1-1! DT8-8! AN1-12 AN1-22 AN1-30", "N1": "ID2-3! AN1-60 ID1-2 AN2-80", "N3": "AN1-55! AN1-55",
    "N4": "AN2-30 ID2-2 ID3-15 ID2-3 ID1-2 AN1-30", "N9": "ID2-3! AN1-30 AN1-45", "G62": "ID2-2! DT8-8!",
    "W66": "ID2-2! ID1-2! ID1-1 ID2-2 AN1-35 ID2-2 AN1-30 ID1-1 N1-15 ID2-4", "W27": "ID1-2! ID2-4 AN1-35",
    "LX": "N1-6!", "W01": "R1-9! ID2-2! AN12-12 ID2-2 AN1-48", "W04": "R1-10! ID2-2! AN12-12 ID2-2 AN1-48",
    "W07": "R1-7! ID2-2! AN12-12 ID2-2 AN1-48", "W12": "ID2-2! R1-9 R1-10 R1-9 ID2-2 AN12-12 ID2-2 AN1-48",
    "W13": "R1-15! ID2-2! ID2-2!", "W14": "R1-7!", "W76": "R1-10!", "W03": "R1-10!", "BEG": "ID2-2! ID2-2! AN1-22! AN1-30 DT8-8!",
    "REF": "ID2-3! AN1-30 AN1-80", "DTM": "ID3-3! DT8-8", "PO1": "AN1-20 R1-15 ID2-2 R1-17 ID2-2 ID2-2 AN1-48",
    "CTT": "N1-6! R1-10",
}  # fmt: skip
_PATTERNS = {"ID": r"[A-Za-z0-9 .-]*", "AN": r".*", "R": r"-?\d*\.?\d+", "N": r"\d+", "DT": r"\d{8}"}


@dataclass
class Parsed:
    """One transaction set: its identifier, functional group, and segments between ST and SE."""

    set_id: str
    group: str
    segments: list[Segment] = field(default_factory=list)

    def all(self, tag: str, *start: str) -> list[Segment]:
        """Return the segments of ``tag`` whose elements begin with ``start``, without their tag."""
        return [part[1:] for part in self.segments if part[0] == tag and tuple(part[1 : 1 + len(start)]) == start]


def parse(text: str) -> list[Parsed]:
    """Return the transaction sets of one interchange; raises ``AssertionError`` that names what breaks the grammar."""
    assert text[:3] == "ISA"
    element, end = text[3], text[105]
    segments = [part.strip("\r\n").split(element) for part in text.split(end) if part.strip("\r\n")]
    assert [len(part) for part in segments[0][1:]] == [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1], segments[0]
    assert [segments[0][0], segments[1][0], segments[-2][0], segments[-1][0]] == ["ISA", "GS", "GE", "IEA"]
    assert segments[-1][2] == segments[0][13]
    result: list[Parsed] = []
    for part in segments[2:-2]:
        if part[0] == "ST":
            result.append(Parsed(part[1], segments[1][1]))
        elif part[0] == "SE":
            assert part[1] == str(len(result[-1].segments) + 2), part
        else:
            result[-1].segments.append(part)
    assert segments[-2][1:] == [str(len(result)), segments[1][6]]
    for parsed in result:
        _check(parsed)
    return result


def _check(parsed: Parsed) -> None:
    group, items = SETS[parsed.set_id]
    assert parsed.group == group, (parsed.set_id, parsed.group)
    rest = _take(items, parsed.segments)
    assert rest == [], f"{parsed.set_id}: {rest[0]} is not allowed at its place"
    for part in parsed.segments:
        _check_elements(part)


def _take(items: tuple[Use | Loop, ...], segments: list[Segment]) -> list[Segment]:
    """Consume the segments that ``items`` allow in their order and return the others."""
    for item in items:
        n_taken = 0
        while segments and segments[0][0] == item.opener and n_taken < item.most:
            segments = segments[1:] if isinstance(item, Use) else _take(item.items, segments)
            n_taken += 1
        assert n_taken or not item.is_required, f"{item.opener} is missing before {segments[:1]}"
    return segments


def _check_elements(part: Segment) -> None:
    tag, *values = part
    kinds = ELEMENTS[tag].split()
    assert len(values) <= len(kinds), part
    assert not values or values[-1] != "", f"{part} ends in an empty element"
    for place, kind in enumerate(kinds):
        ((name, least, most, mark),) = re.findall(r"([A-Z]+)(\d+)-(\d+)(!?)", kind)
        value = values[place] if place < len(values) else ""
        assert value or not mark, f"{tag}{place + 1:02d} is missing in {part}"
        if not value:
            continue
        assert int(least) <= len(value) <= int(most), f"{tag}{place + 1:02d} has {len(value)} characters: {part}"
        assert re.fullmatch(_PATTERNS[name], value), f"{tag}{place + 1:02d}: {part}"
        if name == "DT":
            datetime.strptime(value, "%Y%m%d")
