"""A subset of YAML for configurations, with limits on size and nesting.

Here: conversion of text to lists, mappings, and scalars. Not here: the keys (``foundation.settings``) and files.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

LONGEST_TEXT = 1_000_000
DEEPEST = 20
MOST_VALUES = 10_000
_CORE = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))


class YamlError(Exception):
    """A document that is not plain YAML: ``problem`` in one line and where it stands (1-based, None where unknown)."""

    def __init__(self, problem: str, mark: Any = None) -> None:
        super().__init__(problem)
        self.problem = "".join(sign if sign.isprintable() else "�" for sign in problem[:200])
        self.line = None if mark is None else mark.line + 1
        self.column = None if mark is None else mark.column + 1


def parse(text: str) -> Any:
    """Return what the YAML document ``text`` holds.

    ``10:30``, ``2016-05-23`` and ``NO`` stay text. Refused, so that every document is read within milliseconds and a
    few megabytes: more than ``LONGEST_TEXT`` characters, ``DEEPEST`` nested levels or ``MOST_VALUES`` values once
    aliases are expanded, keys that are lists or mappings or appear twice, and tags beyond the core types.

    Raises
    ------
    YamlError
        Where ``text`` is not such a document.

    >>> parse("horizon: 28")
    {'horizon': 28}
    """
    if len(text) > LONGEST_TEXT:
        raise YamlError(f"{len(text):,} characters; at most {LONGEST_TEXT:,} are read")
    try:
        _check_events(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {})
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise YamlError(problem, getattr(error, "problem_mark", None)) from None
    except (ValueError, OverflowError) as error:  # a number that is none, such as one of 5,000 digits
        raise YamlError(str(error).splitlines()[0]) from None


def _check_events(text: str) -> None:
    """Count levels and values on the stream of events: building nodes of a deep document would exhaust the stack."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if number > 2 * MOST_VALUES:  # a collection has two events
            raise YamlError(f"more than {MOST_VALUES:,} values", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise YamlError(f"nested more than {DEEPEST} levels deep", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _measure(node: yaml.Node, known: dict[int, tuple[int, int]], above: tuple[int, ...] = ()) -> tuple[int, int]:
    """Return how many values ``node`` holds and how many levels, with its aliases expanded; refuse what is too much."""
    if id(node) in above:
        raise YamlError("an alias refers to a value that contains it", node.start_mark)
    if id(node) in known:
        return known[id(node)]
    if node.tag not in _CORE:
        raise YamlError(f"the tag {node.tag!r} is not allowed; write plain values", node.start_mark)
    inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []
    inner += node.value if isinstance(node, yaml.SequenceNode) else []
    measured = [_measure(part, known, (*above, id(node))) for part in inner]
    total, depth = 1 + sum(size for size, _ in measured), 1 + max((levels for _, levels in measured), default=0)
    if total > MOST_VALUES:
        raise YamlError(f"more than {MOST_VALUES:,} values once aliases are expanded", node.start_mark)
    if depth > DEEPEST + 1:
        raise YamlError(f"nested more than {DEEPEST} levels deep once aliases are expanded", node.start_mark)
    known[id(node)] = total, depth
    return total, depth


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: ``10:30``, ``2016-05-23`` and ``NO`` stay text, repeated keys are errors."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError("a key is a list or a mapping; write a name", key.start_mark)
            if key.value in seen:
                raise YamlError(f"key {key.value[:40]!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), [*_first, ""])
