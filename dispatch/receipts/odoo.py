"""Execution form ``odoo``: pickings with their moves, exported as CSV by field names.

The move of a transfer has the proposal as ``origin``; the move of a receipt has the purchase line whose external id ends in
it. A picking that is done has been received. Not here: calls of Odoo's API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dispatch.documents import EXTERNAL_ID_PREFIX
from dispatch.execution_form import ExecutionForm, Report, Status, moment, read_rows, whole_units

COLUMNS = ("name", "state", "scheduled_date", "date_done", "move_ids/product_uom_qty", "move_ids/quantity")
PROPOSAL_COLUMNS = ("move_ids/origin", "move_ids/purchase_line_id/id")
_HEADER = ("name", "state", "scheduled_date", "date_done")


def _read(text: str) -> list[Report]:
    return read_rows(text, COLUMNS, _reader())


def _reader() -> Callable[[dict[str, str]], Iterator[Report]]:
    """Return the reader of one file; it keeps the header of a picking for the rows of its other moves."""
    head: dict[str, str] = {}

    def reports(row: dict[str, str]) -> Iterator[Report]:
        if row["name"]:
            head.update({name: row[name] for name in _HEADER})
        if not head:
            raise ValueError("it belongs to no picking: name is empty")
        yield from _of_move(row | head)

    return reports


def _of_move(row: dict[str, str]) -> Iterator[Report]:
    names = [row.get(name, "") for name in PROPOSAL_COLUMNS]
    proposal_id = next((name.split(".")[-1].removeprefix(EXTERNAL_ID_PREFIX) for name in names if name), "")
    state = row["state"].lower()
    if not (state == "done" or state.startswith("cancel")) or not proposal_id:
        return  # still open, or a move that Forestock did not propose
    time = moment(row["date_done"] or row["scheduled_date"])
    ordered = whole_units(row["move_ids/product_uom_qty"])
    received = whole_units(row["move_ids/quantity"]) if state == "done" else 0
    counts: dict[Status, int] = (
        {"received": received, "short": max(0, ordered - received)} if state == "done" else {"refused": ordered}
    )
    for status, units in counts.items():
        if units:
            yield Report(row["place"], status, units, time, f"odoo {row['name']}", proposal_id)


PICKING = ExecutionForm("odoo", "Odoo pickings with their moves, exported as CSV.", _read)
