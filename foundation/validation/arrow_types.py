"""Columns as they arrive: every Arrow type is brought to one of the few the rules know, or refused by name.

Here: types and lengths alone, without regard to what a column should hold. Not here: kinds of columns (``normalize``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST_TEXT = 1_000


@dataclass(frozen=True)
class Misfit:
    """Values of a column that do not fit its kind.

    Attributes
    ----------
    problem, remedy
        What the values are, and what to do.
    rows : bool array (n_rows)
        Rows that hold such a value.
    """

    problem: str
    remedy: str
    rows: np.ndarray


class WrongTypeError(Exception):
    """A whole column cannot be of its kind; the message says what it holds."""


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ``values`` without views, run ends, narrow decimals and texts beyond ``LONGEST_TEXT`` characters.

    A longer text is cut, because a copy for each of its rows could fill the memory; an id cut so is still too long.

    Raises
    ------
    WrongTypeError
        For extension types, such as periods, intervals and UUIDs.
    """
    type_ = values.type
    if pa.types.is_null(type_):
        return values.cast(pa.string())
    if pa.types.is_run_end_encoded(type_):
        return plain(pa.chunked_array([pc.run_end_decode(chunk) for chunk in values.chunks], type_.value_type))
    if pa.types.is_dictionary(type_):
        return _shortened(_dictionary(values))
    simple = _simple(type_)
    return _shortened(values if simple == type_ else values.cast(simple))


def _simple(type_: pa.DataType) -> pa.DataType:
    """Return the type that ``type_`` is cast to."""
    if isinstance(type_, pa.BaseExtensionType):
        raise WrongTypeError(str(type_))
    if pa.types.is_string_view(type_):
        return pa.large_string()
    if pa.types.is_binary_view(type_):
        return pa.large_binary()
    if pa.types.is_decimal32(type_) or pa.types.is_decimal64(type_):
        return pa.decimal128(type_.precision, type_.scale)
    return type_


def _dictionary(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a dictionary column over words of a simple type, with codes of 32 bits."""
    word = _simple(values.type.value_type)
    type_ = pa.dictionary(pa.int32(), word)
    if type_ == values.type:
        return values
    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices.cast(pa.int32()), chunk.dictionary.cast(word))
        for chunk in values.chunks
    ]
    return pa.chunked_array(chunks, type_)


def _shortened(values: pa.ChunkedArray) -> pa.ChunkedArray:
    is_coded = pa.types.is_dictionary(values.type)
    if not _is_sized(values.type.value_type if is_coded else values.type):
        return values
    cut = []
    for chunk in values.chunks:
        words = chunk.dictionary if is_coded else chunk
        if (pc.max(pc.binary_length(words)).as_py() or 0) > LONGEST_TEXT:
            is_binary = pa.types.is_binary(words.type) or pa.types.is_large_binary(words.type)
            words = (pc.binary_slice if is_binary else pc.utf8_slice_codeunits)(words, 0, LONGEST_TEXT)
        cut.append(pa.DictionaryArray.from_arrays(chunk.indices, words) if is_coded else words)
    return pa.chunked_array(cut, values.type)


def _is_sized(type_: pa.DataType) -> bool:
    return any(
        check(type_)
        for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )
