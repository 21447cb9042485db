"""Profiles of files: the layout of each file or sheet (encoding, delimiter, header), and what the values of its columns look like.

Not here: reading a file (``foundation.store.raw_tables``), which table it is (``recognition``).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import shown
from foundation.mapping.conversion import is_text
from foundation.mapping.dates import CANDIDATES, WEEKS, DateReading, read_dates
from foundation.mapping.numbers import NumberReading, read_numbers
from foundation.store.raw_tables import (
    Layout,
    data_files,
    decoded,
    encoding_by_mark,
    kind_of,
    raw_bytes,
    read_raw,
    sheet_names,
    sheet_rows,
)
from foundation.validation.input_table import UnreadableError
from pipeline.new_project.header_words import (
    FIELDS,
    WEEK_WORDS,
    header_place,
    is_empty_word,
    is_total_word,
    match,
    normalized,
)

_MOST_WORDS = 20_000
_FIRST_WORDS = 50
# Letters of English, German, French, Spanish, and Dutch beyond ASCII, and signs that stand outside of words.
_LOWER = frozenset("àáâäæçèéêëìíîïñòóôöœùúûüÿßå")
_UPPER = frozenset("ÀÁÂÄÆÇÈÉÊËÌÍÎÏÑÒÓÔÖŒÙÚÛÜŸ")
_SIGNS = frozenset("€£°²³§«»®™–—“”‘’‚„…•·½¼¾±µ×\u00a0ªº¿¡´")
_ENCODINGS = ("cp1252", "cp850", "mac_roman")
_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 60


@dataclass(frozen=True)
class ColumnProfile:
    """A column of a file.

    Attributes
    ----------
    name : str
        Its header.
    values : pyarrow.ChunkedArray
        Its values as they were read.
    """

    name: str
    values: pa.ChunkedArray = field(repr=False)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Distinct texts of the column without texts that stand for no value and words such as Total; empty for typed columns."""
        if not is_text(self.values.type):
            return ()
        words = pc.unique(pc.utf8_trim_whitespace(self.values.drop_null())).to_pylist()
        return tuple(
            word for word in words[:_MOST_WORDS] if word and not is_empty_word(word) and not is_total_word(word)
        )

    @cached_property
    def empty_words(self) -> tuple[str, ...]:
        """Texts of the column that stand for no value."""
        return self._special(is_empty_word)

    @cached_property
    def total_words(self) -> tuple[str, ...]:
        """Texts of the column that mark a row of totals."""
        return self._special(is_total_word)

    def _special(self, check: object) -> tuple[str, ...]:
        if not is_text(self.values.type):
            return ()
        words = pc.unique(pc.utf8_trim_whitespace(self.values.drop_null())).to_pylist()
        return tuple(word for word in words if word and check(word))  # type: ignore[operator] # one of the two checks

    @cached_property
    def ids(self) -> frozenset[str]:
        """Distinct values as texts."""
        if is_text(self.values.type):
            return frozenset(self.words)
        return frozenset(str(value) for value in pc.unique(self.values.drop_null()).to_pylist()[:_MOST_WORDS])

    @cached_property
    def n_distinct(self) -> int:
        """Number of distinct values."""
        return len(self.ids)

    @cached_property
    def dates(self) -> DateReading:
        """Which formats of dates its texts can have; certain and without a format for typed dates."""
        if pa.types.is_timestamp(self.values.type) or pa.types.is_date(self.values.type):
            return DateReading(("",))
        if pa.types.is_integer(self.values.type):
            return self._read_dates(sorted(self.ids))
        return self._read_dates(self.words)

    def _read_dates(self, words: Sequence[str]) -> DateReading:
        formats = (*CANDIDATES, *(WEEKS if self.is_week else ()))
        first = words[:_FIRST_WORDS]
        if len(read_dates(first, formats).odd) == len(first):  # most columns hold no dates
            return DateReading((), tuple(words))
        return read_dates(words, formats)

    @property
    def is_week(self) -> bool:
        """Whether the header names a week."""
        return bool(WEEK_WORDS & set(normalized(self.name).split()))

    @cached_property
    def numbers(self) -> NumberReading:
        """Which forms of numbers its texts can have; certain for typed numbers."""
        if (
            pa.types.is_integer(self.values.type)
            or pa.types.is_floating(self.values.type)
            or pa.types.is_decimal(self.values.type)
        ):
            return NumberReading(((".", ""),))
        return read_numbers(self.words) if self.words else NumberReading(())

    @property
    def is_date(self) -> bool:
        """Whether nearly all values are dates of one form."""
        return bool(self.dates.formats) and self._is_little(len(self.dates.odd))

    @property
    def is_number(self) -> bool:
        """Whether nearly all values are numbers."""
        has_form = bool(self.numbers.forms) or bool(_numeric_words(self.words))
        return has_form and self._is_little(len(self.numbers.odd))

    def _is_little(self, n_odd: int) -> bool:
        """Return whether the odd values are few, so that a typing mistake does not hide what a column is."""
        return n_odd <= max(3, 0.02 * self.n_distinct) and n_odd < 0.4 * max(self.n_distinct, 1)


