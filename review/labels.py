"""Names beside the places of a map, none over another.

Here: where a name stands. Not here: where a place is (``network``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_MOST = 120
_MARK = 10.0
# Width of a letter and height of a line, in units of the sheet, at the sizes the style sheet gives.
_LETTER = {"hub": 13.5, "region": 9.5}
_LINE = {"hub": 20.0, "region": 15.0}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Place:
    """A hub or region on the sheet; ``x`` to the right, ``y`` down."""

    code: str
    name: str
    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Label:
    """A name at ``x``, ``y`` (its baseline), beginning, centred or ending there (``anchor``)."""

    text: str
    kind: str
    x: float
    y: float
    anchor: str


def labels(places: list[Place]) -> list[Label]:
    """Return the codes of hubs, then of regions, each beside its place where nothing else is yet.

    A hub is always named; a region only where its name covers no mark and no name, and none of
    either on a map of more than 120 places.
    """
    if len(places) > _MOST:
        return []
    taken = [_around(place) for place in places]
    found = []
    for place in sorted(places, key=lambda place: place.kind != "hub"):
        free = [(label, box) for label, box in _candidates(place) if not any(_overlap(box, other) for other in taken)]
        if free or place.kind == "hub":
            label, box = free[0] if free else next(_candidates(place))
            found.append(label)
            taken.append(box)
    return found


def _candidates(place: Place) -> Iterator[tuple[Label, Box]]:
    """Yield labels to the right, to the left, above and below, with the box (left, top, right, bottom) each covers."""
    width, line = len(place.code) * _LETTER[place.kind], _LINE[place.kind]
    gap = _MARK + 3
    for anchor, x, y, left in (
        ("start", place.x + gap, place.y + line / 3, place.x + gap),
        ("end", place.x - gap, place.y + line / 3, place.x - gap - width),
        ("middle", place.x, place.y - gap, place.x - width / 2),
        ("middle", place.x, place.y + gap + line * 0.7, place.x - width / 2),
    ):
        yield (
            Label(place.code, place.kind, round(x, 1), round(y, 1), anchor),
            (left, y - line * 0.75, left + width, y + line * 0.2),
        )


def _around(place: Place) -> Box:
    return place.x - _MARK, place.y - _MARK, place.x + _MARK, place.y + _MARK


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
