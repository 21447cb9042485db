"""Implausible numbers and unusable column names are reported with their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.family import registered_families
from features.matrix import _named
from foundation.settings import Settings
from foundation.tables import INPUTS, Column, Kind, Table
from pipeline.reports import input_report
from tests.conftest import Tables
from tests.manual.conftest import AS_OF, Refused

NUMBERS = [
    (table, column) for table in INPUTS.values() for column in table.columns if column.kind in (Kind.NUMBER, Kind.WHOLE)
]


@pytest.mark.parametrize(("table", "column"), NUMBERS, ids=[f"{table.name}.{column.name}" for table, column in NUMBERS])
def test_every_number_of_every_table_has_an_upper_bound(table: Table, column: Column) -> None:
    assert column.maximum is not None or column.largest is not None


@pytest.mark.parametrize("value", [1e15, 1e18])
@pytest.mark.parametrize(
    ("table", "column"),
    [("stock", "units_on_hand"), ("inbound", "units"), ("skus", "unit_cost_eur"), ("skus", "mass_kg"),
     ("lanes", "eur_per_unit"), ("lanes", "kg_co2e_per_t_km"), ("lanes", "lead_time_days"), ("sales", "units_sold")],
)  # fmt: skip
def test_an_absurd_number_is_refused_with_its_limit(
    table: str, column: str, value: float, demo_tables: Tables, refused: Refused
) -> None:
    frame = demo_tables[table]
    frame[column] = frame[column].astype("float64") if column in frame else 0.0
    frame.loc[frame.index[-1], column] = value
    line = next(line for line in refused() if line.startswith(f"{table}.{column}: 1 row above"))
    assert "correct the value or its unit: at most" in line or "give a plausible number" in line


@pytest.mark.parametrize("value", [1e16, -1e300, np.inf])
def test_a_feature_beyond_the_range_of_models_is_refused(value: float, demo_tables: Tables, refused: Refused) -> None:
    demo_tables["regional"]["weather"] = 1.0
    demo_tables["regional"].loc[0, "weather"] = value
    (line,) = refused()
    assert line.startswith("regional.weather: 1 row ")


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x85"])
def test_a_column_name_with_control_characters(name: str, demo_tables: Tables, refused: Refused) -> None:
    demo_tables["regional"][name] = 1.0
    (line,) = refused()
    assert line.startswith("regional.")
    assert line.endswith("a column name with control characters; rename the column")


def test_names_that_lightgbm_reads_as_equal_become_distinct() -> None:
    given = ["a b", "a_b", "a,b", "a:b", "[a]", "{a}", '"a"']
    names = _named(
        {"regional": dict.fromkeys(given[:3], np.zeros(1)), "static": dict.fromkeys(given[3:], np.zeros(1))},
        registered_families(),
    ).names
    as_held = [name.replace(" ", "_") for name in names]
    assert len(set(as_held)) == len(given)
    assert not set('",:[]{}') & set("".join(names))


def test_a_text_column_called_date_stays_text(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    demo_tables["skus"]["date"] = "soon"
    folder = write_tables(demo_tables, tmp_path / "inputs")
    result = input_report(settings_for(folder), AS_OF)
    assert not result.stops, result.errors
    contents = {one.name: one for one in result.tables}
    assert (contents["skus"].first, contents["skus"].last) == ("", "")
    assert contents["sales"].last == "2016-05-22"
