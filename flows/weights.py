"""Reading a table of given weights and scales from one file.

Not here: what it is used for (``models.backtest.given``).
"""

from __future__ import annotations

from pathlib import Path

from foundation.errors import InputError
from foundation.store.sources import FolderSource
from foundation.validation.door import UnreadableError
from models.backtest import GivenScales


def read_weights(path: str) -> GivenScales:
    """Return the weights and scales of a CSV or Parquet file.

    Raises ``InputError`` where it is not there, cannot be read or lacks a column.
    """
    file = Path(path).expanduser()
    try:
        source = FolderSource(str(file.parent), file.suffix.lstrip("."))
        if not source.has(file.stem):
            raise InputError(f"--weights {path}: there is no such file")
        return GivenScales(source.read(file.stem, as_text=("series",)).to_pandas())
    except (UnreadableError, KeyError) as error:
        what = error.what if isinstance(error, UnreadableError) else "is neither .csv nor .parquet"
        raise InputError(f"--weights {path}: {what}") from error
