"""Rows of an output table as a file that a person or another program opens: CSV, an Excel workbook, or Parquet.

Ids stay text in workbooks and Parquet files. Spreadsheets evaluate text that begins with ``=``, ``+``, ``-``, or ``@`` as a formula; such text, and
text that begins with an apostrophe, is written with an apostrophe in front of it, and reading removes it. Not here: proposals in the forms of
other systems (``dispatch``).

References
----------
OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow.parquet

from foundation.errors import InputError, nearest
from foundation.settings import Settings
from foundation.store import files
from foundation.store.arrow import untyped_arrow
from foundation.store.warehouse import Warehouse
from foundation.tables import OUTPUTS, Kind, Table

MOST_EXCEL_ROWS = 1_048_575  # below the header
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDEST, _NARROWEST = 60, 9
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


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


def csv_text(frame: pd.DataFrame) -> str:
    """Return rows of any columns as CSV; text that a spreadsheet would evaluate is neutralized."""
    return _neutralized(frame).to_csv(index=False)


def _neutralized(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose texts a spreadsheet shows and never computes."""
    texts = [str(name) for name in frame if frame[name].dtype in ("str", "object")]
    return frame.assign(**{name: frame[name].map(as_text, na_action="ignore") for name in texts})


FORMATS: dict[str, Callable[[pd.DataFrame, Table], bytes]] = {"csv": _csv, "xlsx": _workbook, "parquet": _parquet}


def content_of(frame: pd.DataFrame, table: Table, file_format: str) -> bytes:
    """Return rows of an output table as a file in one of ``FORMATS``.

    Raises ``InputError`` if the rows do not fit.
    """
    return FORMATS[file_format](frame, table)


@dataclass(frozen=True)
class ExportedTable:
    """A file with rows of an output table.

    Attributes
    ----------
    path : str
        The file.
    n_rows : int
        Number of its rows.
    as_of : date or None
        Planning date of the rows; None for tables that are not divided by it.
    content : bytes
        What the file holds.
    """

    path: str
    n_rows: int
    as_of: date | None
    content: bytes


def export_table(
    settings: Settings, table: str, file_format: str, as_of: date | None = None, output: str | None = None
) -> ExportedTable:
    """Write a table to ``output`` and return the file; by default to ``exports/`` of the warehouse, with ``-`` nowhere.

    ``as_of`` None means the newest date of the table; tables that are not divided by ``as_of`` are exported whole. Raises ``InputError`` for an unknown
    table, a table or date without rows, and rows that do not fit the format.
    """
    if table not in OUTPUTS:
        raise InputError(
            f"there is no output table {table!r}{nearest(table, list(OUTPUTS))}; the tables are {', '.join(OUTPUTS)}"
        )
    warehouse = Warehouse(settings)
    is_dated = "as_of" in OUTPUTS[table].grain
    dates = warehouse.dates(table) if is_dated else []
    if is_dated and (not dates or (as_of is not None and as_of not in dates)):
        newest = f"; the newest is {dates[-1]}" if dates else f" in {files.without_password(warehouse.path)}"
        raise InputError(f"{table} has no rows of {as_of or 'any date'}{newest}")
    if not is_dated and as_of is not None:
        raise InputError(f"{table} is not divided by planning dates; leave out --as-of")
    day = (as_of or dates[-1]) if is_dated else None
    frame = warehouse.read(table, day)
    content = content_of(frame, warehouse.definition(table), file_format)
    path = output or files.joined(warehouse.path, "exports", f"{table}{f'-{day}' if day else ''}.{file_format}")
    if path != "-":
        if files.is_folder(path):
            raise InputError(
                f"--output {path} is a folder; name a file in it, for example {files.joined(path, f'{table}.{file_format}')}"
            )
        files.write_bytes(path, content)
    return ExportedTable(path, len(frame), day, content)


def as_text(value: str | int) -> str | int:
    """Return a value as a spreadsheet shows it and never computes it; numbers stay numbers.

    >>> as_text("=1+1"), as_text("SKU 1"), as_text(-3)
    ("'=1+1", 'SKU 1', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def as_written(value: str) -> str:
    """Return the text that ``as_text`` was given."""
    return value[1:] if value.startswith(tuple(f"'{start}" for start in _FORMULA_STARTS)) else value
