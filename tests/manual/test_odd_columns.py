"""A column of any Arrow type becomes its kind, is marked by row, or is refused as a whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from foundation.periods import FIRST_YEAR, LAST_YEAR
from foundation.settings import Settings
from foundation.tables import INPUTS, Kind
from foundation.validation.arrow_types import LONGEST_TEXT, Misfit, WrongTypeError
from foundation.validation.columns import converted
from foundation.validation.normalize import extra, normalize
from foundation.validation.rows import LONGEST_ID
from tests.conftest import Tables
from tests.fuzz.odd_columns import odd_columns
from tests.manual.conftest import Refused

COLUMNS = odd_columns()


def _results(values: pa.ChunkedArray) -> Iterator[tuple[str, pd.Series, list[Misfit]]]:
    """Yield what ``values`` become as each kind, as an extra column and as a coded key."""
    for name, become in (
        *((kind.name, lambda kind=kind: normalize(values, kind)) for kind in Kind),
        ("coded", lambda: normalize(values, Kind.TEXT, is_coded=True)),
        ("extra", lambda: extra(values)),
    ):
        try:
            yield (name, *become())
        except WrongTypeError as error:
            assert str(error)  # noqa: PT017 - the message is what is asserted, for whichever kind refuses


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_any_type_is_converted_or_refused(name: str) -> None:
    whole = pa.chunked_array([COLUMNS[name]])
    for values in (whole, whole.slice(0, 0), pa.chunked_array([], whole.type)):
        for kind, series, misfits in _results(values):
            assert len(series) == len(values), kind
            for misfit in misfits:
                assert misfit.rows.shape == (len(values),)
                assert misfit.rows.any()
                assert series[misfit.rows].isna().all(), kind
            if series.dtype.kind == "M":
                assert series.dropna().dt.year.between(FIRST_YEAR, LAST_YEAR).all(), kind


@pytest.mark.parametrize("name", ["date32", "date64", "timestamp s None", "timestamp ms None", "timestamp us None"])
def test_a_date_far_away_never_becomes_a_near_one(name: str) -> None:
    """Counted in microseconds it would overflow into a plausible year."""
    values = pa.chunked_array([COLUMNS[name]])
    days, misfits = normalize(values, Kind.DATE)
    is_far = np.logical_or.reduce([misfit.rows for misfit in misfits if "outside the years" in misfit.problem])
    assert is_far.sum() >= 2
    assert days[is_far].isna().all()


def test_a_whole_number_beyond_64_bits_is_marked() -> None:
    whole, (misfit,) = normalize(pa.chunked_array([COLUMNS["huge uint64"]]), Kind.WHOLE)
    assert misfit.rows.tolist() == [True, True, False]
    assert whole.tolist() == [pd.NA, pd.NA, 5]


def test_an_id_that_became_a_float_reads_as_a_whole_number_beside_one_that_is_none() -> None:
    text, misfits = normalize(pa.chunked_array([COLUMNS["whole and infinite floats"]]), Kind.TEXT)
    assert misfits == []
    assert text.fillna("").tolist() == ["7", "1e+300", "inf", "-inf", ""]


@pytest.mark.parametrize("name", ["string", "coded long text"])
def test_a_text_too_long_to_copy_is_cut(name: str) -> None:
    values = pa.chunked_array([COLUMNS[name]])
    text, misfits = normalize(values, Kind.TEXT)
    assert misfits == []
    assert [len(value) for value in text.dropna()] == [
        min(len(value), LONGEST_TEXT) for value in values.to_pylist() if value
    ]
    assert LONGEST_TEXT > LONGEST_ID


def test_a_megabyte_in_each_of_3600_coded_rows_needs_no_gigabytes() -> None:
    words = pa.array([chr(97 + index) * 1_000_000 for index in range(3)])
    codes = pa.array(np.arange(3_600) % 3, pa.int32())
    before = pa.total_allocated_bytes()
    text, _ = extra(pa.chunked_array([pa.DictionaryArray.from_arrays(codes, words)]))
    assert text.str.len().eq(LONGEST_TEXT).all()
    assert pa.total_allocated_bytes() - before < 50_000_000


@pytest.mark.parametrize("name", ["period", "interval", "uuid", "json", "coded uuid"])
def test_an_extension_type_is_refused_by_its_name(name: str) -> None:
    values = pa.chunked_array([COLUMNS[name]])
    with pytest.raises(WrongTypeError, match="extension"):
        normalize(values, Kind.TEXT)
    with pytest.raises(WrongTypeError, match="extension"):
        extra(values)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_any_type_is_reported_by_row_in_a_table(name: str) -> None:
    """Dates beyond Python's are shown in the message too."""
    values = COLUMNS[name]
    days = pa.array(["2024-05-01"] * len(values))
    data = pa.table([values, days, days], names=["launch_date", "sku", "note"])
    built, faults = converted(data, INPUTS["skus"], Settings())
    lines = [*map(str, faults), *(str(built.fault(finding)) for finding in built.findings)]
    assert all(line.startswith("skus.launch_date: ") and line.isprintable() for line in lines)
    if name in ("date32", "timestamp s None"):
        assert any("outside the years" in line for line in lines)


@pytest.mark.parametrize("table", [table for table in INPUTS if INPUTS[table].needed_for])
def test_a_required_column_may_be_missing_from_any_table(
    table: str, demo_tables: Tables, refused: Refused, tmp_path: Path
) -> None:
    """Checks across several tables must not fail on a missing column."""
    for name in INPUTS[table].required:
        whole = demo_tables[table]
        demo_tables[table] = whole.drop(columns=[name])
        shutil.rmtree(tmp_path / "inputs", ignore_errors=True)
        assert any(line.startswith(f"{table}.{name}: required column missing") for line in refused())
        demo_tables[table] = whole
