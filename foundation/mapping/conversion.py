"""Conversion of what was read from a source to an input table: names, dates, numbers, filters, sums.

What cannot be converted stays text, so that input validation reports the row and its value. Not here: reading the source
(``foundation.store.raw_tables``), rules about values (``foundation.validation``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import listed, nearest, shown
from foundation.mapping.dates import ISO, DateForm
from foundation.mapping.numbers import parse_number, read_numbers
from foundation.mapping.section import TableMapping
from foundation.periods import Frequency
from foundation.tables import Kind, Table
from foundation.validation.input_table import UnreadableError

_NUMERIC = (Kind.NUMBER, Kind.WHOLE)


@dataclass
class Converted:
    """An input table read through a mapping.

    Attributes
    ----------
    table : pyarrow.Table
        The table, with the names of its definition.
    counts : dict of str to int
        Number of rows by what was done with them: ``filtered``, ``returned``, ``dropped``, ``added_up``, ``timed``.
    negative : pyarrow.Table or None
        Rows of ``sales`` with a negative quantity under ``negative: returns``.
    """

    table: pa.Table
    counts: dict[str, int] = field(default_factory=dict)
    negative: pa.Table | None = None


def converted(raw: pa.Table, definition: Table, mapping: TableMapping, grid: Frequency) -> Converted:
    """Return ``raw`` as the table of ``definition``.

    Raises ``UnreadableError`` for columns of the mapping that the source does not have, and for a filter that keeps no row.
    """
    raw = _filtered(_filled_down(raw, mapping), mapping)
    data = _renamed(raw.table, mapping)
    for place, name in enumerate(data.column_names):
        values = _without_empty(data.column(place), mapping.empty)
        data = data.set_column(place, name, _column(values, name, definition, mapping))
    data = _with_defaults(data, mapping)
    result = Converted(data, raw.counts)
    _set_negative_apart(result, definition, mapping)
    if mapping.aggregate is not None:
        _aggregate(result, definition, mapping, grid)
    return result


def _filled_down(raw: pa.Table, mapping: TableMapping) -> pa.Table:
    """Return ``raw`` with the value of the row before where a row of the same group has none."""
    for group, names in mapping.fill_down.items():
        keys = _words(raw.column(_place(raw, group, "fill_down", mapping))).to_pandas()
        for name in names:
            place = _place(raw, name, "fill_down", mapping)
            words = _words(raw.column(place)).to_pandas()
            filled = words.where(words.fillna("") != "").groupby(keys, sort=False).ffill()
            raw = raw.set_column(place, raw.column_names[place], pa.array(filled, pa.string(), from_pandas=True))
    return raw


def _filtered(raw: pa.Table, mapping: TableMapping) -> Converted:
    kept = np.ones(len(raw), dtype=bool)
    for conditions, is_kept in ((mapping.where, True), (mapping.where_not, False)):
        key = "where" if is_kept else "where_not"
        for name, values in conditions.items():
            words = _words(raw.column(_place(raw, name, key, mapping)))
            is_one = np.asarray(pc.is_in(pc.fill_null(words, ""), value_set=pa.array(values, pa.string())))
            if is_kept and len(raw) and not is_one.any():
                present = [str(word) for word in pc.unique(words).to_pylist()]
                raise UnreadableError(
                    f"has no row whose {shown(name)} is {listed(values)}",
                    f"correct {key}: the values are {listed(present)}",
                )
            kept &= is_one == is_kept
    n_left_out = int((~kept).sum())
    table = raw.filter(pa.array(kept)) if n_left_out else raw
    return Converted(table, {"filtered": n_left_out})


def _place(raw: pa.Table, name: str, key: str, mapping: TableMapping) -> int:
    names = [" ".join(other.split()) for other in raw.column_names]
    name_there = " ".join(name.split())
    if names.count(name_there) == 1:
        return names.index(name_there)
    if names.count(name_there) > 1:
        raise UnreadableError(
            f"has {names.count(name_there)} columns named {shown(name)!r}, which {key} names",
            "give each a name of its own",
        )
    known = f"; its columns are {listed_all(names)}"
    raise UnreadableError(
        f"has no column {shown(name)!r}, which {key} names{nearest(name_there, names)}", f"correct {key}{known}"
    )


def listed_all(names: Sequence[str]) -> str:
    """Return up to 20 names for a message."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(shown(name) for name in names[:20]) + more


