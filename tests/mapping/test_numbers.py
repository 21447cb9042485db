"""Forms of numbers: strict reading, and which forms the values of a column can have."""

from __future__ import annotations

import pytest

from foundation.mapping.numbers import parse_number, read_numbers


@pytest.mark.parametrize(
    ("word", "form", "value"),
    [
        ("1,234.5", (".", ","), 1234.5),
        ("1.234,5", (",", "."), 1234.5),
        ("1 234,5", (",", " "), 1234.5),
        ("1\u202f234,5", (",", " "), 1234.5),
        ("1’234.50", (".", "'"), 1234.5),
        ("12,5", (".", ","), None),
        ("1.25", (",", "."), None),
        ("1.2345", (",", "."), None),
        ("(12)", (".", ""), -12.0),
        ("12-", (".", ""), -12.0),
        ("−3", (".", ""), -3.0),
        ("€ 3,50", (",", ""), 3.5),
        ("-3,50 €", (",", ""), -3.5),
        ("3 kg", (".", ""), None),
        ("", (".", ""), None),
        (".", (".", ""), None),
        ("1e3", (".", ""), 1000.0),
        (".5", (".", ""), 0.5),
    ],
)
def test_a_number_is_read_strictly(word: str, form: tuple[str, str], value: float | None) -> None:
    assert parse_number(word, *form) == value


@pytest.mark.parametrize(
    ("words", "forms"),
    [
        (["1", "25"], ((".", ""),)),
        (["1.5", "25"], ((".", ""),)),
        (["1,5", "25"], ((",", ""),)),
        (["1.234,5"], ((",", "."),)),
        (["1,234", "2,500", "12"], ((",", ""), (".", ","))),
        (["1,234", "0,500"], ((",", ""),)),
        (["1,234,567"], ((".", ","),)),
        (["1.5", "1,5"], ()),
    ],
)
def test_forms_are_distinguished_by_all_values(words: list[str], forms: tuple[tuple[str, str], ...]) -> None:
    assert set(read_numbers(words).forms) == set(forms)


def test_a_value_that_is_no_number_does_not_hide_the_form() -> None:
    reading = read_numbers(["1,5", "2", "n/a"])
    assert (reading.forms, reading.odd) == (((",", ""),), ("n/a",))
