"""Input tables that Forestock writes for a user, and files of a user that are no input tables.

Not here: reading input tables (``sources``).
"""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from foundation.errors import ConfigurationError, StageError
from foundation.store import files

FOLDER_SCHEMES = ("file", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")
# The columns of a postal code file of GeoNames: country, postal code, place, three levels of names and codes, coordinates, accuracy.
_GEONAMES_COLUMNS = 12
_GEONAMES = {0: "country", 1: "postal_code", 9: "latitude", 10: "longitude"}


def write_csv(folder: str, name: str, frame: pd.DataFrame) -> str:
    """Write ``name.csv`` to a folder or fsspec URL, completely or not at all, and return its path."""
    text = frame.to_csv(index=False, lineterminator="\n")
    return files.write_text(files.joined(folder, f"{name}.csv"), text)


def read_postal_places(path: str) -> pd.DataFrame:
    """Return ``country``, ``postal_code``, ``latitude``, and ``longitude`` as text.

    The file is CSV with these columns, or a tab-separated file of GeoNames without a header. Raises ``ConfigurationError`` for
    any other file.
    """
    try:
        text = files.read_bytes(path).decode("utf-8-sig")
    except (StageError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"network.postal_places: {path} cannot be read as UTF-8 text ({error})") from None
    first = next(iter(text.splitlines()), "")
    if first.count("\t") == _GEONAMES_COLUMNS - 1:
        frame = pd.read_csv(io.StringIO(text), sep="\t", header=None, dtype=str, keep_default_na=False, quoting=3)
        return frame[list(_GEONAMES)].rename(columns=_GEONAMES)
    separator = ";" if first.count(";") > first.count(",") else ","
    frame = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    if missing := [name for name in ("postal_code", "latitude", "longitude") if name not in frame]:
        raise ConfigurationError(
            f"network.postal_places: {Path(path).name} has no column {missing[0]}; it needs country, postal_code, latitude, longitude"
        )
    return frame
