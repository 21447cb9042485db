"""Columns of every Arrow type with its extreme values, as files of other systems may have them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

_MOMENTS = [0, 1_716_000_000, 2**62, -(2**62), 2**63 - 1, -(2**63), None]


def odd_columns() -> dict[str, pa.Array]:
    """Return columns by name, plain and dictionary-coded where Arrow allows it."""
    result = dict(_plain())
    for name, values in list(result.items()):
        try:
            result[f"coded {name}"] = values.dictionary_encode()
        except (pa.ArrowException, NotImplementedError):
            continue
    words = pa.array(["x" * 20_000, "b"])
    result["coded long text"] = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int32()), words)
    result["coded uuid"] = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), result["uuid"])
    return result


def _plain() -> Iterator[tuple[str, pa.Array]]:
    for type_ in (pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.float64()):
        yield str(type_), pa.array([1, 0, None], type_)
    yield "float16", pa.array(np.array([1, 2], dtype="float16"))
    yield "bool", pa.array([True, False, None])
    yield "huge uint64", pa.array([2**64 - 1, 2**63, 5], pa.uint64())
    yield "extreme floats", pa.array([1e308, -1e308, float("inf"), float("nan"), 5e-324])
    yield "whole and infinite floats", pa.array([7.0, 1e300, float("inf"), float("-inf"), None])
    for type_ in (pa.string(), pa.large_string(), pa.string_view()):
        yield (
            str(type_),
            pa.array(["ab", "12", "2024-05-01", "9999-12-31T23:59:59Z", "", None, "\x00", "x" * 20_000], type_),
        )
    for type_ in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)):
        yield str(type_), pa.array([b"ab", b"12", None], pa.binary()).cast(type_)
    yield "text that is not UTF-8", pa.array([b"\xff\xfe"], pa.binary())
    yield from _times()
    yield from _numbers()
    yield from _nested()
    yield from _extensions()


def _times() -> Iterator[tuple[str, pa.Array]]:
    yield "date32", pa.array([0, 20_000, 2**31 - 1, -(2**31), 2_932_897, None], pa.int32()).cast(pa.date32())
    days = pa.array([0, 86_400_000 * 20_000, 86_400_000 * 10**8, 2**62 // 86_400_000 * 86_400_000, None], pa.int64())
    yield "date64", days.view(pa.date64())
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Berlin"):
            yield f"timestamp {unit} {zone}", pa.array(_MOMENTS, pa.int64()).view(pa.timestamp(unit, zone))
    yield "time32", pa.array([1, 2], pa.time32("s"))
    yield "time64", pa.array([1, 2], pa.time64("ns"))
    yield "duration", pa.array([1, 2**62], pa.duration("s"))
    yield "months, days and nanoseconds", pa.array([(1, 2, 3)], pa.month_day_nano_interval())


def _numbers() -> Iterator[tuple[str, pa.Array]]:
    yield "decimal32", pa.array([Decimal("1.5")], pa.decimal32(5, 2))
    yield "decimal64", pa.array([Decimal("1.5")], pa.decimal64(5, 2))
    yield "decimal128", pa.array([Decimal("1.5"), None], pa.decimal128(38, 2))
    yield "decimal256", pa.array([Decimal("1e70")], pa.decimal256(76, 0))
    yield "no values", pa.nulls(3)


def _nested() -> Iterator[tuple[str, pa.Array]]:
    yield "list", pa.array([[1], None])
    yield "list of two", pa.array([[1, 2]], pa.list_(pa.int64(), 2))
    yield "list view", pa.array([[1]], pa.list_view(pa.int64()))
    yield "struct", pa.array([{"a": 1}])
    yield "map", pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))
    codes = pa.array([0, 1], pa.int8())
    yield "sparse union", pa.UnionArray.from_sparse(codes, [pa.array([1, 2]), pa.array(["a", "b"])])
    places = pa.array([0, 0], pa.int32())
    yield "dense union", pa.UnionArray.from_dense(codes, places, [pa.array([1]), pa.array(["b"])])
    yield "run ends", pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"]))


def _extensions() -> Iterator[tuple[str, pa.Array]]:
    stored = pa.ExtensionArray.from_storage
    yield "uuid", stored(pa.uuid(), pa.array([b"0" * 16], pa.binary(16)))
    yield "json", stored(pa.json_(), pa.array(["1"]))
    yield "bool8", stored(pa.bool8(), pa.array([1], pa.int8()))
    yield "tensor", stored(pa.fixed_shape_tensor(pa.int32(), [2]), pa.array([[1, 2]], pa.list_(pa.int32(), 2)))
    yield "opaque", stored(pa.opaque(pa.binary(), "a", "b"), pa.array([b"1"]))
    yield "period", pa.array(pd.Series(pd.period_range("2020", "2021", freq="M")))
    yield "interval", pa.array(pd.Series(pd.interval_range(0, 3)))
