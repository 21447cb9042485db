"""Raw exports of two invented ERP systems, messy on purpose, for the tutorial and its tests.

``python -m tools.raw_exports DIR`` writes order lines by day; ``--weekly`` writes weekly sales with German headers and workbooks. The same seed
gives the same files.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import openpyxl

N_SKUS = 40
WAREHOUSES = ("Hamburg", "München", "Wien")
REGIONS = ("Nord", "Ost", "Süd", "West", "Österreich", "Schweiz")
GROUPS = ("Drinks", "Household", "Snacks", "Toys")
LAST_DAY = date(2025, 6, 15)  # a Sunday
_SHARES = np.array([0.22, 0.14, 0.24, 0.18, 0.14, 0.08])


def write_orders(folder: Path, seed: int = 1, days: int = 410) -> None:
    """Write order lines by day (two files), a stock list, and an item master, as CSV with semicolons in Windows-1252."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    items = _items(draw)
    header = "Date;Order No;Item;Region;Qty;Net amount;Customer"
    lines: dict[int, list[str]] = {}
    for day in (LAST_DAY - timedelta(days=days - 1 - place) for place in range(days)):
        if day.weekday() == 6 or (day.month, day.day) in ((12, 25), (1, 1)):
            continue
        lines.setdefault(day.year, []).extend(_order_lines(draw, items, day))
    for year, rows in lines.items():
        _write(folder / f"orders_{year}.csv", [header, *rows])
    _write(folder / "stock.csv", ["Warehouse;Item;On hand;Reserved", *_stock_lines(draw, items, ";")])
    _write(
        folder / "items.csv",
        ["Item;Description;Group;Cost;Price;Weight (g);Case size"]
        + [
            f"{code};{group} item {code};{group};{_comma(cost)};{_comma(price)};{grams};{pack}"
            for code, group, cost, price, grams, pack, _ in items
        ],
    )


def write_weeks(folder: Path, seed: int = 2, weeks: int = 110) -> None:
    """Write weekly sales as CSV with semicolons, and an item master and a stock list as workbooks, all with German headers."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    items = _items(draw)
    monday = LAST_DAY - timedelta(days=6)
    rows = ["Woche;Artikelnummer;Vertriebsgebiet;Absatzmenge;Umsatz"]
    for week in (monday - timedelta(weeks=weeks - 1 - place) for place in range(weeks)):
        season = 1 + 0.3 * np.sin(2 * np.pi * week.timetuple().tm_yday / 365)
        for code, _, _, price, _, _, rate in items:
            for region, share in zip(REGIONS, _SHARES, strict=True):
                units = int(draw.poisson(7 * rate * share * season))
                if units:
                    amount = f"{units * price:,.2f}".translate(str.maketrans(",.", ".,"))
                    rows.append(
                        f"{week:%d.%m.%Y};{code};{region};{units:,};{amount}".replace(
                            f";{units:,};", f";{_dotted(units)};"
                        )
                    )
    _write(folder / "Absatz.csv", rows)
    master = [
        ["Artikelstamm", None],
        [],
        ["Artikelnummer", "Bezeichnung", "Warengruppe", "EK-Preis", "VK-Preis", "Gewicht (kg)", "VPE"],
    ]
    master += [
        [code, f"{group} {code}", group, cost, price, grams / 1000, pack]
        for code, group, cost, price, grams, pack, _ in items
    ]
    _write_book(folder / "Artikelstamm.xlsx", "Artikel", master)
    stock = [line.split(";") for line in _stock_lines(draw, items, ";")]
    day = LAST_DAY + timedelta(days=1)
    _write_book(
        folder / "Bestand.xlsx",
        "Bestand",
        [["Stichtag", "Lager", "Artikelnummer", "Bestand", "Reserviert"]]
        + [[day, hub, code, int(units), int(reserved)] for hub, code, units, reserved in stock],
    )


Item = tuple[str, str, float, float, int, int, float]


def _items(draw: np.random.Generator) -> list[Item]:
    """Return (code, group, cost, price, grams, pack, units a day) of each item; codes have leading zeros."""
    result = []
    for place in range(N_SKUS):
        cost = round(float(draw.lognormal(1.6, 0.6)), 2)
        price = round(cost * float(draw.uniform(1.6, 2.4)), 2)
        pack, grams = int(draw.choice([1, 6, 12])), int(draw.integers(50, 2500))
        rate = float(draw.lognormal(1.0, 0.8))
        result.append((f"{10 + place * 7:06d}", GROUPS[place % 4], cost, price, grams, pack, rate))
    return result


def _order_lines(draw: np.random.Generator, items: Sequence[Item], day: date) -> list[str]:
    rows = []
    weekday = 1.3 if day.weekday() >= 4 else 0.9
    for code, _, _, price, _, _, rate in items:
        for region, share in zip(REGIONS, _SHARES, strict=True):
            left = int(draw.poisson(rate * share * weekday))
            while left > 0:
                units = int(draw.integers(1, left + 1))
                rows.append(_order_line(draw, day, (code, region, units, price)))
                left -= units
            if draw.random() < 0.004:
                rows.append(_order_line(draw, day, (code, region, -1, price)))
    return rows


def _order_line(draw: np.random.Generator, day: date, line: tuple[str, str, int, float]) -> str:
    code, region, units, price = line
    amount = f"{units * price:,.2f}".translate(str.maketrans(",.", ".,"))
    number = int(draw.integers(100_000, 999_999))
    return f"{day:%d/%m/%Y};SO-{number};{code};{region};{units};{amount};C{number % 977:04d}"


def _stock_lines(draw: np.random.Generator, items: Sequence[Item], delimiter: str) -> list[str]:
    """Return stock that stands in the wrong warehouses: one of them has most of each item."""
    rows = []
    for code, _, _, _, _, _, rate in items:
        full = int(draw.integers(0, 3))
        for place, hub in enumerate(WAREHOUSES):
            units = int(draw.poisson(rate * (18 if place == full else 2)))
            rows.append(delimiter.join([hub, code, str(units), str(min(units, int(draw.integers(0, 3))))]))
    return rows


def _comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def _dotted(value: int) -> str:
    return f"{value:,}".replace(",", ".")


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes("\r\n".join([*lines, ""]).encode("cp1252"))


def _write_book(path: Path, title: str, rows: Sequence[Sequence[object]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    path.write_bytes(content.getvalue())


def main() -> None:
    """Write one of the two sets of exports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--weekly", action="store_true", help="weekly sales with German headers and workbooks")
    parser.add_argument("--seed", type=int, default=None, help="random seed")
    given = parser.parse_args()
    if given.weekly:
        write_weeks(given.folder, given.seed or 2)
    else:
        write_orders(given.folder, given.seed or 1)


if __name__ == "__main__":
    main()
