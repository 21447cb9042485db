"""Mutations of tables, files, configurations and settings; each is drawn from its seed alone."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tests.fuzz.odd_columns import odd_columns

Draw = random.Random
NUMBERS = [
    0,
    -1,
    1,
    1e-300,
    0.5,
    1e6,
    1e9,
    1e12,
    1e15,
    1e18,
    1e300,
    -1e18,
    float("inf"),
    float("-inf"),
    float("nan"),
    2**53 + 1,
]
TEXTS = ["", " ", "\0", "a\nb", "=1+1", "é" * 300, "x" * 100_000, "1,234", "1.234,5", "0x10", "NaN", "NULL", "2024-13-45",
         "9999-12-31", "0001-01-01", "2024-05-01T10:00:00+02:00", "\ud7ff", "💥", "true", "-", "1e999", "١٢"]  # fmt: skip
DATES = ["1677-09-21", "1899-12-31", "2024-06-02", "2024-06-03", "2042-01-01", "2199-12-31", "2262-04-12", None]


def mutated_table(frame: pd.DataFrame, draw: Draw) -> tuple[pa.Table, str]:
    """Return ``frame`` as Arrow with one to three mutations, and their descriptions."""
    parts = []
    frame = frame.astype({name: "object" for name in frame.columns if frame[name].dtype == "str"})
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        change = draw.choice(_CHANGES)
        frame, label = change(frame, draw)
        parts.append(label)
    data = _arrow(frame)
    if draw.random() < 0.35 and len(data):
        data, label = _odd_column(data, draw)
        parts.append(label)
    return data, "; ".join(parts)


def _arrow(frame: pd.DataFrame) -> pa.Table:
    columns = []
    for place in range(frame.shape[1]):
        values = frame.iloc[:, place]
        try:
            columns.append(pa.array(values, from_pandas=True))
        except (pa.ArrowException, TypeError, OverflowError, ValueError):
            columns.append(pa.array([None if value is None else str(value) for value in values]))
    return pa.Table.from_arrays(columns, [str(name) for name in frame.columns])


def _some_rows(frame: pd.DataFrame, draw: Draw) -> list[int]:
    if frame.empty:
        return []
    count = draw.choice([1, 2, max(1, len(frame) // 3), len(frame)])
    return sorted(draw.sample(range(len(frame)), min(count, len(frame))))


def _values(frame: pd.DataFrame, draw: Draw) -> tuple[pd.DataFrame, str]:
    name = draw.choice(list(frame.columns))
    value = draw.choice(draw.choice([NUMBERS, TEXTS, DATES, [None]]))
    column = frame[name].astype("object").copy()
    rows = _some_rows(frame, draw)
    column.iloc[rows] = value
    return frame.assign(**{name: column}), f"{name}[{len(rows)}]={str(value)[:30]!r}"


def _scaled(frame: pd.DataFrame, draw: Draw) -> tuple[pd.DataFrame, str]:
    numbers = list(frame.select_dtypes("number"))
    if not numbers:
        return _values(frame, draw)
    name, factor = draw.choice(numbers), draw.choice([0, -1, 1e-9, 1e3, 1e6, 1e9, 1e15])
    return frame.assign(**{name: frame[name].astype("float64") * factor}), f"{name}*{factor:g}"


def _rows(frame: pd.DataFrame, draw: Draw) -> tuple[pd.DataFrame, str]:
    kind = draw.choice(["none", "one", "twice", "again", "shuffled", "half"])
    if kind == "none":
        return frame.iloc[:0], "no rows"
    if kind == "one":
        return frame.iloc[:1], "one row"
    if kind == "half":
        return frame.iloc[: len(frame) // 2], "half the rows"
    if kind == "shuffled":
        return frame.iloc[draw.sample(range(len(frame)), len(frame))], "shuffled"
    added = frame if kind == "twice" else frame.iloc[_some_rows(frame, draw)]
    return pd.concat([frame, added], ignore_index=True), f"{len(added)} rows again"


def _columns(frame: pd.DataFrame, draw: Draw) -> tuple[pd.DataFrame, str]:
    kind = draw.choice(["dropped", "renamed", "doubled", "added", "many"])
    name = draw.choice(list(frame.columns))
    if kind == "dropped":
        return frame.drop(columns=[name]), f"without {name}"
    if kind == "renamed":
        other = draw.choice([name.upper(), f" {name}", f"{name}\0", "", "date", "a b", 'ä,[]{}:"'])
        return frame.set_axis([other if one == name else one for one in frame.columns], axis=1), f"{name} as {other!r}"
    if kind == "doubled":
        return pd.concat([frame, frame[[name]]], axis=1).loc[:, lambda both: ~both.columns.duplicated()], "as it was"
    count = 40 if kind == "many" else 1
    others = ["date", "email", "price", "age", "a b", "a_b", "weekday", "lag_7", "level", "x" * 300, "mean"]
    added = {f"{draw.choice(others)}{index or ''}": draw.choice([1.0, "text", None, 1e14]) for index in range(count)}
    return frame.assign(**added), f"{count} more columns: {', '.join(added)[:60]}"


def _typed(frame: pd.DataFrame, draw: Draw) -> tuple[pd.DataFrame, str]:
    name, kind = draw.choice(list(frame.columns)), draw.choice(["str", "float32", "category", "Int64", "zoned", "int8"])
    try:
        if kind == "zoned":
            zone = draw.choice(["UTC", "Asia/Tokyo"])
            return frame.assign(**{name: pd.to_datetime(frame[name]).dt.tz_localize(zone)}), f"{name} in {zone}"
        return frame.assign(**{name: frame[name].astype(kind)}), f"{name} as {kind}"
    except (TypeError, ValueError, AttributeError, OverflowError):
        return frame.assign(**{name: frame[name].astype("str")}), f"{name} as text"


_CHANGES: list[Callable[[pd.DataFrame, Draw], tuple[pd.DataFrame, str]]] = [
    _values,
    _values,
    _values,
    _scaled,
    _rows,
    _columns,
    _typed,
]


def _odd_column(data: pa.Table, draw: Draw) -> tuple[pa.Table, str]:
    odd = odd_columns()
    name, place = draw.choice(sorted(odd)), draw.randrange(data.num_columns)
    try:
        values = odd[name].take(pa.array(np.arange(len(data)) % len(odd[name])))
    except (pa.ArrowException, NotImplementedError):  # of some types Arrow cannot pick values: then the rows are few
        values, data = odd[name][: len(data)], data.slice(0, len(odd[name]))
    return data.set_column(place, data.column_names[place], values), f"{data.column_names[place]} of type {name}"


def write(data: pa.Table, folder: Path, name: str, draw: Draw) -> str:
    """Write a table as Parquet, CSV or Delta and return how; a table that a format cannot hold goes to the next."""
    (folder / f"{name}.parquet").unlink(missing_ok=True)
    kind = draw.choice(["parquet", "parquet", "csv", "delta"])
    try:
        if kind == "csv":
            data.to_pandas().to_csv(folder / f"{name}.csv", index=False)
            return "csv"
        if kind == "delta":
            from deltalake import write_deltalake

            write_deltalake(str(folder / name), data)
            return "delta"
        pyarrow.parquet.write_table(data, folder / f"{name}.parquet")
        return "parquet"
    except Exception:
        (folder / f"{name}.csv").unlink(missing_ok=True)
        shutil.rmtree(folder / name, ignore_errors=True)
        pyarrow.parquet.write_table(pa.table({"x": ["1"]}), folder / f"{name}.parquet")
        return "no column of its own, as the format refuses the type"


def damage_file(path: Path, draw: Draw) -> str:
    """Damage the file at ``path`` and return how."""
    content = path.read_bytes()
    kind = draw.choice(
        [
            "cut",
            "empty",
            "garbled",
            "zeros",
            "other bytes",
            "pipe",
            "loop",
            "folder",
            "text",
            "latin",
            "gone",
            "utf-16",
            "thousands",
        ]
    )
    path.unlink()
    csv = path.with_suffix(".csv")
    if kind == "cut":
        path.write_bytes(content[: draw.randrange(len(content))])
    elif kind == "garbled":
        raw = bytearray(content)
        for _ in range(draw.choice([1, 5, 50])):
            raw[draw.randrange(len(raw))] = draw.randrange(256)
        path.write_bytes(bytes(raw))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "folder":
        path.mkdir()
    elif kind != "gone":
        table = pyarrow.parquet.read_table(pa.BufferReader(content)).to_pandas()
        text = table.to_csv(index=False)
        built: dict[str, bytes] = {
            "empty": b"", "zeros": bytes(1_000), "other bytes": draw.randbytes(5_000), "text": b"hello\n",
            "latin": (text + text.splitlines()[-1] + "\xe4\n").encode("latin-1", "replace"), "utf-16": text.encode("utf-16"),
            "thousands": text.replace(".0", ",000").encode(),
        }  # fmt: skip
        (path if kind in ("empty", "zeros", "other bytes") else csv).write_bytes(built[kind])
    return f"{path.name} {kind}"


def odd_value(draw: Draw) -> Any:
    """Return a value a setting may be given, as YAML text."""
    return draw.choice([
        "1e15", "-1", "0", "inf", "nan", "true", "null", "''", "[]", "{}", "[[]]", "x", "[1, 1]", "{a: 1}", "1e-9", "3000", "2024-06-03",
        "[a, a]", "'a\\0b'", "~", "[1, [2]]", "*x", "!!timestamp 2024-99-99", "[" * 600, "&a [*a]", "99999999999999999999", "0.1", "2", "7",
        "400", "1000", "W-MON", "[0.5]", "[0.001, 0.999]", "[14]", "[1]", "unknown", "shadow", "100",
    ])  # fmt: skip
