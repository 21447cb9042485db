"""The encoding of a page's data: JSON, gzip-compressed, as base64.

Here: the encoding. Not here: which data a page holds.
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
    """Return rounded numbers for JSON: whole numbers without a decimal point, unknown values as null.

    ``values`` is any sequence or series of numbers, nullable ones included.
    """
    array = np.round(pd.Series(values).astype("Float64").to_numpy(float, na_value=np.nan), decimals)
    is_whole = np.mod(array, 1) == 0
    if is_whole.all():
        return array.astype(int).tolist()
    return [
        int(value) if whole else None if value != value else value
        for value, whole in zip(array.tolist(), is_whole.tolist(), strict=True)
    ]


def dates(values: pd.Series) -> list[str | None]:
    """Return ISO dates for JSON, unknown dates as null."""
    return pd.to_datetime(values).dt.strftime("%Y-%m-%d").astype(object).where(values.notna().to_numpy(), None).tolist()


class TextTable:
    """Numbers texts in the order they first occur, so that a page stores each text once."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def of(self, values: Iterable[object]) -> list[int]:
        """Return the number of each text; an unknown value counts as the empty text."""
        codes, uniques = pd.factorize(pd.Series(values, dtype="str").fillna(""))
        numbered = [self._index.setdefault(text, len(self._index)) for text in uniques]
        return [numbered[code] for code in codes.tolist()]

    def texts(self) -> list[str]:
        """Return the texts by number."""
        return list(self._index)
