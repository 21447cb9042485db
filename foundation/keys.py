"""Sorting and comparison of rows by key, with the same result on every machine.

A key of several columns is converted to one integer per row that preserves the order of the columns: text by code point, dates and
numbers ascending, null first. Not here: the definition of keys (``foundation.tables``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_LARGEST = 2**62


def ranks(values: pd.Series) -> tuple[np.ndarray, int]:
    """Return each row's rank among the distinct values (int64 (n_rows), 0 for null) and the number of ranks."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _category_ranks(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    encoded = pc.dictionary_encode(pa.array(values, from_pandas=True))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks() if encoded.num_chunks != 1 else encoded.chunk(0)
    n_distinct = len(encoded.dictionary)
    if n_distinct == 0:
        return np.zeros(len(values), dtype="int64"), 1
    place = np.empty(n_distinct + 1, dtype="int64")
    place[pc.array_sort_indices(encoded.dictionary).to_numpy()] = np.arange(1, n_distinct + 1)
    place[n_distinct] = 0
    return place[pc.fill_null(encoded.indices, n_distinct).to_numpy(zero_copy_only=False)], n_distinct + 1


def row_keys(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return one int64 per row of ``frame``: equal where ``columns`` are equal, ordered as they are."""
    keys = np.zeros(len(frame), dtype="int64")
    n_keys = 1
    for name in columns:
        codes, n_codes = ranks(frame[name])
        if n_keys > _LARGEST // n_codes:
            keys = np.unique(keys, return_inverse=True)[1].astype("int64")
            n_keys = int(keys.max(initial=0)) + 1
        keys = keys * n_codes + codes
        n_keys *= n_codes
    return keys


def sorted_by(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return ``frame`` sorted by ``columns`` (null first; ties keep their order) with a fresh index."""
    keys = row_keys(frame, columns)
    if not (keys[1:] >= keys[:-1]).all():
        frame = frame.take(np.argsort(keys, kind="stable"))
    return frame.reset_index(drop=True)


def among(values: pd.Series, requested: pd.Series) -> np.ndarray:
    """Return for each row whether its value is one of ``requested``, bool (n_rows); null is among nothing.

    The answer of ``values.isin(requested)``, which walks through text one Python object at a time.
    """
    known = pa.array(requested.dropna().astype("str"), type=pa.large_string())
    result = pc.is_in(pa.array(values.astype("str"), type=pa.large_string(), from_pandas=True), value_set=known)
    return result.to_numpy(zero_copy_only=False)


def repeated(keys: np.ndarray) -> np.ndarray:
    """Return for each row whether an earlier row has the same key, bool (n_rows).

    Parameters
    ----------
    keys : int64 array (n_rows)
        Keys, as ``row_keys`` returns them.
    """
    order = np.argsort(keys, kind="stable")
    repeats = np.zeros(len(keys), dtype=bool)
    repeats[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return repeats


def _category_ranks(values: pd.Series) -> tuple[np.ndarray, int]:
    categories = values.cat.categories
    place = np.zeros(len(categories) + 1, dtype="int64")
    place[np.argsort(categories.to_numpy(dtype=object), kind="stable")] = np.arange(1, len(categories) + 1)
    return place[values.cat.codes.to_numpy()], len(categories) + 1
