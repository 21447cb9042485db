"""Exports of one small shop, written in many forms: the files of a variant, and the tables that they must be read as."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

SKUS = ("00017", "00024", "00031")
REGIONS = ("Nord", "Süd")
FIRST, N_DAYS = date(2024, 1, 2), 40
GRAMS = (250, 1200, 30)
COSTS = (4.25, 12.5, 0.8)

Row = list[Any]
SALES_HEADER = ("Date", "Item", "Region", "Qty")
ITEMS_HEADER = ("Item", "Description", "Group", "Cost", "Weight (g)")


@dataclass(frozen=True)
class Form:
    """How the files of a variant are written.

    Attributes
    ----------
    header, items_header : tuple of str
        Names of the columns.
    delimiter, encoding, line_end : str
        Layout of CSV files.
    day : function
        Text, or cell, of a date.
    number : function
        Text, or cell, of a quantity.
    units : function
        Units sold, by the place of day, SKU, and region.
    sales_rows : function
        Change of the rows of the sales, header excluded.
    above, below : tuple of str
        Lines above the header and below the rows.
    excel : bool
        Whether the sales are a workbook.
    name : str
        Name of the file of the sales.
    items : bool
        Whether there is an item master.
    step_days, n_days : int
        Days between dates, and number of dates.
    """

    header: tuple[str, ...] = SALES_HEADER
    items_header: tuple[str, ...] = ITEMS_HEADER
    delimiter: str = ","
    encoding: str = "utf-8"
    line_end: str = "\n"
    day: Callable[[date], Any] = str
    number: Callable[[float], Any] = lambda value: f"{value:g}"
    units: Callable[[int, int, int], float] = lambda day, sku, region: float((3 * day + 5 * sku + 2 * region) % 9)
    sales_rows: Callable[[list[Row]], list[Row]] = lambda rows: rows
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    excel: bool = False
    name: str = "sales"
    items: bool = True
    step_days: int = 1
    n_days: int = N_DAYS
    first: date = FIRST
    price: Callable[[float], Any] = lambda value: f"{value:g}"
    mass: Callable[[int], Any] = str
    code: Callable[[str], Any] = str


def days(form: Form) -> list[date]:
    """Return the dates of the sales."""
    return [form.first + timedelta(days=form.step_days * place) for place in range(form.n_days)]


def truth(form: Form) -> pd.DataFrame:
    """Return the sales that the files mean: ``date region sku units_sold``, sorted."""
    rows = [
        (pd.Timestamp(day), region, sku, form.units(place, which, where))
        for place, day in enumerate(days(form))
        for which, sku in enumerate(SKUS)
        for where, region in enumerate(REGIONS)
    ]
    return pd.DataFrame(rows, columns=["date", "region", "sku", "units_sold"]).sort_values(["date", "region", "sku"])


def write(folder: Path, form: Form) -> None:
    """Write the files of a variant."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = [
        [form.day(day), sku, region, form.number(form.units(place, which, where))]
        for place, day in enumerate(days(form))
        for which, sku in enumerate(SKUS)
        for where, region in enumerate(REGIONS)
    ]
    rows = form.sales_rows(rows)
    if form.excel:
        write_book(
            folder / f"{form.name}.xlsx", {"Sheet1": [*([line] for line in form.above), list(form.header), *rows]}
        )
    else:
        write_csv(folder / f"{form.name}.csv", form, [list(form.header), *rows], form.above, form.below)
    if form.items:
        items = [
            [form.code(sku), f"Thing {sku}", "AB"[place % 2], form.price(COSTS[place]), form.mass(GRAMS[place])]
            for place, sku in enumerate(SKUS)
        ]
        write_csv(folder / "items.csv", form, [list(form.items_header), *items])


def write_csv(
    path: Path, form: Form, rows: Sequence[Row], above: Sequence[str] = (), below: Sequence[str] = ()
) -> None:
    """Write rows as a CSV file in the layout of a variant."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=form.delimiter, lineterminator=form.line_end)
    writer.writerows(rows)
    lines = form.line_end.join([*above, ""]) if above else ""
    content = (lines + text.getvalue() + "".join(f"{line}{form.line_end}" for line in below)).encode(form.encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_book(path: Path, sheets: Mapping[str, Sequence[Row]], formats: Mapping[str, str] | None = None) -> None:
    """Write a workbook; ``formats`` gives number formats by column letter."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for letter, shape in (formats or {}).items():
            for cell in sheet[letter]:
                cell.number_format = shape
    book.save(path)


@dataclass(frozen=True)
class Variant:
    """A messy form of the exports.

    Attributes
    ----------
    name : str
        What is messy.
    form : Form
        How the files are written.
    fix : str
        Part of the message that says what to write; empty where the files must be read without a question.
    edit : dict of str to str
        Texts of ``forestock.yaml`` and what replaces them, by which the answer is given.
    finish : function or None
        Change of the folder after the files were written.
    returned : float
        Units returned that the files mean.
    mass : tuple of float or None
        Masses in kg that must be read; None: none may be read.
    """

    name: str
    form: Form = field(default_factory=Form)
    fix: str = ""
    edit: dict[str, str] = field(default_factory=dict)
    finish: Callable[[Path, Form], None] | None = None
    returned: float = 0.0
    mass: tuple[float, ...] | None = tuple(grams / 1000 for grams in GRAMS)

    def of(self, **changes: Any) -> Variant:
        """Return the variant with another form."""
        return replace(self, form=replace(self.form, **changes))
