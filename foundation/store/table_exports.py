"""Rows of an output table as a file that a person or another program opens: CSV, an Excel workbook, or Parquet.

Ids stay text in workbooks and Parquet files. Not here: which rows (``pipeline.export_table``), proposals in the forms of other systems
(``dispatch``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pandas as pd
import pyarrow.parquet

from foundation.errors import InputError
from foundation.spreadsheet_text import as_text
from foundation.store.arrow import untyped_arrow
from foundation.tables import Kind, Table

MOST_EXCEL_ROWS = 1_048_575  # below the header
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDEST, _NARROWEST = 60, 9


def _csv(frame: pd.DataFrame, table: Table) -> bytes:
    """Return UTF-8 with ISO dates; text that a spreadsheet would evaluate is neutralized."""
    ready = _neutralized(frame)
    for name in ready:
        if isinstance(ready[name].dtype, pd.DatetimeTZDtype):
            ready[name] = ready[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif ready[name].dtype.kind == "M":
            ready[name] = ready[name].dt.strftime("%Y-%m-%d")
        elif ready[name].dtype == "boolean":
            ready[name] = ready[name].map({True: "true", False: "false"})
    return ready.to_csv(index=False, lineterminator="\n").encode()


def _workbook(frame: pd.DataFrame, table: Table) -> bytes:
    """Return a workbook with one sheet, named after the table, with a fixed header row."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    if len(frame) > MOST_EXCEL_ROWS:
        raise InputError(
            f"{table.name} has {len(frame):,} rows, and a sheet holds {MOST_EXCEL_ROWS:,}; use --format parquet or csv, or --as-of"
        )
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(table.name[:31])
    sheet.freeze_panes = "A2"
    ready = _neutralized(frame)
    for index, name in enumerate(ready, start=1):
        if isinstance(ready[name].dtype, pd.DatetimeTZDtype):
            ready[name] = ready[name].dt.tz_convert("UTC").dt.tz_localize(None)
        longest = max([len(str(name)), *(len(str(value)) for value in ready[name].head(200))])
        sheet.column_dimensions[get_column_letter(index)].width = min(max(longest + 2, _NARROWEST), _WIDEST)
    is_date = [table[name].kind is Kind.DATE if name in table.names else False for name in ready]
    sheet.append(list(ready))
    for row in ready.itertuples(index=False, name=None):
        sheet.append([_cell(value, whole_day) for value, whole_day in zip(row, is_date, strict=True)])
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def _cell(value: object, is_date: bool) -> object:
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date() if is_date else value.to_pydatetime()
    return _NOT_IN_XML.sub("", value) if isinstance(value, str) else value


def _parquet(frame: pd.DataFrame, table: Table) -> bytes:
    content = io.BytesIO()
    pyarrow.parquet.write_table(untyped_arrow(frame), content)
    return content.getvalue()


def _neutralized(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [str(name) for name in frame if frame[name].dtype in ("str", "object")]
    return frame.assign(**{name: frame[name].map(as_text, na_action="ignore") for name in texts})


FORMATS: dict[str, Callable[[pd.DataFrame, Table], bytes]] = {"csv": _csv, "xlsx": _workbook, "parquet": _parquet}


def content_of(frame: pd.DataFrame, table: Table, file_format: str) -> bytes:
    """Return rows of an output table as a file in one of ``FORMATS``.

    Raises ``InputError`` if the rows do not fit.
    """
    return FORMATS[file_format](frame, table)
