"""Messy exports in more than fifty forms: each is read rightly, or refused with what to write, after which it is read rightly."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from foundation.configuration import load_settings
from foundation.store.snapshot import validate_inputs
from foundation.validation.validate import ValidationResult
from pipeline.new_project.from_files import project_from_files
from tests.worlds.messy_exports import (
    COSTS,
    GRAMS,
    ITEMS_HEADER,
    REGIONS,
    SALES_HEADER,
    SKUS,
    Form,
    Row,
    Variant,
    truth,
    write,
    write_book,
)  # fmt: skip

GERMAN = ("Buchungsdatum", "Artikelnummer", "Vertriebsgebiet", "Menge")
EPOCH = date(1899, 12, 30)
MONTHS_DE = ("Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
MONTHS_FR = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def _half(day: int, sku: int, region: int) -> float:
    return (3 * day + 5 * sku + 2 * region) % 9 + 0.5


def _large(day: int, sku: int, region: int) -> float:
    return ((3 * day + 5 * sku + 2 * region) % 9) * 417.5


def _thousands(day: int, sku: int, region: int) -> float:
    return ((3 * day + 5 * sku + 2 * region) % 9 + 1) * 1000.0 + 234


def _grouped(sign: str, decimal: str) -> Callable[[float], str]:
    return lambda value: f"{value:,.1f}".replace(",", "_").replace(".", decimal).replace("_", sign)


def _plus(*more: Row) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [*rows, *more]


def _split(rows: list[Row]) -> list[Row]:
    """Write each row as two order lines."""
    return [[*row[:3], part] for row in rows for part in (str(float(row[3]) - 1), "1")]


def _column(*values: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [[*row, values[place % len(values)]] for place, row in enumerate(rows)]


def _format(pattern: str) -> Callable[[date], str]:
    return lambda day: day.strftime(pattern)


def _with_months(names: tuple[str, ...], sign: str) -> Callable[[date], str]:
    return lambda day: f"{day.day}{sign}{names[day.month - 1]}{sign}{day.year}"


def _two_years(folder: Path, form: Form) -> None:
    header, *rows = (folder / "sales.csv").read_text("utf-8").splitlines()
    (folder / "sales.csv").unlink()
    for name, part in (("sales_2023.csv", rows[:99]), ("sales_2024.csv", rows[99:])):
        (folder / name).write_text("\n".join([header, *part]), "utf-8")


def _compressed(folder: Path, form: Form) -> None:
    content = (folder / "sales.csv").read_bytes()
    (folder / "sales.csv").unlink()
    (folder / "sales.csv.gz").write_bytes(gzip.compress(content))


def _parquet(folder: Path, form: Form) -> None:
    frame = truth(form).rename(columns={"units_sold": "qty"})
    (folder / "sales.csv").unlink()
    frame.to_parquet(folder / "sales.parquet")


def _parquet_whole_dates(folder: Path, form: Form) -> None:
    frame = truth(form).rename(columns={"units_sold": "qty"})
    frame["date"] = frame["date"].dt.strftime("%Y%m%d").astype(int)
    (folder / "sales.csv").unlink()
    frame.to_parquet(folder / "sales.parquet")


def _one_workbook(folder: Path, form: Form) -> None:
    sales = [
        list(SALES_HEADER),
        *([row.date.to_pydatetime(), row.sku, row.region, row.units_sold] for row in truth(form).itertuples()),
    ]
    items = [
        list(ITEMS_HEADER),
        *([sku, "x", "AB"[place % 2], COSTS[place], GRAMS[place]] for place, sku in enumerate(SKUS)),
    ]
    for file in folder.iterdir():
        file.unlink()
    write_book(folder / "export.xlsx", {"Read me": [["Exported by the ERP system"]], "Sales": sales, "Items": items})


def _zeros_by_format(folder: Path, form: Form) -> None:
    rows = [[int(sku), "x", "AB"[place % 2], COSTS[place], GRAMS[place]] for place, sku in enumerate(SKUS)]
    (folder / "items.csv").unlink()
    write_book(folder / "items.xlsx", {"Items": [list(ITEMS_HEADER), *rows]}, {"A": "00000"})


def _barcodes(folder: Path, form: Form) -> None:
    """Sales by barcode and internal number; the item master knows only the barcode."""
    text = (folder / "sales.csv").read_text("utf-8").splitlines()
    lines = ["Date,Item,EAN,Region,Qty"]
    for line in text[1:]:
        day, sku, *rest = line.split(",")
        lines.append(",".join([day, f"x{sku}", sku, *rest]))
    (folder / "sales.csv").write_text("\n".join(lines), "utf-8")


def _swapped_days(rows: list[Row]) -> list[Row]:
    """As a US spreadsheet opens dd/mm/yyyy: days up to 12 become dates with day and month swapped, others stay texts."""
    return [
        [datetime(row[0].year, row[0].day, row[0].month) if row[0].day <= 12 else f"{row[0]:%d/%m/%Y}", *row[1:]]
        for row in rows
    ]


def _mixed_forms(rows: list[Row]) -> list[Row]:
    return [[f"{row[0]:%d/%m/%Y}" if place % 2 else f"{row[0]:%m/%d/%Y}", *row[1:]] for place, row in enumerate(rows)]


def _header_again(rows: list[Row]) -> list[Row]:
    return [*rows[:100], list(SALES_HEADER), *rows[100:]]


def _by_type(rows: list[Row]) -> list[Row]:
    return [[*row, "Sale"] for row in rows] + [["2024-01-05", SKUS[0], REGIONS[0], "4", "Return"]]


DMY, MDY = _format("%d/%m/%Y"), _format("%m/%d/%Y")
SALES = "    sales:\n"
LINE = "      columns:\n        Date: date"
BASE = Variant("")
VARIANTS: list[Variant] = [
    # encodings
    Variant("utf-8", Form()),
    Variant("utf-8 with a byte order mark", Form(encoding="utf-8-sig")),
    Variant("Windows-1252", Form(encoding="cp1252", delimiter=";")),
    Variant("utf-16", Form(encoding="utf-16", delimiter="\t")),
    Variant("utf-16 without a byte order mark", Form(encoding="utf-16-le", delimiter="\t")),
    Variant("DOS code page 850", Form(encoding="cp850", delimiter=";")),
    Variant("Mac Roman", Form(encoding="mac_roman", delimiter=";")),
    Variant("line ends of Windows", Form(line_end="\r\n", delimiter=";")),
    # delimiters
    Variant("tab", Form(delimiter="\t")),
    Variant("bar", Form(delimiter="|")),
    Variant("a line that states the delimiter", Form(delimiter=";", above=("sep=;",))),
    Variant("a delimiter at the end of every line", Form(delimiter=";", header=(*SALES_HEADER, ""), sales_rows=_column(""))),
    Variant("quoted texts with delimiters and line breaks", Form(header=(*SALES_HEADER, "Note"), sales_rows=_column("a, b", 'say "no"\nthen go', ""))),
    # numbers
    Variant("decimal comma", Form(delimiter=";", units=_half, number=lambda value: f"{value:.1f}".replace(".", ","))),
    Variant("decimal comma and points for thousands", Form(delimiter=";", units=_large, number=_grouped(".", ","))),
    Variant("decimal point and commas for thousands", Form(delimiter=";", units=_large, number=_grouped(",", "."))),
    Variant("decimal comma and blanks for thousands", Form(delimiter=";", units=_large, number=_grouped("\u00a0", ","))),
    Variant("decimal point and apostrophes for thousands", Form(delimiter=";", units=_large, number=_grouped("’", "."))),
    Variant("quoted decimal commas between commas", Form(units=_half, number=lambda value: f"{value:.1f}".replace(".", ","))),
    Variant(
        "1,234 can be a thousand or one", Form(delimiter=";", units=_thousands, number=lambda value: f"{value:,.0f}"),
        'decimal: "." and thousands: ","', {LINE: '      decimal: "."\n      thousands: ","\n' + LINE},
    ),
    Variant(
        "1.234 can be a thousand or one", Form(delimiter=";", units=_thousands, number=lambda value: f"{value:,.0f}".replace(",", ".")),
        'decimal: "," and thousands: "."', {LINE: '      decimal: ","\n      thousands: "."\n' + LINE},
    ),
    # dates
    Variant("dd/mm/yyyy", Form(day=DMY)),
    Variant("mm/dd/yyyy", Form(day=MDY)),
    Variant("dd.mm.yyyy", Form(day=_format("%d.%m.%Y"), delimiter=";")),
    Variant("d.m.yy", Form(day=lambda day: f"{day.day}.{day.month}.{day:%y}", delimiter=";")),
    Variant("yyyymmdd", Form(day=_format("%Y%m%d"))),
    Variant("yyyy/mm/dd", Form(day=_format("%Y/%m/%d"))),
    Variant("months as English words", Form(day=_format("%d-%b-%Y"))),
    Variant("months as German words", Form(day=_with_months(MONTHS_DE, " "), delimiter=";")),
    Variant("months as French words", Form(day=_with_months(MONTHS_FR, " "), delimiter=";")),
    Variant("ISO with midnight", Form(day=_format("%Y-%m-%d 00:00:00"))),
    Variant("order lines with times of day", Form(day=_format("%d/%m/%Y 14:05"))),
    Variant("serial numbers of a spreadsheet", Form(day=lambda day: str((day - EPOCH).days))),
    Variant("days up to 12 alone", Form(day=DMY, n_days=9, first=date(2024, 3, 4)), "date_format: dd/mm/yyyy or date_format: mm/dd/yyyy", {LINE: "      date_format: dd/mm/yyyy\n" + LINE}),
    Variant("dates of two forms", Form(day=lambda day: day, sales_rows=_mixed_forms), "dates of several forms"),
    Variant("weeks as ISO weeks", Form(header=("Week", *SALES_HEADER[1:]), day=_format("%G-W%V"), step_days=7, first=date(2024, 1, 1))),
    Variant("weeks as KW", Form(header=("KW", *SALES_HEADER[1:]), day=_format("%V/%G"), step_days=7, first=date(2024, 1, 1), delimiter=";")),
    Variant("weeks by their last day", Form(header=("Week ending", *SALES_HEADER[1:]), day=lambda day: str(day + timedelta(days=6)), step_days=7, first=date(2024, 1, 1))),
    Variant("1.250 beside 3.5", Form(units=lambda *place: _half(*place) if place[1] else 1.25, number=lambda value: f"{value:.3f}")),
    Variant("months", Form(day=lambda day: day.replace(day=1).isoformat(), step_days=32, n_days=12), "needs daily or weekly sales"),
    # names
    Variant("German names", Form(header=GERMAN, items_header=("Artikelnummer", "Bezeichnung", "Warengruppe", "EK-Preis", "Gewicht (g)"), delimiter=";", encoding="cp1252", day=_format("%d.%m.%Y"))),
    Variant("French names", Form(header=("Date de commande", "Code produit", "Région", "Quantité"), items_header=("Code produit", "Désignation", "Famille", "Prix d'achat", "Poids (g)"), delimiter=";")),
    Variant("Spanish names", Form(header=("Fecha", "Código artículo", "Zona", "Cantidad"), items_header=("Código artículo", "Descripción", "Familia", "Precio de compra", "Peso (g)"), delimiter=";")),
    Variant("Dutch names", Form(header=("Orderdatum", "Artikelcode", "Regio", "Aantal"), items_header=("Artikelcode", "Omschrijving", "Artikelgroep", "Inkoopprijs", "Gewicht (g)"), delimiter=";")),
    Variant("capitals and underscores", Form(header=("ORDER_DATE", "ITEM_NO", "SALES_REGION", "QTY_SOLD"), items_header=("ITEM_NO", "ITEM_NAME", "ITEM_GROUP", "UNIT_COST", "WEIGHT_G"))),
    Variant("camel case", Form(header=("orderDate", "itemCode", "salesRegion", "unitsSold"))),
    Variant("names with units", Form(header=("Date", "Item", "Region", "Qty (pcs)"))),
    Variant("names of another field", Form(header=("D1", "K2", "K3", "V4")), "Write D1: date", {"        # D1: date": "        D1: date", "        # V4: units_sold": "        V4: units_sold", "        # K3: region": "        K3: region"}),
    # workbooks
    Variant("a workbook with date cells", Form(excel=True, day=lambda day: datetime(day.year, day.month, day.day), number=float)),
    Variant("a workbook with a title", Form(excel=True, above=("Sales report", "Printed 2024-05-01", ""), number=float)),
    Variant("a workbook with line breaks in names", Form(excel=True, header=("Order\ndate", "Item", "Region", "Qty\nsold"), number=float)),
    Variant("a workbook of several sheets", finish=_one_workbook),
    Variant("leading zeros by the format of cells", finish=_zeros_by_format),
    Variant("leading zeros lost in the item master", Form(code=lambda sku: str(int(sku)))),
    Variant("days and months swapped by a spreadsheet", Form(excel=True, day=lambda day: day, sales_rows=_swapped_days, number=float), "dates in some cells and texts in others"),
    # units
    Variant("pounds", Form(items_header=(*ITEMS_HEADER[:4], "Weight (lb)"), mass=lambda grams: f"{grams / 453.59237:.6f}")),
    Variant("kilograms", Form(items_header=(*ITEMS_HEADER[:4], "Net weight [kg]"), mass=lambda grams: f"{grams / 1000}")),
    Variant("a weight without a unit", Form(items_header=(*ITEMS_HEADER[:4], "Weight")), mass=None),
    Variant("prices with a currency", Form(delimiter=";", price=lambda value: f"{value:.2f} €".replace(".", ","))),
    Variant(
        "quantities in cases", Form(header=("Date", "Item", "Region", "Qty (cases)"), number=lambda value: f"{value / 6:.10f}"), "scale: {units_sold: UNITS PER PACK}",
        {"        # Qty (cases): units_sold  # is in cases, not in units\n": "        Qty (cases): units_sold\n      scale: {units_sold: 6}\n"},
    ),
    Variant("money alone", Form(header=("Date", "Item", "Region", "Revenue")), "(Revenue may be money). Write THEIRS: units_sold"),
    # rows
    Variant("returns as negative rows", Form(sales_rows=_plus(["2024-01-05", SKUS[0], REGIONS[0], "-4"])), returned=4),
    Variant("a minus behind the number", Form(sales_rows=_plus(["2024-01-05", SKUS[0], REGIONS[0], "4-"])), returned=4),
    Variant("returns by a type", Form(header=(*SALES_HEADER, "Type"), sales_rows=_by_type)),
    Variant("canceled lines", Form(header=(*SALES_HEADER, "Status"), sales_rows=lambda rows: [*([*row, "Shipped"] for row in rows), ["2024-01-05", SKUS[0], REGIONS[0], "9", "Canceled"]])),
    Variant("order lines", Form(sales_rows=_split, units=lambda *place: _half(*place) + 1.5)),
    Variant("a row of totals", Form(sales_rows=_plus(["Total", "", "", "12345"]))),
    Variant("blank lines", Form(below=("", "", ""))),
    Variant("rows of delimiters alone", Form(below=(",,,", ",,,"))),
    Variant("a report below a title", Form(delimiter=";", above=("Sales by day;;;", "Company: Shop;;;", ""))),
    Variant("the header again in the middle", Form(sales_rows=_header_again), "is no date"),
    Variant("a value that is no number", Form(sales_rows=_plus(["2024-01-05", SKUS[0], REGIONS[0], "many"])), "'many' is no number"),
    Variant("items that are none", Form(sales_rows=_plus(["2024-01-05", "SHIP", REGIONS[0], "1"])), "where_not: {Item: [SHIP]}", {LINE: "      where_not: {Item: [SHIP]}\n" + LINE}),
    # files
    Variant("a compressed file", finish=_compressed),
    Variant("two years in two files", finish=_two_years),
    Variant("a Parquet file", finish=_parquet),
    Variant("a Parquet file with dates as whole numbers", finish=_parquet_whole_dates),
    Variant("no item master", Form(items=False), mass=None),
    Variant("an internal number beside the barcode", finish=_barcodes),
]  # fmt: skip


def _outcome(folder: Path) -> ValidationResult | list[str]:
    settings = load_settings(folder / "shop" / "forestock.yaml")
    result = validate_inputs(settings, None, "forecast")
    return [str(fault) for fault in result.faults] if result.stops or result.faults else result


def _check_read(result: ValidationResult, variant: Variant) -> None:
    """Assert that the tables are the ones that the files mean."""
    sales = result.tables["sales"].astype({"region": "str", "sku": "str"}).sort_values(["date", "region", "sku"])
    meant = truth(variant.form)
    assert len(sales) == len(meant)
    for name in ("date", "region", "sku"):
        assert (sales[name].to_numpy() == meant[name].to_numpy()).all(), name
    assert sales["units_sold"].to_numpy() == pytest.approx(meant["units_sold"].to_numpy(), abs=1e-6)
    returns = result.tables.get("returns", pd.DataFrame({"units_returned": [0.0]}))
    assert returns["units_returned"].sum() == variant.returned
    skus = result.tables["skus"].set_index("sku")
    assert sorted(skus.index) == sorted(SKUS)
    if variant.form.items:
        assert skus.loc[list(SKUS), "unit_cost_eur"].tolist() == pytest.approx(COSTS)
    if variant.mass is None:
        assert "mass_kg" not in skus
    else:
        assert skus.loc[list(SKUS), "mass_kg"].tolist() == pytest.approx(variant.mass, rel=1e-5)


def _params() -> list[Any]:
    """Return the variants; the fast tests read those that ask something, and every fourth of the others."""
    return [
        pytest.param(variant, id=variant.name, marks=() if variant.fix or place % 4 == 0 else pytest.mark.slow)
        for place, variant in enumerate(VARIANTS)
    ]


@pytest.mark.parametrize("variant", _params())
def test_a_messy_export_is_read_rightly_or_refused_with_the_line_to_write(tmp_path: Path, variant: Variant) -> None:
    write(tmp_path / "exports", variant.form)
    if variant.finish is not None:
        variant.finish(tmp_path / "exports", variant.form)
    questions = project_from_files(str(tmp_path / "shop"), str(tmp_path / "exports")).proposal.questions
    outcome = _outcome(tmp_path)
    if not variant.fix:
        assert questions == []
        assert isinstance(outcome, ValidationResult), outcome
        _check_read(outcome, variant)
        return
    messages = [*questions, *(outcome if isinstance(outcome, list) else [])]
    assert any(variant.fix in message for message in messages), messages
    assert isinstance(outcome, list)
    if variant.edit:
        file = tmp_path / "shop" / "forestock.yaml"
        text = file.read_text("utf-8")
        for before, after in variant.edit.items():
            assert before in text, text
            text = text.replace(before, after, 1)
        file.write_text(text, "utf-8")
        fixed = _outcome(tmp_path)
        assert isinstance(fixed, ValidationResult), fixed
        _check_read(fixed, variant)


def test_the_list_is_long_and_most_of_it_needs_no_answer() -> None:
    assert len(VARIANTS) >= 50
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    assert sum(not variant.fix for variant in VARIANTS) >= 0.75 * len(VARIANTS)
