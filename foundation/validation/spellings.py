"""Ids that differ only in capitals and blanks: "A " and "A" are read as one id, "a" and "A" as two.

Here: finding and naming them. Not here: removing blanks around ids (``normalize``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InputWarning, counted_noun, shown
from foundation.validation.arrow_types import plain
from foundation.validation.input_table import InputTable, Spelling

ID_COLUMNS = ("sku", "region", "hub", "supplier", "lane")
_DEFINED_IN = {"skus": "sku", "regions": "region", "hubs": "hub", "supply": "supplier", "lanes": "lane"}


def encoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ``values`` in a simple type, text dictionary-encoded so that its distinct words are at hand."""
    values = plain(values)
    return pc.dictionary_encode(values) if _is_text(values.type) else values


def spellings(values: pa.ChunkedArray) -> tuple[Spelling, ...]:
    """Return the ids among ``values`` that differ only in capitals and blanks; none unless dictionary-encoded text."""
    if not pa.types.is_dictionary(values.type) or not _is_text(values.type.value_type):
        return ()
    words = {word for chunk in values.chunks for word in chunk.dictionary.drop_null().to_pylist()}
    groups = _groups(words)
    if not groups:
        return ()
    present = set(pc.unique(values.cast(values.type.value_type)).to_pylist())
    kept = [tuple(word for word in group if word in present) for group in groups]
    return tuple(Spelling(group, len({word.strip() for word in group}) == 1) for group in kept if len(group) > 1)


def _groups(words: set[str]) -> list[list[str]]:
    """Return the groups of ``words`` that differ only in capitals and blanks, in order."""
    if len({_folded(word) for word in words}) == len(words):
        return []
    groups: dict[str, list[str]] = {}
    for word in sorted(words):
        groups.setdefault(_folded(word), []).append(word)
    return [group for key, group in sorted(groups.items()) if key and len(group) > 1]


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def spelling_warnings(table: InputTable) -> Iterator[InputWarning]:
    """Yield the ids of ``table`` that are written in several ways.

    Ids that are read as two are named in the table that defines them; elsewhere they are refused as unknown.
    """
    for column, groups in table.spellings.items():
        merged = [group for group in groups if group.is_one_id]
        distinct = [group for group in groups if not group.is_one_id]
        if merged:
            count = counted_noun(len(merged), "id")
            problem = f"{count} written with and without blanks, first: {merged[0]}; each is read as one id"
            yield InputWarning(table.name, column, problem, "write each id in one way")
        if distinct and _DEFINED_IN.get(table.name) == column:
            count = counted_noun(len(distinct), "id")
            problem = f"{count} written in several ways, first: {distinct[0]}; each way is read as an id of its own"
            yield InputWarning(
                table.name, column, problem, "write each id in one way, unless they are different things"
            )


def other_spelling(unknown: Sequence[str], ids: pd.Series) -> str:
    """Return the id, in quotes, that one of ``unknown`` differs from only in capitals and blanks; empty for none."""
    known = {_folded(str(name)): str(name) for name in ids}
    return next((f"'{shown(known[_folded(name)])}'" for name in unknown if _folded(name) in known), "")


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
