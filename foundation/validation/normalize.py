"""Type conversion: whatever type a column arrives in becomes the kind its definition names.

Dates of any resolution, text or date objects become ``datetime64[us]``; codes, narrow and nullable
numbers become the dtypes of ``foundation.tables``; 0/1 and true/false become booleans; empty text is
null everywhere. What does not fit is marked by row, never raised. Not here: rules about values.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.periods import FIRST_YEAR, LAST_YEAR
from foundation.tables import Kind
from foundation.validation.arrow_types import Misfit, WrongTypeError, plain

_TRUE, _FALSE = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")
_FEWEST_GROUPED = 3
_DAY_US = 86_400_000_000
_MOST_EXACT = 2.0**53  # whole floats beyond it are no longer exact
_TOO_LARGE = "above 9 million billion"
_EPOCH = date(1970, 1, 1).toordinal()
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}(?:[T ]00:00(?::00(?:\.0+)?)?)?$"
_ZONED = r"(?:Z|[+-]\d{2}:?\d{2})$"


Normalized = tuple[pd.Series, list[Misfit]]


def normalize(values: pa.ChunkedArray, kind: Kind, *, is_coded: bool = False) -> Normalized:
    """Return ``values`` as a series of ``kind`` and the rows that do not fit (null in the series).

    ``is_coded`` keeps text as a categorical with sorted categories: one number a row instead of a
    text, for keys of long tables. Raises ``WrongTypeError`` where no value can be of the kind.
    """
    values = plain(values)
    if kind is Kind.TEXT:
        return _text(values, is_coded), []
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    result, misfits = _CONVERT[kind](values)
    n_wrong = sum(int(misfit.rows.sum()) for misfit in misfits)
    if misfits and _is_text(values.type) and n_wrong == len(values) - values.null_count > 1:
        raise WrongTypeError(
            f"text such as {values.drop_null()[0].as_py()[:40]!r} in all {n_wrong:,} rows with a value"
        )
    return result, misfits


def extra(values: pa.ChunkedArray) -> Normalized:
    """Return a column no definition names: numbers as float64, text as ``str``, dates as they are.

    Raises ``WrongTypeError`` for nested or binary values.
    """
    values = plain(values)
    type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_boolean(type_):
        return normalize(values, Kind.FLAG)
    if _is_number(type_):
        return normalize(values, Kind.NUMBER)
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        zone = "UTC" if pa.types.is_timestamp(type_) and type_.tz else None
        moments, misfits = _moments(values.cast(type_), zone)
        return moments.to_pandas().astype(f"datetime64[us{', UTC' if zone else ''}]"), misfits
    return _text(values, is_coded=False), []


def _text(values: pa.ChunkedArray, is_coded: bool) -> pd.Series:
    plain = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_nested(plain):
        raise WrongTypeError(str(values.type))
    if not pa.types.is_dictionary(values.type):
        values = pc.dictionary_encode(_floats_as_whole(values))
    coded = values.unify_dictionaries()
    codes = pa.chunked_array([chunk.indices for chunk in coded.chunks], type=coded.type.index_type)
    words = coded.chunk(0).dictionary if coded.num_chunks else pa.array([], plain)
    try:
        words = pc.utf8_trim_whitespace(_floats_as_whole(words).cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise WrongTypeError(str(plain)) from error
    return _categorical(codes, words, is_coded)


def _categorical(codes: pa.ChunkedArray, words: pa.Array, is_coded: bool) -> pd.Series:
    """Put codes and their words (any order, empty or repeated) into a sorted categorical, or plain text."""
    words = pc.if_else(pc.equal(words, ""), None, words)
    distinct = pc.unique(words.drop_null())
    distinct = distinct.take(pc.array_sort_indices(distinct))
    place = pc.fill_null(pc.index_in(words, distinct), -1).to_numpy(zero_copy_only=False)
    place = np.append(place, -1)
    old = pc.fill_null(codes.cast(pa.int32()), len(words)).to_numpy()
    new = place[old].astype("int32")
    if is_coded:
        categories = pd.Index(distinct.to_pandas().astype("str"), dtype="str")
        return pd.Series(pd.Categorical.from_codes(new, categories=categories))
    picked = distinct.take(pa.array(new, mask=new < 0))
    return picked.to_pandas().astype("str")


def _floats_as_whole(values: pa.Array) -> pa.Array:
    """Ids that became floats on their way (because of nulls) read 7, not 7.0; times of day read 06:00."""
    if pa.types.is_time(values.type):
        return pc.utf8_slice_codeunits(values.cast(pa.string()), 0, 5)
    if not pa.types.is_floating(values.type):
        return values
    values = values.cast(pa.float64())
    values = pc.if_else(pc.is_nan(values), None, values)
    is_exact = pc.less_equal(pc.abs(values), _MOST_EXACT)  # neither infinite nor beyond what a float counts exactly
    whole = pc.if_else(is_exact, values, 0.0)
    if pc.all(pc.equal(whole, pc.round(whole))).as_py() is False:
        return values
    whole = whole.cast(pa.int64())
    if pc.all(is_exact).as_py() is False:
        return pc.if_else(is_exact, whole.cast(pa.string()), values.cast(pa.string()))
    return whole


def _number(values: pa.ChunkedArray) -> Normalized:
    if _is_text(values.type):
        return _parsed_number(values)
    if not _is_number(values.type):
        raise WrongTypeError(str(values.type))
    return pd.Series(pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy()), []


def _parsed_number(values: pa.ChunkedArray) -> Normalized:
    text = _trimmed(values)
    if dotted := _thousands(text):
        raise WrongTypeError(f"numbers such as {dotted} whose points look like thousands separators")
    try:
        return pd.Series(pc.fill_null(text.cast(pa.float64()), np.nan).to_numpy()), []
    except pa.ArrowInvalid:
        parsed = pd.to_numeric(text.to_pandas().astype(object), errors="coerce").astype("float64")
    is_wrong = parsed.isna().to_numpy() & ~text.is_null().to_numpy() & ~_is_one_of(text, ("nan",))
    return parsed, _misfits(
        (is_wrong, "with text in a number", "write plain numbers: a decimal point, no thousands separators")
    )


def _thousands(text: pa.ChunkedArray) -> str:
    """Return one of the values whose point can only separate thousands; empty where points are decimal.

    So they look where each is followed by exactly three digits, at least three values have one, and the others are whole
    numbers below a thousand.
    """
    words = pc.unique(text.drop_null())
    grouped = pc.match_substring_regex(words, r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")
    plain = pc.match_substring_regex(words, r"^[+-]?\d{1,3}$")
    n_grouped = pc.sum(grouped).as_py() or 0
    is_all = pc.all(pc.or_(grouped, plain)).as_py()
    return (
        str(words.filter(grouped)[0].as_py())
        if is_all and n_grouped >= _FEWEST_GROUPED and n_grouped < len(words)
        else ""
    )


def _whole(values: pa.ChunkedArray) -> Normalized:
    if pa.types.is_integer(values.type):
        if pa.types.is_uint64(values.type):
            is_large = pc.fill_null(pc.greater(values, pa.scalar(2**63 - 1, pa.uint64())), False)
            if (rows := np.asarray(is_large)).any():
                whole, _ = _whole(pc.if_else(is_large, None, values))
                return whole, _misfits((rows, _TOO_LARGE, "give a plausible number"))
        return values.cast(pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get), []
    number, misfits = _number(values)
    raw = number.to_numpy()
    with np.errstate(invalid="ignore"):
        is_large = np.isfinite(raw) & (np.abs(raw) > 2**53)
        is_wrong = ~np.isnan(raw) & ~is_large & ((raw != np.round(raw)) | np.isinf(raw))
    kept = np.where(is_wrong | is_large, np.nan, raw)
    return pd.Series(kept).astype("Int64"), misfits + _misfits(
        (is_wrong, "not whole", "give whole numbers"), (is_large, _TOO_LARGE, "give a plausible number")
    )


def _flag(values: pa.ChunkedArray) -> Normalized:
    if pa.types.is_boolean(values.type):
        return values.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get), []
    if _is_number(values.type):
        values = _floats_as_whole(values.combine_chunks() if values.num_chunks else pa.array([], values.type))
    if not (_is_text(values.type) or _is_number(values.type)):
        raise WrongTypeError(str(values.type))
    text = pc.utf8_lower(_trimmed(values.cast(pa.string())))
    is_true, is_false = _is_one_of(text, _TRUE), _is_one_of(text, _FALSE)
    is_wrong = ~is_true & ~is_false & ~np.asarray(text.is_null())
    flags = pd.array(is_true, dtype="boolean")
    flags[~is_true & ~is_false] = pd.NA
    return pd.Series(flags), _misfits((is_wrong, "neither true nor false", "write true or false, 1 or 0"))


def _date(values: pa.ChunkedArray) -> Normalized:
    if _is_text(values.type):
        return _parsed_date(values)
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        raise WrongTypeError(str(values.type))
    if pa.types.is_timestamp(values.type) and values.type.tz:
        raise WrongTypeError(f"times in zone {values.type.tz}")
    moments, misfits = _moments(values, None)
    days, others = _whole_days(moments)
    return days, misfits + others


def _moments(values: pa.ChunkedArray, zone: str | None) -> tuple[pa.ChunkedArray, list[Misfit]]:
    """Return dates or moments in microseconds; those outside the calendar's years are null and marked.

    They are found in the values' own unit: in microseconds the far ones would overflow into plausible dates.
    """
    type_ = values.type
    if pa.types.is_date(type_):
        per_day = 1 if pa.types.is_date32(type_) else 86_400_000
        raw = values.cast(pa.int32() if per_day == 1 else pa.int64()).cast(pa.int64())
    else:
        per_day = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[type_.unit]
        raw = values.cast(pa.int64())
    first, end = (date(year, 1, 1).toordinal() - _EPOCH for year in (FIRST_YEAR, LAST_YEAR + 1))
    limits = [pa.scalar(min(max(day * per_day, -(2**63)), 2**63 - 1), pa.int64()) for day in (first, end)]
    is_far = pc.fill_null(pc.or_(pc.less(raw, limits[0]), pc.greater_equal(raw, limits[1])), False)
    near = pc.if_else(is_far, pa.scalar(None, type_), values)
    if pa.types.is_timestamp(type_) and type_.tz:
        near = near.cast(pa.timestamp("us", type_.tz), safe=False)
    return near.cast(pa.timestamp("us", zone), safe=False), _far(np.asarray(is_far))


def _far(rows: np.ndarray) -> list[Misfit]:
    return _misfits((rows, f"outside the years {FIRST_YEAR} to {LAST_YEAR}", "correct the year"))


def _whole_days(values: pa.ChunkedArray) -> Normalized:
    moments = values.to_pandas().astype("datetime64[us]").reset_index(drop=True)
    raw = moments.to_numpy().astype("int64")
    is_null = moments.isna().to_numpy()
    first, end = (np.datetime64(f"{year}-01-01", "us").astype("int64") for year in (FIRST_YEAR, LAST_YEAR + 1))
    is_far = ~is_null & ((raw < first) | (raw >= end))
    has_time = ~is_null & ~is_far & (raw % _DAY_US != 0)
    if is_far.any() or has_time.any():
        moments = moments.mask(is_far | has_time)
    return moments, _far(is_far) + _misfits(
        (has_time, "with a time of day", "give the date alone, for example 2016-05-23"),
    )


def _parsed_date(values: pa.ChunkedArray) -> Normalized:
    coded = pc.dictionary_encode(_trimmed(values)).combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    words = coded.dictionary.to_pandas().astype(object)
    is_iso = words.str.match(_ISO_DATE).to_numpy(dtype=bool)
    is_zoned = ~is_iso & words.str.contains(_ZONED, regex=True).to_numpy(dtype=bool)
    days = pd.to_datetime(words.str[:10].where(is_iso), format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")
    place = pc.fill_null(coded.indices, len(words)).to_numpy(zero_copy_only=False)
    result, misfits = _whole_days(
        pa.chunked_array([pa.array(np.append(days.to_numpy(), np.datetime64("NaT", "us"))[place])])
    )
    is_wrong = np.append(days.isna().to_numpy() & ~is_zoned, False)[place]
    return result, misfits + _misfits(
        (is_wrong, "not a date", "write dates as 2016-05-23"),
        (np.append(is_zoned, False)[place], "with a time zone on a date", "give the local date without a zone"),
    )


def _timestamp(values: pa.ChunkedArray) -> Normalized:
    """Moments without a zone are read as UTC."""
    if _is_text(values.type):
        text = _trimmed(values)
        moments = pd.Series(
            pd.to_datetime(text.to_pandas().astype(object), utc=True, errors="coerce", format="ISO8601")
        )
        moments = moments.where(moments.dt.year.between(FIRST_YEAR, LAST_YEAR))
        is_wrong = moments.isna().to_numpy() & ~text.is_null().to_numpy()
        remedy = "write moments as 2016-05-23T17:30:00+02:00"
        return moments.astype("datetime64[us, UTC]"), _misfits((is_wrong, "not a moment", remedy))
    if not (pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        raise WrongTypeError(str(values.type))
    moments, misfits = _moments(values, "UTC")
    return moments.to_pandas().astype("datetime64[us, UTC]"), misfits


_CONVERT: dict[Kind, Callable[[pa.ChunkedArray], Normalized]] = {
    Kind.NUMBER: _number,
    Kind.WHOLE: _whole,
    Kind.FLAG: _flag,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
}


def _misfits(*results: tuple[np.ndarray, str, str]) -> list[Misfit]:
    return [Misfit(problem, remedy, rows) for rows, problem, remedy in results if rows.any()]


def _trimmed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _is_one_of(text: pa.ChunkedArray, words: tuple[str, ...]) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.is_in(text, value_set=pa.array(words, text.type)), False))


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))
