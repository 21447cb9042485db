"""Layout of a text file from its content: encoding, delimiter, and the line of the column names.

Not here: reading the file (``foundation.store.raw_tables``).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass

from foundation.store.raw_tables import encoding_by_mark

# Letters of English, German, French, Spanish, and Dutch beyond ASCII, and signs that stand outside of words.
_LOWER = frozenset("àáâäæçèéêëìíîïñòóôöœùúûüÿßå")
_UPPER = frozenset("ÀÁÂÄÆÇÈÉÊËÌÍÎÏÑÒÓÔÖŒÙÚÛÜŸ")
_SIGNS = frozenset("€£°²³§«»®™–—“”‘’‚„…•·½¼¾±µ×\u00a0ªº¿¡´")
_ENCODINGS = ("cp1252", "cp850", "mac_roman")
_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 60


@dataclass(frozen=True)
class TextLayout:
    """Delimiter of a text file and its first rows.

    Attributes
    ----------
    delimiter : str
        Character between values.
    rows : tuple of (int, list of str)
        First rows that are not empty, each with the number of its line from 1.
    """

    delimiter: str
    rows: tuple[tuple[int, list[str]], ...]


def encodings(content: bytes) -> list[str | None]:
    """Return the encodings in which ``content`` is plausible text; ``[None]`` where it states its own or is UTF-8."""
    if encoding_by_mark(content):
        return [None]
    head = content[:4_000]
    if head.count(0) > len(head) // 4:
        return ["utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"]
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return [name for name in _ENCODINGS if _is_plausible(content, name)]
    return [None]


def _is_plausible(content: bytes, encoding: str) -> bool:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return False
    places = [place for place, sign in enumerate(text) if ord(sign) > 127][:5_000]
    return all(_fits(text[place - 1 : place], text[place], text[place + 1 : place + 2]) for place in places)


def _fits(before: str, sign: str, after: str) -> bool:
    if sign in _LOWER:
        return not before.isupper() or after.isupper() or before in "AEIOULDMNSPCBJKTVRGF"
    if sign in _UPPER:
        return not before.isalpha() or (before.isupper() and not after.islower())
    is_inside = before.isalpha() and after.isalpha() and sign not in "’´"
    return sign in _SIGNS and not is_inside


def layout_of(text: str) -> TextLayout:
    """Return the delimiter that divides the first lines of ``text`` most evenly, and the rows."""
    parsed = {delimiter: _rows(text, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: _evenness([row for _, row in parsed[delimiter]]))
    return TextLayout(best, tuple(parsed[best]))


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    head = "".join(text.splitlines(keepends=True)[: 4 * _ROWS])
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    result: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            if any(value.strip() for value in row):
                result.append((line, row))
            line = reader.line_num + 1
            if len(result) >= _ROWS:
                break
    except csv.Error:
        return []
    return result


def _evenness(rows: list[list[str]]) -> float:
    """Return how many columns most rows have, times the share of rows that have them."""
    if not rows:
        return 0.0
    lengths = Counter(len(row) for row in rows)
    n_columns, n_rows = max(lengths.items(), key=lambda item: (item[1], item[0]))
    return (n_columns > 1) * (1 + 0.05 * n_columns) * n_rows / len(rows)
