"""Execution form ``erpnext``: items of Stock Entries and Purchase Receipts, as CSV of the report view or of the API.

ERPNext copies ``custom_proposal_id`` from the Material Request to the documents that fulfill it, if their items have that
field. Only submitted documents count. Not here: calls of ERPNext's API.
"""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.execution_form import ExecutionForm, Report, Status, moment, read_rows, whole_units

COLUMNS = ("name", "docstatus", "posting_date", "qty", "custom_proposal_id")
# Labels of the report view, as `column_name` reads them, by field.
_LABELS = {
    "name": ("id",), "docstatus": ("document_status", "status"), "qty": ("accepted_quantity", "quantity"),
    "rejected_qty": ("rejected_quantity",), "custom_proposal_id": ("proposal_id",), "posting_date": ("date",),
}  # fmt: skip
_SUBMITTED = ("1", "submitted")


def _read(text: str) -> list[Report]:
    first, line_feed, rest = text.removeprefix("\ufeff").partition("\n")
    return read_rows(_with_field_names(first) + line_feed + rest, COLUMNS, _reports)


def _with_field_names(first: str) -> str:
    """Return the header line with field names instead of labels."""
    from dispatch.execution_form import column_name

    fields = {label: field for field, labels in _LABELS.items() for label in labels}
    names = [column_name(label.strip().strip('"')) for label in first.split(",")]
    return ",".join(fields.get(name, name) if fields.get(name) not in names else name for name in names)


def _reports(row: dict[str, str]) -> Iterator[Report]:
    if row["docstatus"].lower() not in _SUBMITTED or not row["custom_proposal_id"]:
        return
    counts: dict[Status, int] = {
        "received": whole_units(row["qty"]), "refused": whole_units(row.get("rejected_qty") or "0"),
    }  # fmt: skip
    for status, units in counts.items():
        if units:
            time, source = moment(row["posting_date"]), f"erpnext {row['name']}"
            yield Report(row["place"], status, units, time, source, row["custom_proposal_id"])


STOCK_ENTRY = ExecutionForm("erpnext", "ERPNext Stock Entry and Purchase Receipt items as CSV.", _read)
