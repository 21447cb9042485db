"""Dates as text: formats such as ``dd/mm/yyyy``, and which formats the values of a column can have.

A format is read strictly: a value of another form, a day that the month does not have, and a year before 1970 or after 2100 are
no dates. Not here: columns that already hold dates.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

ISO = "yyyy-mm-dd"
EXCEL = "excel"
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_USUAL_YEARS, _UNUSUAL_YEARS = 10, 15
_EXCEL_EPOCH = date(1899, 12, 30)
_MONTHS = (
    ("jan", "januar", "january", "janv", "janvier", "ene", "enero", "januari"),
    ("feb", "februar", "february", "fev", "fevr", "fevrier", "febrero", "februari"),
    ("mar", "marz", "maerz", "mrz", "march", "mars", "marzo", "mrt", "maart"),
    ("apr", "april", "avr", "avril", "abr", "abril"),
    ("may", "mai", "mayo", "mei"),
    ("jun", "juni", "june", "juin", "junio"),
    ("jul", "juli", "july", "juil", "juillet", "julio"),
    ("aug", "august", "aout", "ago", "agosto", "augustus"),
    ("sep", "sept", "september", "septembre", "septiembre"),
    ("oct", "okt", "october", "oktober", "octobre", "octubre"),
    ("nov", "november", "novembre", "noviembre"),
    ("dec", "dez", "december", "dezember", "decembre", "dic", "diciembre"),
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_TOKEN = re.compile(r"yyyy|yy|mmm|mm|m|dd|d|ww|w", re.IGNORECASE)
_PARTS = {
    "yyyy": r"(?P<year>\d{4})", "yy": r"(?P<short>\d{2})", "mmm": r"(?P<name>[^\W\d_]{3,12}\.?)",
    "ww": r"(?P<week>\d{1,2})", "w": r"(?P<week>\d{1,2})",
}  # fmt: skip
_TIME = r"(?:[T ,]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(?P<half>[AaPp]\.?[Mm]\.?)?(?:\s*(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?"
_TIME_WORDS = re.compile(r"[T ,]+hh:mm(?::ss)?\s*(?:am|pm)?$", re.IGNORECASE)
_WEEK_WORDS = r"(?:KW|CW|WK|W|S|Sem|Week|Woche|Semaine)"
# Formats that a column is tried with; of formats that read the same days, the first is kept.
_SHORT = tuple(
    f"{first}{sign}{second}{sign}{third}"
    for sign in ("/", ".", "-")
    for first, second, third in (("dd", "mm", "yyyy"), ("mm", "dd", "yyyy"), ("yyyy", "mm", "dd"))
    if (first, sign) != ("yyyy", "-")
)
_TWO_DIGITS = tuple(
    f"{first}{sign}{second}{sign}{third}"
    for sign in ("/", ".", "-")
    for first, second, third in (("dd", "mm", "yy"), ("mm", "dd", "yy"), ("yy", "mm", "dd"))
    if (first, sign) != ("yy", ".")
)
_NAMED = tuple(f"d{sign}mmm{sign}{year}" for sign in ("-", " ", "/", ".") for year in ("yyyy", "yy"))
CANDIDATES = (
    ISO, *_SHORT, "yyyymmdd", "ddmmyyyy", "mmddyyyy", *_TWO_DIGITS, *_NAMED, "d. mmm yyyy", "mmm d, yyyy", "mmm d yyyy",
    "yyyy-Www", "yyyyWww", "Www/yyyy", "Www yyyy", "yyyy Www", "Www-yyyy", EXCEL,
)  # fmt: skip
# Only for columns that are known to hold weeks: 2024-05 may be a month.
WEEKS = ("yyyy-ww", "yyyy/ww", "ww/yyyy", "ww-yyyy", "yyyyww")


@dataclass(frozen=True)
class DateForm:
    """One format of dates.

    Attributes
    ----------
    text : str
        The format, for example ``dd/mm/yyyy``. Raises ``ValueError`` where it names no day, month and year, or week.
    has_time : bool
        Whether the format ends in ``hh:mm``, so that the time of day is meant to be left out.
    """

    text: str
    has_time: bool = field(init=False, compare=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = _TIME_WORDS.sub("", self.text)
        object.__setattr__(self, "has_time", text != self.text)
        object.__setattr__(self, "_pattern", _compiled(text))

    def parse(self, word: str) -> tuple[date, bool] | None:
        """Return the day that ``word`` names and whether it has a time of day; None if it has another form."""
        word = word.strip().strip("'")
        if self.text.lower() == EXCEL:
            return _from_serial(word)
        match = self._pattern.fullmatch(word)
        if match is None:
            return None
        parts = match.groupdict()
        day = _day(parts)
        if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            return None
        return day, not _is_midnight(parts.get("time"), (parts.get("half") or "").lower())


def _is_midnight(moment: str | None, half: str) -> bool:
    if moment is None:
        return True
    zero = re.fullmatch(r"(\d{1,2})(?::0{2})+(?:[.,]0+)?", moment)
    return zero is not None and int(zero[1]) == (12 if half.startswith("a") else 0)


def _compiled(text: str) -> re.Pattern[str]:
    if text.lower() == EXCEL:
        return re.compile(r"\d+")
    tokens = [token.lower() for token in _TOKEN.findall(re.sub(r"W(?=ww)", "", text))]
    kinds = sorted({token[0] for token in tokens})
    if kinds not in (["d", "m", "y"], ["w", "y"]) or len(tokens) != len(kinds):
        raise ValueError(f"{text!r} is no date format; write for example dd/mm/yyyy, mm/dd/yyyy or yyyymmdd")
    is_dense = not re.search(r"[^ymdw]", text, re.IGNORECASE)
    pattern, place = "", 0
    for match in re.finditer(r"W(?=ww)|" + _TOKEN.pattern, text, re.IGNORECASE):
        pattern += re.escape(text[place : match.start()])
        place = match.end()
        token = match[0].lower()
        if match[0] == "W" and text[place : place + 2].lower() == "ww":
            pattern += rf"{_WEEK_WORDS}\.? ?"
        else:
            pattern += _PARTS.get(token) or _number(token, is_dense)
    return re.compile(pattern + re.escape(text[place:]) + ("" if "ww" in text.lower() else _TIME), re.IGNORECASE)


def _number(token: str, is_dense: bool) -> str:
    name = "month" if token.startswith("m") else "day"
    return rf"(?P<{name}>\d{{2}})" if is_dense else rf"(?P<{name}>\d{{1,2}})"


def _day(parts: dict[str, str | None]) -> date | None:
    year = int(parts.get("year") or 0) or _full_year(int(parts.get("short") or 0))
    try:
        if week := parts.get("week"):
            return date.fromisocalendar(year, int(week), 1)
        name = parts.get("name")
        month = _MONTH_NUMBERS.get(_plain(name), 0) if name else int(parts.get("month") or 0)
        return date(year, month, int(parts.get("day") or 0))
    except ValueError:
        return None


def _full_year(short: int) -> int:
    return 2000 + short if short < 70 else 1900 + short


def _plain(name: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", name.lower()) if sign.isalpha() and sign.isascii())


def _from_serial(word: str) -> tuple[date, bool] | None:
    """Return the day of an Excel serial number from 1970 on."""
    match = re.fullmatch(r"(\d{5})(?:[.,](\d+))?", word)
    if match is None or not 25_569 <= int(match[1]) <= 73_050:
        return None
    return _EXCEL_EPOCH + timedelta(days=int(match[1])), bool((match[2] or "").strip("0"))


@dataclass(frozen=True)
class DateReading:
    """What the values of a column say about their format.

    Attributes
    ----------
    formats : tuple of str
        Formats that read every value that is a date at all, each with other days than the ones before; one: the format is certain.
    odd : tuple of str
        Values that are no date in any format.
    example : str
        A value that the formats read as different days.
    """

    formats: tuple[str, ...]
    odd: tuple[str, ...] = ()
    example: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether exactly one format fits."""
        return len(self.formats) == 1


