"""Formats of dates: strict reading, and which formats the values of a column can have."""

from __future__ import annotations

from datetime import date

import pytest

from foundation.mapping.dates import DateForm, read_dates


@pytest.mark.parametrize(
    ("text", "word", "day"),
    [
        ("dd/mm/yyyy", "03/04/2024", date(2024, 4, 3)),
        ("mm/dd/yyyy", "03/04/2024", date(2024, 3, 4)),
        ("dd.mm.yy", "3.4.24", date(2024, 4, 3)),
        ("yyyymmdd", "20240403", date(2024, 4, 3)),
        ("d-mmm-yyyy", "3-Mär-2024", date(2024, 3, 3)),
        ("d-mmm-yyyy", "3-Mai-2024", date(2024, 5, 3)),
        ("d mmm yyyy", "3 févr. 2024", date(2024, 2, 3)),
        ("excel", "45292", date(2024, 1, 1)),
        ("yyyy-Www", "2024-W05", date(2024, 1, 29)),
        ("Www/yyyy", "KW 05/2024", date(2024, 1, 29)),
        ("dd/mm/yyyy", "31/04/2024", None),
        ("dd/mm/yyyy", "03-04-2024", None),
        ("yyyymmdd", "2024043", None),
        ("excel", "123", None),
    ],
)
def test_a_format_is_read_strictly(text: str, word: str, day: date | None) -> None:
    parsed = DateForm(text).parse(word)
    assert (parsed and parsed[0]) == day


@pytest.mark.parametrize(
    ("word", "has_time"),
    [
        ("03/04/2024 00:00", False),
        ("03/04/2024 12:00:00 AM", False),
        ("03/04/2024 12:00 PM", True),
        ("03/04/2024T14:05", True),
    ],
)
def test_midnight_is_no_time_of_day(word: str, has_time: bool) -> None:
    assert DateForm("dd/mm/yyyy").parse(word) == (date(2024, 4, 3), has_time)


@pytest.mark.parametrize("text", ["dd/mm", "yyyy", "dd/mm/yyyy/dd", "day", ""])
def test_a_text_that_names_no_day_is_no_format(text: str) -> None:
    with pytest.raises(ValueError, match="is no date format"):
        DateForm(text)


@pytest.mark.parametrize(
    ("words", "formats"),
    [
        (["2024-01-02", "2024-01-13"], ("yyyy-mm-dd",)),
        (["01/02/2024", "13/02/2024"], ("dd/mm/yyyy",)),
        (["01/02/2024", "02/13/2024"], ("mm/dd/yyyy",)),
        (["01/02/2024", "05/06/2024"], ("dd/mm/yyyy", "mm/dd/yyyy")),
        (["13/01/2024", "01/13/2024"], ()),
        (["02/02/2024"], ("dd/mm/yyyy",)),
        (["20240102", "20241231"], ("yyyymmdd",)),
        (["45292", "45300"], ("excel",)),
        (["31.12.24", "01.02.24"], ("dd.mm.yy",)),
        (["2024-05"], ()),
        (["Total"], ()),
    ],
)
def test_formats_are_distinguished_by_all_values(words: list[str], formats: tuple[str, ...]) -> None:
    assert read_dates(words).formats == formats


def test_a_value_that_is_no_date_does_not_hide_the_format() -> None:
    reading = read_dates(["01/02/2024", "13/02/2024", "Total"])
    assert (reading.formats, reading.odd) == (("dd/mm/yyyy",), ("Total",))


def test_an_ambiguous_column_gives_an_example_that_the_formats_read_differently() -> None:
    assert read_dates(["02/02/2024", "03/04/2024"]).example == "03/04/2024"


def test_a_time_zone_keeps_the_written_day() -> None:
    form = DateForm("yyyy-mm-dd hh:mm:ss")
    for word in (
        "2024-06-02 23:50:26 +0200",
        "2024-06-02 23:50:26+02:00",
        "2024-06-02T23:50:26Z",
        "2024-06-02 23:50:26 UTC",
    ):
        assert form.parse(word) == (date(2024, 6, 2), True)
