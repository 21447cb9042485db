"""Numbers as text: decimal and thousands separators, signs, and currencies.

A number is read strictly: thousands separators must stand before groups of three digits, so ``1.25`` is no number where the point
separates thousands. Not here: columns that already hold numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

# (decimal, thousands), the simplest first; of forms that read the same numbers, the first is kept.
FORMS = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"))
_BLANKS = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007"), " ")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u02bc\u00b4`"), "'")
_MINUS = dict.fromkeys(map(ord, "\u2212\u2013"), "-")
_SIGNS = _BLANKS | _APOSTROPHES | _MINUS
_CURRENCY = re.compile(r"^(?:[€$£¥]|(?:EUR|USD|GBP|CHF)\b)\s*|\s*(?:[€$£¥]|\b(?:EUR|USD|GBP|CHF))$", re.IGNORECASE)


def parse_number(word: str, decimal: str = ".", thousands: str = "") -> float | None:
    """Return the number that ``word`` holds in this form; None if it holds none.

    ``(5)`` and ``5-`` are -5. A currency at either end is ignored.

    >>> parse_number("1.234,50 €", ",", "."), parse_number("5-"), parse_number("1.25", ",", ".")
    (1234.5, -5.0, None)
    """
    text = word.translate(_SIGNS).strip()
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    elif text.endswith("-") and not text.startswith("-"):
        text = f"-{text[:-1]}"
    text = re.sub(r"^([+-])\s+", r"\1", _CURRENCY.sub("", text).strip())
    sign, text = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    text = _CURRENCY.sub("", text).strip()
    match = _pattern(decimal, thousands).fullmatch(text)
    if match is None or not any(sign.isdigit() for sign in text):
        return None
    whole = match["whole"].replace(thousands, "") if thousands else match["whole"]
    return float(f"{sign}{whole or 0}.{match['part'] or 0}{match['power'] or ''}")


@lru_cache(maxsize=16)
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    grouped = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|" if thousands else ""
    return re.compile(
        rf"(?P<whole>{grouped}\d*)(?:{re.escape(decimal)}(?P<part>\d*))?(?P<power>[eE][+-]?\d+)?(?<=\d|{re.escape(decimal)})"
    )


@dataclass(frozen=True)
class NumberReading:
    """What the values of one or more columns say about the form of their numbers.

    Attributes
    ----------
    forms : tuple of (decimal, thousands)
        Forms that read every value that is a number at all, each with other numbers than the ones before; one: the form is certain.
    odd : tuple of str
        Values that are no number in any form.
    example : str
        A value that the forms read as different numbers.
    """

    forms: tuple[tuple[str, str], ...]
    odd: tuple[str, ...] = ()
    example: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether exactly one form fits."""
        return len(self.forms) == 1


def read_numbers(words: Collection[str], forms: Iterable[tuple[str, str]] = FORMS) -> NumberReading:
    """Return the forms that the distinct ``words`` can have."""
    results = {
        form: {word: value for word in words if (value := parse_number(word, *form)) is not None} for form in forms
    }
    readable = set().union(*results.values())
    kept: list[tuple[str, str]] = []
    for form, values in results.items():
        if len(values) == len(readable) and all(results[other] != values for other in kept):
            kept.append(form)
    example = ""
    if len(kept) > 1:
        example = next(word for word in sorted(readable) if len({results[form][word] for form in kept}) > 1)
    return NumberReading(
        tuple(kept) if readable else (), tuple(word for word in words if word not in readable), example
    )
