"""The fingerprint of tables: equal content, equal hash, whatever it was stored as.

Not here: what a night may know (``foundation.known``), keeping it (``foundation.store.snapshot``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd


def content_hash(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return 24 hex digits that hash the tables' names, columns, kinds and values, rows in their order.

    The order of tables and columns is no content; neither is whether a text is held as a categorical.
    """
    digest = hashlib.blake2b(digest_size=12)
    for name in sorted(tables):
        frame = tables[name]
        digest.update(f"{name}|{len(frame)}".encode())
        for column in sorted(frame.columns):
            digest.update(f"|{column}|".encode())
            _add(digest, frame[column])
    return digest.hexdigest()


def _add(digest: hashlib.blake2b, values: pd.Series) -> None:
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype in ("str", "object"):
        _add_text(digest, values)
        return
    is_null = values.isna().to_numpy()
    kind, raw = _raw(values, is_null)
    digest.update(f"{kind}|{int(is_null.sum())}|".encode())
    digest.update(np.ascontiguousarray(raw).data)
    if is_null.any():
        digest.update(np.packbits(is_null).data)


def _add_text(digest: hashlib.blake2b, values: pd.Series) -> None:
    """Hash the distinct texts, sorted, and each row's place among them (−1 for null)."""
    coded = pd.Categorical(values) if not isinstance(values.dtype, pd.CategoricalDtype) else values.array
    words = coded.remove_unused_categories()
    words = words.set_categories(sorted(words.categories))
    digest.update(f"text|{len(words.categories)}|".encode())
    for word in words.categories:
        encoded = str(word).encode()
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    digest.update(words.codes.astype("<i4").data)


def _raw(values: pd.Series, is_null: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the kind and the bytes of numbers, dates and flags, zero where null."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        zone = "UTC" if isinstance(values.dtype, pd.DatetimeTZDtype) else ""
        moments = values.dt.tz_convert("UTC").dt.tz_localize(None) if zone else values
        raw = moments.to_numpy(dtype="datetime64[us]").astype("<i8")
        return f"moment{zone}", np.where(is_null, 0, raw) if is_null.any() else raw
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag", values.to_numpy(dtype="?", na_value=False)
    if pd.api.types.is_integer_dtype(values.dtype):
        return "whole", values.to_numpy(dtype="<i8", na_value=0)
    raw = values.to_numpy(dtype="<f8", na_value=np.nan) + 0.0  # −0 is 0
    return "number", np.where(is_null, 0.0, raw) if is_null.any() else raw
