"""Every configuration, however odd, gives settings or one line per mistake, without delay."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from foundation import plain_yaml
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.sections import LONGEST_NAME
from foundation.settings import Settings, parse_as_of
from foundation.store.snapshot import validate_inputs

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
CHAIN = "k0: &a0 [1]\n" + "".join(f"k{i}: &a{i} [[[[[*a{i - 1}]]]]]\n" for i in range(1, 400))
DOCUMENTS = {
    "500 lists deep": "horizon: " + "[" * 500 + "]" * 500,
    "500 mappings deep": "horizon: " + "{a: " * 500 + "1" + "}" * 500,
    "100,000 deep": "[" * 100_000,
    "deep by indentation": "\n".join(" " * i + "a:" for i in range(500)),
    "anchor bomb": BOMB,
    "chain of anchors": CHAIN,
    "an alias of itself": "inputs: &a\n  path: *a\n",
    "a list that holds itself": "series: &a [*a]\n",
    "a list as a key": "? [a, b]\n: 1\n",
    "a mapping as a key": "? {a: b}\n: 1\n",
    "an impossible timestamp": "horizon: !!timestamp 2016-13-45\n",
    "a possible timestamp": "horizon: !!timestamp 2016-12-05\n",
    "binary that is none": "name: !!binary '****'\n",
    "a set": "series: !!set {a, b}\n",
    "a Python object": "name: !!python/object/apply:os.getcwd []\n",
    "an unknown tag": "name: !thing x\n",
    "a number that is none": "horizon: !!int twelve\n",
    "5,000 digits": f"horizon: {'9' * 5_000}\n",
    "an unknown alias": "horizon: *nowhere\n",
    "two documents": "horizon: 3\n---\nhorizon: 4\n",
    "a NUL": "name: a\0b\n",
    "an escaped NUL": 'name: "a\\0b"\n',
    "half a surrogate": 'review: {title: "\\ud800"}\n',
    "2 MB": "# " + "x" * 2_000_000,
    "100,000 keys": "".join(f"k{i}: 1\n" for i in range(100_000)),
    "2,000 unknown keys": "".join(f"k{i}: 1\n" for i in range(2_000)),
    "a number as a section": "inputs: 7\n",
    "a number as a key": "inputs: {7: 8}\n",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration without keys."""
    path = tmp_path / "shop.yaml"
    path.write_text("")
    return path


def _refused(config: Path | str, *overrides: str) -> list[str]:
    began = time.process_time()
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(config, overrides)
    assert time.process_time() - began < 5
    for line in refusal.value.lines:
        assert line.isprintable()
        assert len(line) < 1_000
    return list(refusal.value.lines)


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_hostile_document_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text(text)
    assert all("shop.yaml" in line for line in _refused(config))


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_hostile_value_of_set_is_refused_too(config: Path, text: str) -> None:
    assert all("--set" in line for line in _refused(config, f"review={text}"))