def _numeric_words(words: Sequence[str]) -> list[str]:
    return [word for word in words if word[:1].isdigit() and any(sign in word for sign in ".,")]


@dataclass(frozen=True)
class FileProfile:
    """A file, or a sheet of one.

    Attributes
    ----------
    path : str
        The file.
    layout : Layout
        Where its values are.
    columns : tuple of ColumnProfile
        Its columns.
    n_rows : int
        Number of rows.
    n_sheets : int
        Number of sheets of the file; 0 for other files.
    """

    path: str
    layout: Layout
    columns: tuple[ColumnProfile, ...]
    n_rows: int
    n_sheets: int = 0

    @property
    def name(self) -> str:
        """Name of the file, with the sheet where there are several."""
        name = self.path.rpartition("/")[2]
        return f"{name}, sheet {self.layout.sheet}" if self.n_sheets > 1 else name

    def row_hashes(self) -> np.ndarray:
        """Return a hash of every row over all columns, uint64 (n_rows)."""
        frame = pd.DataFrame({place: column.values.to_pandas() for place, column in enumerate(self.columns)})
        return pd.util.hash_pandas_object(frame.astype("str"), index=False).to_numpy()

    def example(self, header: str) -> str:
        """Return the first value of a column as text."""
        values = next((column.values for column in self.columns if column.name == header), None)
        if values is None or values.null_count == len(values):
            return ""
        return shown(values.drop_null()[0].as_py())


@dataclass(frozen=True)
class Unread:
    """A file that cannot be proposed, and what to do.

    Attributes
    ----------
    path : str
        The file.
    problem, remedy : str
        What is wrong, and what to do.
    """

    path: str
    problem: str
    remedy: str


def profiles(folder: str) -> tuple[list[FileProfile], list[Unread]]:
    """Return the profiles of the files in a folder, and the files that cannot be read with what to do."""
    read: list[FileProfile] = []
    unread: list[Unread] = []
    for path in data_files(folder):
        for result in _profiles_of(path):
            (read if isinstance(result, FileProfile) else unread).append(result)  # type: ignore[arg-type] # by its type
    return read, unread


def _profiles_of(path: str) -> Iterator[FileProfile | Unread]:
    try:
        kind = kind_of(path)
        if kind == "csv":
            yield _text_profile(path)
        elif kind == "excel":
            yield from _sheet_profiles(path)
        else:
            yield _profile(path, Layout())
    except UnreadableError as error:
        yield Unread(path, error.problem, error.remedy)
    except Exception as error:  # any reader may fail in its own way on a broken file
        yield Unread(
            path,
            f"cannot be read ({next(iter(str(error).splitlines()), type(error).__name__)[:120]})",
            "write it again",
        )


def _text_profile(path: str) -> FileProfile | Unread:
    content = raw_bytes(path)
    if not content.strip():
        return Unread(path, "is an empty file", "write it again")
    possible = encodings(content)
    if len(possible) != 1:
        names = " or ".join(f"encoding: {name}" for name in possible or ("cp1252", "cp850"))
        return Unread(
            path,
            "is not UTF-8 text, and its encoding is not certain",
            f"save it as UTF-8, or write its mapping with {names}",
        )
    text = decoded(content, possible[0])
    skipped = 1 if text[:20].lower().startswith("sep=") else 0
    layout = layout_of("".join(text.splitlines(keepends=True)[skipped:]) if skipped else text)
    if (
        layout.rows
        and max(len(row) for _, row in layout.rows) == 1
        and sum(match(layout.rows[0][1][0], field) for field in FIELDS) == 0
    ):
        return Unread(
            path, "has no columns that a comma, semicolon, tab, or bar separates", "export it as CSV or Excel"
        )
    header = header_place([row for _, row in layout.rows])
    if header is None:
        return Unread(path, "has no line of column names", "add a first line with names such as Date, Item, Quantity")
    return _profile(path, Layout(layout.delimiter, possible[0], layout.rows[header][0]))


def _sheet_profiles(path: str) -> Iterator[FileProfile | Unread]:
    content = raw_bytes(path)
    names = sheet_names(content)
    for name in names:
        rows = [["" if value is None else str(value) for value in row] for row in sheet_rows(content, name, 60)]
        filled = [(place, row) for place, row in enumerate(rows, 1) if any(value.strip() for value in row)]
        header = header_place([row for _, row in filled])
        if header is None:
            if len(filled) > 1:
                yield Unread(
                    path,
                    f"has no row of column names in sheet {name}",
                    "add a first row with names such as Date, Item, Quantity",
                )
            continue
        yield _profile(path, Layout(header_row=filled[header][0], sheet=name), len(names))


def _profile(path: str, layout: Layout, n_sheets: int = 0) -> FileProfile:
    table = read_raw(path, layout)
    columns = tuple(
        ColumnProfile(name, table.column(place)) for place, name in enumerate(table.column_names) if name.strip()
    )
    return FileProfile(path, layout, columns, len(table), n_sheets)


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
