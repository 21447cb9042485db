"""The store returns what is written to it, and keys order rows as their columns do."""

from __future__ import annotations

import tempfile
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import LONGEST_SHOWN, shown
from foundation.keys import repeated, row_keys, sorted_by
from foundation.settings import Settings
from foundation.store import Warehouse
from foundation.store.snapshot import content_hash
from foundation.tables import Kind
from foundation.validation.normalize import normalize

DAY = date(2016, 5, 23)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
MOMENTS = st.datetimes(pd.Timestamp("1900-01-01").to_pydatetime(), pd.Timestamp("2199-12-31").to_pydatetime())
FINDINGS = st.lists(
    st.tuples(
        TEXT,
        st.none() | TEXT,
        st.none() | TEXT,
        st.none() | TEXT,
        st.none() | st.integers(0, 2**53),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | MOMENTS,
        TEXT,
    ),
    max_size=6,
    unique_by=lambda row: row[:4],
)
NAMES = ["kind", "hub", "region", "sku", "units", "eur", "decide_by", "action"]


def _frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=NAMES).astype(
        {
            "kind": "str",
            "hub": "str",
            "region": "str",
            "sku": "str",
            "units": "Int64",
            "eur": "float64",
            "action": "str",
        }
    )
    return frame.assign(decide_by=pd.to_datetime(frame["decide_by"], utc=True).astype("datetime64[us, UTC]"))


@settings(max_examples=25, deadline=None)
@given(FINDINGS, FINDINGS)
def test_a_table_is_read_back_as_written(first: list[tuple[object, ...]], second: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Settings(warehouse=f"{folder}/warehouse"))
        for rows in (first, second):
            frame = _frame(rows)
            warehouse.write("exception", frame, DAY)
            expected = sorted_by(frame.assign(as_of=pd.Timestamp(DAY).as_unit("us")), ["kind", "hub", "region", "sku"])
            read = warehouse.read("exception", DAY)
            pd.testing.assert_frame_equal(read, expected[["as_of", *NAMES]])
            assert content_hash({"exception": read}) == content_hash({"exception": expected})


COLUMNS = st.integers(0, 12).flatmap(
    lambda size: st.tuples(
        st.lists(st.none() | st.sampled_from(["b", "a", "ab", "ä", "B", ""]), min_size=size, max_size=size),
        st.lists(st.none() | st.integers(-3, 3), min_size=size, max_size=size),
        st.lists(st.none() | st.dates(date(2015, 12, 30), date(2016, 1, 2)), min_size=size, max_size=size),
    )
)


def _rank(value: object) -> tuple[bool, object]:
    """Null first, then by value: text by code points."""
    return (value is not None, value if value is not None else 0)


@settings(deadline=None)
@given(COLUMNS, st.booleans())
def test_keys_order_rows_as_their_columns_do(columns: tuple[list[object], ...], is_coded: bool) -> None:
    """Against the slow and obvious way: sorting tuples."""
    texts, numbers, days = columns
    frame = pd.DataFrame(
        {
            "text": pd.Series(texts, dtype="str").astype("category" if is_coded else "str"),
            "number": pd.array(numbers, dtype="Int64"),
            "day": pd.Series(pd.to_datetime(pd.Series(days, dtype="object"))).astype("datetime64[us]"),
        }
    )
    rows = [tuple(map(_rank, row)) for row in zip(texts, numbers, days, strict=True)]
    keys = row_keys(frame, ["text", "number", "day"])
    assert np.argsort(keys, kind="stable").tolist() == sorted(range(len(rows)), key=lambda place: rows[place])
    assert repeated(keys).tolist() == [row in rows[:place] for place, row in enumerate(rows)]


@settings(deadline=None)
@given(
    st.lists(st.none() | st.text(max_size=6), max_size=8),
    st.sampled_from([Kind.NUMBER, Kind.WHOLE, Kind.FLAG, Kind.DATE, Kind.TIMESTAMP]),
)
def test_text_is_converted_or_marked_as_a_misfit(values: list[str | None], kind: Kind) -> None:
    """Whatever the text, no value is lost in silence: it is null, converted or marked, and nothing is raised."""
    fitting = {
        Kind.NUMBER: "1.5",
        Kind.WHOLE: "2",
        Kind.FLAG: "true",
        Kind.DATE: "2016-05-23",
        Kind.TIMESTAMP: "2016-05-23T10:00Z",
    }[kind]
    given_values = [fitting, *values]
    series, misfits = normalize(pa.chunked_array([pa.array(given_values, pa.string())]), kind)
    marked = np.logical_or.reduce([misfit.rows for misfit in misfits]) if misfits else np.zeros(len(series), bool)
    assert len(series) == len(given_values)
    for value, result, is_marked in zip(given_values, series.isna(), marked, strict=True):
        is_blank = value is None or not value.strip() or value.strip().lower() == "nan"
        assert (bool(result) == bool(is_marked)) or (is_blank and not is_marked)


@given(st.text())
def test_whatever_a_message_shows_is_one_short_line(text: str) -> None:
    line = shown(text)
    assert len(line) <= LONGEST_SHOWN + 40
    assert line.isprintable()