def test_anchors_within_the_limits_are_read() -> None:
    assert plain_yaml.parse("a: &a [1, 2]\nb: *a\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("name", ["~nobody_of_that_name/c.yaml", "x" * 5_000, "a\0b"])
def test_a_path_no_system_can_open(name: str) -> None:
    assert "configuration" in _refused(name)[0]


def test_a_pipe_a_loop_and_a_folder_are_no_configuration(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe", "loop", "folder"):
        assert "is not a file" in _refused(tmp_path / f"{name}.yaml")[0]


def _leaves(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its type; keys of a section in a list stand as ``what_if.0.name``, in a mapping as ``inputs.tables.sales.file``."""
    for name, field in model.model_fields.items():
        for inner in _parts(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                within = {tuple: "0.", dict: "sales."}.get(get_origin(field.annotation), "")
                yield from _leaves(inner, f"{prefix}{name}.{within}")
            elif inner in (int, float, str, date, Any):
                yield f"{prefix}{name}", field.annotation


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the plain types an annotation is made of."""
    if get_origin(annotation) in (Union, UnionType, tuple, dict) or hasattr(annotation, "__metadata__"):
        arguments = [annotation.__origin__] if hasattr(annotation, "__metadata__") else get_args(annotation)
        for inner in arguments:
            yield from _parts(inner)
    elif annotation not in (type(None), Ellipsis):
        yield annotation


def _holds(annotation: Any, kinds: tuple[type, ...]) -> bool:
    return any(part in kinds for part in _parts(annotation))


def _override(key: str, annotation: Any, value: str) -> list[str]:
    """Return what sets ``key`` to ``value``; a list or mapping gets it as one element."""
    if get_origin(annotation) is tuple:
        value = f"[{value}]"
    if get_origin(annotation) is dict:
        value = f"{{all: {value}}}"
    section, zero, name = key.partition(".0.")
    if zero:
        others = "" if name == "name" else "name: x, "
        return [f"{section}=[{{{others}{name}: {value}}}]"]
    return [f"{key}={value}"]


NUMBERS = [(key, kind) for key, kind in dict(_leaves()).items() if _holds(kind, (int, float))]
SEVERAL_LINES = "inputs.tables.sales.query"
TEXTS = [
    (key, kind)
    for key, kind in dict(_leaves()).items()
    if _holds(kind, (str,)) and get_origin(kind) is not dict and key != SEVERAL_LINES
]


@pytest.mark.parametrize(("key", "kind"), NUMBERS, ids=[key for key, _ in NUMBERS])
def test_every_number_has_its_bounds(config: Path, key: str, kind: Any) -> None:
    for value in ("1e15", "-1e15", "inf", "-inf", "nan", ".inf", ".nan", "true", "soon", "{a: 1}", "[[]]"):
        lines = _refused(config, *_override(key, kind, value))
        assert any(line.startswith(key) for line in lines), (value, lines)


@pytest.mark.parametrize(("key", "kind"), TEXTS, ids=[key for key, _ in TEXTS])
def test_every_text_has_its_limits(config: Path, key: str, kind: Any) -> None:
    for value in ('"a\\0b"', '"a\\nb"', f"'{'x' * 3_000}'", "{a: 1}", "true"):
        lines = _refused(config, *_override(key, kind, value))
        assert any(line.startswith(key) for line in lines), (value, lines)


@pytest.mark.parametrize(
    ("key", "kind"), [(key, kind) for key, kind in TEXTS if get_origin(kind) is tuple and "0." not in key]
)
def test_a_list_of_names_accepts_each_name_once(config: Path, key: str, kind: Any) -> None:
    for names in ("[a, a]", "['']", "[' ']"):
        assert _refused(config, f"{key}={names}")[0].startswith(key)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("horizon=3000", "must be at most 400, not 3000"),
        ("forecast.train_until=20160523", "not a date"),
        ("forecast.train_until=1463961600", "not a date"),
        ("forecast.train_until=0001-01-01", "outside the years 1900 to 2199"),
        ("forecast.window_days=[]", "at least one"),
        ("forecast.window_days=[7, 7]", "only once"),
        ("forecast.families=[lags, lags]", "more than once"),
        ("series.closed_days=[Mon, Tue, Wed, Thu, Fri, Sat, sun]", "all seven weekdays"),
        (f"name={'a' * (LONGEST_NAME + 1)}", f"at most {LONGEST_NAME} characters"),
        ("a.b.c.d.e.f.g=1", "no key of more than 6 parts"),
        ("what_if=[{name: a, positioning: {seed: -1}}]", "what_if a: positioning.seed"),
        ("what_if=[{name: a, demand_factor: {all: 1e9}}]", "must be at most 1000"),
    ],
)  # fmt: skip
def test_values_that_once_reached_a_library(config: Path, override: str, words: str) -> None:
    assert words in " ".join(_refused(config, override))


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "2016-5-3", "2016-W01-1", "20160523", "today", ""])
def test_an_as_of_that_is_no_usable_date(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"date|years 1900 to 2199"):
        parse_as_of(text)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 31), date(2200, 1, 1), date(9999, 12, 31)])
def test_a_date_object_beyond_the_calendar(day: date) -> None:
    result = validate_inputs(Settings(), day, "rebalance")
    assert [str(fault) for fault in result.faults] == [
        f"as_of: {day} is outside the years 1900 to 2199; correct the year"
    ]
