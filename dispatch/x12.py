"""X12 interchanges of release 004010: envelopes, delimiters, control numbers, and the transaction sets between them.

Here: writing one interchange and reading any number of them. Not here: the segments of a transaction set (``forms.x12``,
``forms.x12_850``, ``receipts.x12``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dispatch.partner import Partner
from foundation.errors import InputError

Segment = tuple[str, ...]
ELEMENT, TERMINATOR = "*", "~"
# No element has components, so any character that no value uses can be announced as their separator.
COMPONENTS = ">:^|<"
VERSION = "004010"
_ISA_LENGTH = 105


@dataclass(frozen=True)
class TransactionSet:
    """One transaction set of an interchange.

    Attributes
    ----------
    set_id
        Transaction set identifier (ST01), for example ``945``.
    control
        Control numbers of interchange, group, and set (ISA13, GS06, ST02).
    sent
        Date and time of the interchange (ISA09, ISA10), for example ``20160523T0705``.
    segments
        Segments between ST and SE, each a tuple of its tag and its elements.

    """

    set_id: str
    control: tuple[str, str, str]
    sent: str
    segments: tuple[Segment, ...]


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


def unsealed(text: str, set_id: str) -> Iterator[tuple[Segment, ...]]:
    """Yield the segments between ST and SE of each transaction set; raises ``InputError`` for another transaction set."""
    for transaction_set in transaction_sets(text):
        if transaction_set.set_id != set_id:
            raise InputError(f"ST*{transaction_set.set_id}: a transaction set {set_id} must begin with ST*{set_id}")
        yield transaction_set.segments


def transaction_sets(text: str) -> list[TransactionSet]:
    """Return the transaction sets of every interchange in ``text``; envelopes are checked on the way.

    Delimiters are read from each ISA. Raises ``InputError`` for a control number or a count that does not agree, or a missing
    envelope.
    """
    result: list[TransactionSet] = []
    while True:
        interchange, text = _first_interchange(text.lstrip())
        result += _sets_of_interchange(interchange)
        if not text.strip():
            return result


def _first_interchange(text: str) -> tuple[list[Segment], str]:
    """Return the segments of the first interchange, ISA to IEA, and the text after it."""
    if not text.startswith("ISA") or len(text) <= _ISA_LENGTH:
        raise InputError("this is no X12 interchange: it does not begin with a whole ISA segment")
    element, terminator = text[3], text[_ISA_LENGTH]
    parts = text.split(terminator)
    segments: list[Segment] = []
    for place, part in enumerate(parts):
        if not part.strip():
            continue
        segments.append(tuple(part.strip("\r\n").split(element)))
        if segments[-1][0] == "IEA":
            return segments, terminator.join(parts[place + 1 :])
    raise InputError("the envelope must be ISA, GS … GE, IEA: there is no IEA")


def _sets_of_interchange(segments: list[Segment]) -> Iterator[TransactionSet]:
    isa, iea = segments[0], segments[-1]
    _agree("IEA02", iea[2:3], isa[13:14])
    n_groups, start = 0, 1
    for place in range(1, len(segments) - 1):
        if segments[place][0] == "GE":
            yield from _sets_of_group(segments[start : place + 1], isa)
            n_groups, start = n_groups + 1, place + 1
    if start != len(segments) - 1:
        raise InputError("the envelope must be ISA, GS … GE, IEA: the last group has no GE")
    _agree("IEA01", iea[1:2], (str(n_groups),))


def _sets_of_group(segments: list[Segment], isa: Segment) -> Iterator[TransactionSet]:
    gs, ge = segments[0], segments[-1]
    if gs[0] != "GS":
        raise InputError("the envelope must be ISA, GS … GE, IEA: a group does not begin with GS")
    _agree("GE02", ge[2:3], gs[6:7])
    n_sets, start = 0, 1
    for place in range(1, len(segments) - 1):
        if segments[place][0] != "SE":
            continue
        opening, closing = segments[start], segments[place]
        if opening[0] != "ST" or len(opening) < 3:
            raise InputError(f"{ELEMENT.join(opening)}: a transaction set must begin with ST")
        _agree("SE02", closing[2:3], opening[2:3])
        _agree("SE01", closing[1:2], (str(place - start + 1),))
        control, sent = (isa[13], gs[6], opening[2]), f"20{isa[9]}T{isa[10]}"
        yield TransactionSet(opening[1], control, sent, tuple(segments[start + 1 : place]))
        n_sets, start = n_sets + 1, place + 1
    if start != len(segments) - 1:
        raise InputError("the last transaction set has no SE")
    _agree("GE01", ge[1:2], (str(n_sets),))


def _agree(name: str, value: Segment, expected: Segment) -> None:
    if value != expected:
        raise InputError(f"{name} is {''.join(value) or 'missing'} and should be {''.join(expected)}")


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
