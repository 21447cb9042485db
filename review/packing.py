"""How data travels inside a page: JSON, compressed, in letters that no markup can be made of.

Here: the packing. Not here: what is packed.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable

import numpy as np
import pandas as pd


def pack(content: object) -> str:
    """Return ``content`` as JSON, gzip-compressed, in base64; equal content gives equal text.

    The base64 alphabet has no ``<``, so the text cannot end the script element that holds it.
    Raises ``ValueError`` for NaN or infinity: a browser's JSON has neither.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")


def numbers(values: Iterable[float], decimals: int) -> list[float | int | None]:
    """Return rounded numbers for JSON: whole ones without a point, unknown ones as null.

    ``values`` is any sequence or series of numbers, nullable ones included.
    """
    array = np.round(pd.Series(values).astype("Float64").to_numpy(float, na_value=np.nan), decimals)
    return [None if np.isnan(value) else int(value) if value.is_integer() else value for value in array.tolist()]


def dates(values: pd.Series) -> list[str | None]:
    """Return ISO dates for JSON, unknown ones as null."""
    return [None if pd.isna(value) else f"{value:%Y-%m-%d}" for value in pd.to_datetime(values)]


class Names:
    """Numbers texts in the order they are first seen, so that a page holds each text once."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def of(self, values: Iterable[object]) -> list[int]:
        """Return the number of each text; unknown ones are the empty text."""
        return [
            self._index.setdefault("" if pd.isna(value) else str(value), len(self._index))  # type: ignore[call-overload] # any scalar
            for value in values
        ]

    def texts(self) -> list[str]:
        """Return the texts by number."""
        return list(self._index)
