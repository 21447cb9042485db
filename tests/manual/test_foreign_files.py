"""Files as spreadsheets and other systems write them: read correctly, or refused with the separator, encoding or value that prevents it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.worlds.foreign_world import foreign_world, validated

Writer = Callable[[pd.DataFrame], "str | bytes"]
UTF8 = "save it as UTF-8 (in a spreadsheet: CSV UTF-8)"


def _lines(write: Writer, folder: Path) -> list[str]:
    world = foreign_world()
    return [str(fault) for fault in validated(world | {"sales": write(world["sales"])}, folder).faults]


@pytest.mark.parametrize("fraction", [0.0, 0.5], ids=["whole", "decimal commas"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_other_separators_are_named_whatever_the_numbers(
    separator: str, fraction: float, encoding: str, tmp_path: Path
) -> None:
    def write(sales: pd.DataFrame) -> bytes:
        text = sales.assign(units_sold=sales["units_sold"] + fraction).to_csv(index=False, sep=separator, decimal=",")
        return text.encode(encoding)

    (line,) = _lines(write, tmp_path)
    assert line.startswith("sales: is not separated by commas (date")
    assert line.endswith("; write it with commas and decimal points")


def test_semicolons_with_decimal_commas_are_reported_like_semicolons_alone(tmp_path: Path) -> None:
    (line,) = _lines(lambda sales: sales.to_csv(index=False, sep=";", decimal=","), tmp_path)
    assert line == (
        "sales: is not separated by commas (date;region;sku;units_sold); write it with commas and decimal points"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(encoding: str, tmp_path: Path) -> None:
    (line,) = _lines(lambda sales: sales.to_csv(index=False).encode(encoding), tmp_path)
    assert line == f"sales: is UTF-16 text; {UTF8}"


@pytest.mark.parametrize("column", ["region", "note"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_latin_1_is_named_in_defined_and_other_columns(column: str, encoding: str, tmp_path: Path) -> None:
    (line,) = _lines(lambda sales: sales.assign(**{column: "Zürich"}).to_csv(index=False).encode(encoding), tmp_path)
    assert line == f"sales: is not UTF-8 text (byte 0xfc, 'ü' in Latin-1 or Windows-1252); {UTF8}"


def test_utf_8_with_any_letters_is_read(tmp_path: Path) -> None:
    world = foreign_world(regions=("Zürich", "東京", "Łódź"))
    result = validated(world | {"sales": world["sales"].to_csv(index=False).encode("utf-8-sig")}, tmp_path)
    assert not result.faults
    assert set(result.tables["sales"]["region"]) == {"Zürich", "東京", "Łódź"}


@pytest.mark.parametrize("form", ["{:,}", "{:,} ", "'{:,}", "{:_}"])
@pytest.mark.parametrize("column", ["units_sold", "in_stock_rate"])
def test_thousands_separators_are_refused(form: str, column: str, tmp_path: Path) -> None:
    def write(sales: pd.DataFrame) -> str:
        return sales.assign(**{column: (sales["units_sold"] + 1000).map(form.format)}).to_csv(index=False)

    (line,) = _lines(write, tmp_path)
    assert line.startswith(f"sales.{column}: ")
    assert "text" in line


def test_one_number_with_a_separator_is_named_with_its_key(tmp_path: Path) -> None:
    def write(sales: pd.DataFrame) -> str:
        return sales.assign(units_sold=sales["units_sold"].astype(object).where(sales.index != 5, "1,234")).to_csv(
            index=False
        )

    (line,) = _lines(write, tmp_path)
    assert "region=R2, sku=A (1,234)" in line
    assert line.endswith("write plain numbers: a decimal point, no thousands separators")


def test_points_that_separate_thousands_are_refused(tmp_path: Path) -> None:
    """1.234 beside 987 is more than one thousand, not slightly more than one."""

    def write(sales: pd.DataFrame) -> str:
        units = sales["units_sold"] * 150 + 500
        return sales.assign(units_sold=units.map("{:,}".format).str.replace(",", ".")).to_csv(index=False)

    (line,) = _lines(write, tmp_path)
    assert "whose points look like thousands separators" in line


@pytest.mark.parametrize("decimals", [1, 2, 3])
@pytest.mark.parametrize("trimmed", [True, False])
def test_decimal_points_are_read_as_they_are(decimals: int, trimmed: bool, tmp_path: Path) -> None:
    world = foreign_world()
    units = np.round(np.random.default_rng(3).gamma(2.0, 3.0, len(world["sales"])), decimals)
    text = [f"{value:g}" if trimmed else f"{value:.{decimals}f}" for value in units]
    result = validated(world | {"sales": world["sales"].assign(units_sold=text)}, tmp_path)
    assert not result.faults
    assert result.tables["sales"]["units_sold"].sum() == pytest.approx(sum(map(float, text)))


def test_a_comma_without_quotes_is_shown_with_its_row(tmp_path: Path) -> None:
    (line,) = _lines(lambda sales: sales.to_csv(index=False).replace(",4\n", ",1,234\n", 1), tmp_path)
    assert line.startswith("sales: has a row of 5 values under 4 column names (")
    assert line.endswith("no thousands separators")


@pytest.mark.parametrize(
    "other_name", [" units_sold", "units_sold ", "units_sold\u200b", "\ufeffunits_sold", "units_sold\x00"]
)
def test_columns_equal_but_for_signs_that_are_not_shown_are_refused(other_name: str, tmp_path: Path) -> None:
    world = foreign_world()
    world["sales"][other_name] = 1
    lines = [str(fault) for fault in validated(world, tmp_path).faults]
    assert any("sales.units_sold: stands 2 times" in line or "stands twice" in line for line in lines)


def test_order_lines_of_one_day_have_a_remedy_for_both_readings(tmp_path: Path) -> None:
    world = foreign_world()
    sales = world["sales"]
    world["sales"] = pd.concat([sales, sales[sales["date"] == "2024-05-10"]])
    (line,) = [str(fault) for fault in validated(world, tmp_path).faults]
    assert line.endswith("; add up order lines of one day, or remove the rows loaded twice")
