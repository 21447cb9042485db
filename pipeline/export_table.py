"""Use case of ``forestock export --table``: one output table as a file.

Not here: the formats (``foundation.store.table_exports``), proposals in other systems' forms (``pipeline.handover``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from foundation.errors import InputError, nearest
from foundation.settings import Settings
from foundation.store import files
from foundation.store.table_exports import content_of
from foundation.store.warehouse import Warehouse
from foundation.tables import OUTPUTS


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
