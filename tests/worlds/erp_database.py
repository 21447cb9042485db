"""SQL that makes the tables of a small ERP system, as the recipes for databases assume them."""

from __future__ import annotations

N_DAYS = 21
N_SOLD = N_DAYS * 2 * 2 * 3


def _lines(day: int) -> str:
    """Return the statement that adds the order lines of a day in May."""
    rows = [
        f"(DATE '2024-05-{day:02d}', '{country}', '{item}', {qty}, '{status}')"
        for country in ("DE", "PL")
        for item in ("007", "B-1")
        for qty, status in ((1, "shipped"), (2, "shipped"), (9, "canceled"))
    ]
    return f"INSERT INTO order_lines VALUES {', '.join(rows)}"  # noqa: S608 - constants of this file


STATEMENTS = (
    "CREATE TABLE items (item_code VARCHAR(20), item_group VARCHAR(20), cost NUMERIC(10, 2), price NUMERIC(10, 2))",
    "INSERT INTO items VALUES ('007', 'Toys', 5.00, 10.00), ('B-1', 'Games', 4.00, 9.00)",
    "CREATE TABLE order_lines (shipped_on DATE, country VARCHAR(2), item_code VARCHAR(20), qty INTEGER, status VARCHAR(10))",
    *(_lines(day) for day in range(1, N_DAYS + 1)),
    "CREATE TABLE stock_levels (counted_on DATE, site VARCHAR(10), item_code VARCHAR(20), on_hand INTEGER)",
    "INSERT INTO stock_levels VALUES (DATE '2024-05-22', 'H1', '007', 5), (DATE '2024-05-22', 'H1', 'B-1', 6)",
)