def read_dates(words: Collection[str], formats: Sequence[str] = CANDIDATES) -> DateReading:
    """Return the formats that the distinct ``words`` can have."""
    results = {}
    for text in formats:
        form = DateForm(text)
        parsed = {word: day for word in words if (day := form.parse(word)) is not None}
        if parsed:
            results[text] = {word: day[0] for word, day in parsed.items()}
    if not results:
        return DateReading((), tuple(words))
    dated = set().union(*results.values())
    kept: list[str] = []
    for text, days in results.items():
        if len(days) == len(dated) and all(results[other] != days for other in kept):
            kept.append(text)
    kept = _likely(kept, results)
    example = ""
    if len(kept) > 1:
        example = next(word for word in sorted(dated) if len({results[text][word] for text in kept}) > 1)
    return DateReading(tuple(kept), tuple(word for word in words if word not in dated), example)


def _likely(formats: list[str], results: dict[str, dict[str, date]]) -> list[str]:
    """Return ``formats`` without those that no system writes or that spread a few years over decades."""
    if "yyyymmdd" in formats:
        formats = [text for text in formats if text not in ("ddmmyyyy", "mmddyyyy")]
    years = {text: (max(results[text].values()) - min(results[text].values())).days / 365 for text in formats}
    if any(span < _USUAL_YEARS for span in years.values()):
        return [text for text in formats if years[text] < _UNUSUAL_YEARS]
    return formats
