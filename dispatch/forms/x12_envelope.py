"""X12 envelopes: ISA/GS/ST … SE/GE/IEA with control numbers and counts, written and checked.

Not here: what a transaction set says (``x12``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from dispatch.forms.form import Partner
from foundation.errors import InputError

Segment = tuple[str, ...]
ELEMENT, TERMINATOR = "*", "~"
# No element here has components: any sign the values do not use may be announced as their separator.
COMPONENTS = ">:^|<"
VERSION = "004010"
_ISA_LENGTH = 105


def sealed(set_id: str, group: str, sets: Iterable[list[Segment]], partner: Partner) -> str:
    """Return one interchange with a transaction set ``set_id`` for each of ``sets`` (segments without ST, SE).

    ``group`` is the functional identifier (GS01). The interchange control number is nine digits of the
    hash of all sets: the same content carries the same number, so a receiver that refuses a number it
    has seen refuses a repetition. Raises ``InputError`` for a value X12 cannot hold.
    """
    bodies = [_body(segments) for segments in sets]
    number = f"{int(hashlib.sha256(''.join(bodies).encode()).hexdigest(), 16) % 999_999_999 + 1:09d}"
    lines = [_interchange(partner, number, _component(bodies)), _group(group, partner, number)]
    for place, body in enumerate(bodies, 1):
        control = f"{place:04d}"
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
    found = list(_sets(segments[2:-2], set_id))
    _agree("GE01", segments[-2][1], str(len(found)))
    yield from found


def _sets(segments: list[Segment], set_id: str) -> Iterator[list[Segment]]:
    start = 0
    for place, segment in enumerate(segments):
        if segment[0] != "SE":
            continue
        opening = segments[start]
        if opening[:2] != ("ST", set_id):
            raise InputError(f"{'*'.join(opening)}: a transaction set {set_id} must begin with ST*{set_id}")
        _agree("SE02", segment[2], opening[2])
        _agree("SE01", segment[1], str(place - start + 1))
        yield segments[start + 1 : place]
        start = place + 1
    if start != len(segments):
        raise InputError("the last transaction set has no SE")


def _agree(name: str, said: str, expected: str) -> None:
    if said != expected:
        raise InputError(f"{name} is {said} and should be {expected}")


def _body(segments: list[Segment]) -> str:
    text = "\n".join(f"{ELEMENT.join(segment)}{TERMINATOR}" for segment in segments) + "\n"
    n_elements = sum(len(segment) - 1 for segment in segments)
    is_clean = (
        text.count(ELEMENT) == n_elements and text.count(TERMINATOR) == len(segments) == text.count("\n")
        and text.replace("\n", "").isprintable()
    )  # fmt: skip
    if not is_clean:
        value = next(value for segment in segments for value in segment if not _is_clean(value))
        raise InputError(f"X12 cannot hold {value!r}: it has * or ~ or a sign that cannot be printed")
    return text


def _is_clean(value: str) -> bool:
    return value.isprintable() and not set(value) & {ELEMENT, TERMINATOR}


def _component(bodies: list[str]) -> str:
    free = [sign for sign in COMPONENTS if not any(sign in body for body in bodies)]
    if not free:
        raise InputError(f"X12 needs one of {' '.join(COMPONENTS)} as separator, and the names use all of them")
    return free[0]


def _interchange(partner: Partner, number: str, component: str) -> str:
    said = partner.exports
    return ELEMENT.join((
        "ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{said.x12_sender:<15}", "ZZ", f"{said.x12_receiver:<15}",
        f"{partner.moment:%y%m%d}", f"{partner.moment:%H%M}", "U", "00401", number, "0", said.x12_usage, f"{component}{TERMINATOR}",
    ))  # fmt: skip


def _group(group: str, partner: Partner, number: str) -> str:
    said = partner.exports
    return (
        f"GS*{group}*{said.x12_sender}*{said.x12_receiver}*{partner.moment:%Y%m%d}*{partner.moment:%H%M}"
        f"*{int(number)}*X*{VERSION}~"
    )