def _renamed(raw: pa.Table, mapping: TableMapping) -> pa.Table:
    if not mapping.columns:
        return raw.rename_columns([" ".join(name.split()) for name in raw.column_names])
    columns: dict[str, pa.ChunkedArray] = {}
    for theirs, ours in mapping.columns.items():
        values = raw.column(_place(raw, theirs, "columns", mapping))
        for name in ours:
            columns[name] = _joined(columns[name], values) if name in columns else values
    return pa.table(columns)


def _joined(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the parts of an id, joined by a hyphen; empty parts are left out."""
    parts = [pc.if_else(pc.equal(words, ""), None, words) for words in (_words(first), _words(second))]
    return pc.binary_join_element_wise(*parts, "-", null_handling="skip")


def _words(values: pa.ChunkedArray) -> pa.ChunkedArray:
    text = values if pa.types.is_string(values.type) else values.cast(pa.string())
    return pc.utf8_trim_whitespace(text)


def _without_empty(values: pa.ChunkedArray, empty: Sequence[str]) -> pa.ChunkedArray:
    if not empty or not is_text(values.type):
        return values
    is_empty = pc.is_in(pc.utf8_trim_whitespace(values), value_set=pa.array(empty, pa.string()))
    return pc.if_else(pc.fill_null(is_empty, False), None, values)


def is_text(type_: pa.DataType) -> bool:
    """Return whether a type of Arrow is text."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _column(values: pa.ChunkedArray, name: str, definition: Table, mapping: TableMapping) -> pa.ChunkedArray:
    kind = definition[name].kind if name in definition.names else None
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if kind is Kind.DATE:
        return _shifted(_dates(values, mapping), mapping.shift_days)
    if name in mapping.pad:
        return pc.utf8_lpad(_words(_plain_integers(values)), mapping.pad[name], "0")
    if kind in _NUMERIC or name in mapping.scale:
        return _numbers(values, name, mapping)
    return values


def _dates(values: pa.ChunkedArray, mapping: TableMapping) -> pa.ChunkedArray:
    """Return text dates in ISO form; the time of day is removed where rows are added up or the format names it."""
    forms = [DateForm(text) for text in dict.fromkeys((mapping.date_format or ISO, ISO))]
    is_cut = mapping.aggregate == "sum" or forms[0].has_time
    if pa.types.is_timestamp(values.type) and is_cut and values.type.tz is None:
        return values.cast(pa.timestamp("us"), safe=False).cast(pa.date32(), safe=False)
    if mapping.date_format is not None and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        values = _plain_integers(values)
    return _by_word(values, lambda word: _iso(word, forms, is_cut)) if is_text(values.type) else values


def _shifted(values: pa.ChunkedArray, days: int) -> pa.ChunkedArray:
    """Return dates some days later; texts that are no dates stay."""
    if days == 0:
        return values
    if is_text(values.type):
        return _by_word(values, lambda word: _days_later(word, days))
    return pc.add(values.cast(pa.timestamp("us")), pa.scalar(timedelta(days=days), pa.duration("us")))


def _days_later(word: str, days: int) -> str:
    parsed = DateForm(ISO).parse(word)
    return word if parsed is None or parsed[1] else str(parsed[0] + timedelta(days=days))


def _plain_integers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if is_text(values.type):
        return values
    whole = values.cast(pa.int64(), safe=False) if pa.types.is_floating(values.type) else values
    return whole.cast(pa.string())


def _iso(word: str, forms: Sequence[DateForm], is_cut: bool) -> str:
    for form in forms:
        if (parsed := form.parse(word)) is not None:
            day, has_time = parsed
            return word if has_time and not is_cut else str(day)
    return word


def _numbers(values: pa.ChunkedArray, name: str, mapping: TableMapping) -> pa.ChunkedArray:
    factor = mapping.scale.get(name, 1.0)
    if not is_text(values.type):
        return values if factor == 1.0 else pc.multiply(values.cast(pa.float64()), factor)
    if mapping.decimal is None and mapping.thousands is None:
        _refuse_ambiguous(values, name)
        if factor == 1.0:
            return values
    decimal, thousands = mapping.decimal or ".", mapping.thousands or ""
    words = pc.unique(values.drop_null()).to_pylist()
    parsed = {word: parse_number(word, decimal, thousands) for word in words if word.strip()}
    if all(value is not None for value in parsed.values()):
        numbers = _by_word(values, lambda word: None if (value := parsed.get(word)) is None else repr(value * factor))
        return numbers.cast(pa.float64())
    # the exponent keeps input validation from reading a point as a thousands separator
    return _by_word(values, lambda word: word if (value := parsed.get(word)) is None else f"{value * factor!r}e0")


def _refuse_ambiguous(values: pa.ChunkedArray, name: str) -> None:
    """Refuse numbers that can be read in two ways where the mapping does not say in which."""
    words = pc.unique(pc.drop_null(values)).to_pylist()
    marked = [word for word in words if "." in word or "," in word]
    if marked and not any(_is_plainly_decimal(word) for word in marked):
        reading = read_numbers(words)
        if len(reading.forms) > 1:
            either = " or ".join(form_lines(form) for form in reading.forms)
            raise UnreadableError(
                f"has {shown(reading.example)!r} for {name}, which can be several numbers", f"write {either}"
            )


def _is_plainly_decimal(word: str) -> bool:
    """Return whether a point can only be a decimal point: not exactly three digits follow it."""
    whole, _, part = word.strip().partition(".")
    return bool(part) and "," not in word and (len(part) != 3 or not whole.strip("-+0"))


def form_lines(form: tuple[str, str]) -> str:
    """Return the keys of a mapping for a form of numbers."""
    decimal, thousands = form
    return f'decimal: "{decimal}"' + (f' and thousands: "{thousands}"' if thousands else "")


def _by_word(values: pa.ChunkedArray, change: Callable[[str], str | None]) -> pa.ChunkedArray:
    coded = pc.dictionary_encode(values).combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    words = pa.array([None if word is None else change(word) for word in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([words.take(coded.indices)])


def _with_defaults(data: pa.Table, mapping: TableMapping) -> pa.Table:
    for name, value in mapping.defaults.items():
        if name not in data.column_names:
            data = data.append_column(name, pa.array([value] * len(data), pa.string()))
    return data


def _set_negative_apart(result: Converted, definition: Table, mapping: TableMapping) -> None:
    name = {"sales": "units_sold", "stock": "units_on_hand"}.get(definition.name, "")
    if mapping.negative in (None, "net") or name not in result.table.column_names:
        return
    is_negative = numbers_of(result.table.column(name)) < 0
    if not is_negative.any():
        return
    is_returned = mapping.negative == "returns" and definition.name == "sales"
    if is_returned:
        result.negative = result.table.filter(pa.array(is_negative))
    result.counts["returned" if is_returned else "dropped"] = int(is_negative.sum())
    result.table = result.table.filter(pa.array(~is_negative))


def numbers_of(values: pa.ChunkedArray) -> np.ndarray:
    """Return a column as float64 (n_rows); NaN where it holds no number."""
    if is_text(values.type):
        return pd.to_numeric(values.to_pandas().astype(object), errors="coerce").to_numpy(dtype="float64")
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)):
        return np.full(len(values), np.nan)
    return pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy()


def _aggregate(result: Converted, definition: Table, mapping: TableMapping, grid: Frequency) -> None:
    data = result.table
    if mapping.aggregate == "distinct":
        result.table = _distinct(data)
    else:
        result.table = _summed(_on_grid(data, definition, grid), definition)
    result.counts["added_up"] = len(data) - len(result.table)


def _distinct(data: pa.Table) -> pa.Table:
    """Return the different rows in their first order, without rows that hold nothing."""
    trimmed = pa.table(
        [pc.utf8_trim_whitespace(column) if is_text(column.type) else column for column in data.columns],
        names=data.column_names,
    )
    frame = trimmed.to_pandas(date_as_object=False)
    kept = ~frame.duplicated().to_numpy() & ~frame.replace("", None).isna().all(axis=1).to_numpy()
    return trimmed.filter(pa.array(kept))


def _on_grid(data: pa.Table, definition: Table, grid: Frequency) -> pa.Table:
    """Return rows of a week dated by its first day, for tables whose rows are periods."""
    if grid.days == 1 or definition.name not in ("sales", "returns") or "date" not in data.column_names:
        return data
    column = data.column("date")
    days = pd.to_datetime(column.to_pandas(), errors="coerce", format=None if not is_text(column.type) else "%Y-%m-%d")
    first = days - pd.to_timedelta((days.dt.day_of_week - grid.start_weekday) % 7, unit="D")
    texts = first.dt.strftime("%Y-%m-%d")
    original = column.cast(pa.string()).to_pandas()
    return data.set_column(
        data.column_names.index("date"), "date", pa.array(texts.where(days.notna(), original), pa.string())
    )


def _summed(data: pa.Table, definition: Table) -> pa.Table:
    """Add up columns in units over rows that are equal in all others; rows without a number of units stay alone."""
    summed = [name for name in data.column_names if name in definition.names and definition[name].unit == "units"]
    if not summed or len(data) == 0:
        return data
    units = {name: numbers_of(data.column(name)) for name in summed}
    is_bad = np.logical_or.reduce([_is_odd(data.column(name), values) for name, values in units.items()])
    keys = [name for name in data.column_names if name not in summed]
    arrays = [_key(data.column(name)).filter(pa.array(~is_bad)) for name in keys]
    good = pa.table(
        [*arrays, *(pa.array(values[~is_bad], from_pandas=True) for values in units.values())], names=[*keys, *summed]
    )
    total = good.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in summed])
    total = total.rename_columns({f"{name}_sum": name for name in summed}).select(data.column_names)
    if not is_bad.any():
        return total
    bad = pa.table([_as_text(data.column(name)) for name in data.column_names], names=data.column_names)
    texts = pa.table([_as_text(total.column(name)) for name in data.column_names], names=data.column_names)
    return pa.concat_tables([texts, bad.filter(pa.array(is_bad))])


def _is_odd(values: pa.ChunkedArray, numbers: np.ndarray) -> np.ndarray:
    """Return a boolean per row: the value is text that is no number."""
    if not is_text(values.type):
        return np.zeros(len(values), dtype=bool)
    is_given = np.asarray(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(values), ""), False))
    return is_given & np.isnan(numbers)


def _key(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(values) if is_text(values.type) else values


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(values.type):
        words = [None if value is None else f"{value!r}e0" for value in values.to_pylist()]
        return pa.chunked_array([pa.array(words, pa.string())])
    return values.cast(pa.string())


def returns_from(negative: pa.Table) -> pa.Table:
    """Return rows of ``returns`` from rows of ``sales`` with negative units."""
    names: Mapping[str, str] = {"units_sold": "units_returned"}
    kept = [name for name in negative.column_names if name in ("date", "region", "sku", "units_sold")]
    table = negative.select(kept)
    place = kept.index("units_sold")
    units = pa.array(-numbers_of(table.column("units_sold")))
    return table.set_column(place, "units_sold", units).rename_columns([names.get(name, name) for name in kept])
