"""Execution form ``csv``: one row per event, for systems without a form of their own."""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.execution_form import STATUSES, ExecutionForm, Report, moment, read_rows, whole_units

COLUMNS = ("proposal_id", "status", "units", "at")


def _read(text: str) -> list[Report]:
    return read_rows(text, COLUMNS, _reports)


def _reports(row: dict[str, str]) -> Iterator[Report]:
    status = next((status for status in STATUSES if status == row["status"].lower()), None)
    if status is None:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}, and {row['status']!r} is not")
    if not row["proposal_id"]:
        raise ValueError("proposal_id is empty")
    # The apostrophe keeps spreadsheets from evaluating an id; the form csv of exports writes it.
    proposal_id = row["proposal_id"].removeprefix("'")
    source = row.get("source") or "csv"
    yield Report(row["place"], status, whole_units(row["units"]), moment(row["at"]), source, proposal_id)


CSV = ExecutionForm("csv", "CSV with proposal_id, status, units, at, and an optional source.", _read)
