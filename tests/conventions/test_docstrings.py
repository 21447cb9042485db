"""Docstrings document existing parameters and fields."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.conventions.repository import ROOT, modules, relative, tree

_SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)


def _documented(text: str, section: str) -> list[str] | None:
    """Return the names that a numpydoc section documents, or None if there is no such section."""
    parts = _SECTION.split(text)
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title == section:
            heads = [line for line in body.splitlines() if line and not line.startswith(" ")]
            return [name.strip().lstrip("*") for head in heads for name in head.split(" : ")[0].split(",")]
    return None


def _wrong() -> Iterator[str]:
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = node.args
                names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
                names += [extra.arg for extra in (given.vararg, given.kwarg) if extra]
                actual, section = [name for name in names if name not in ("self", "cls")], "Parameters"
            elif isinstance(node, ast.ClassDef):
                actual = [part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]  # fmt: skip
                section = "Attributes"
            else:
                continue
            documented = _documented(ast.get_docstring(node) or "", section)
            if documented is not None and not set(documented) <= set(actual):
                yield f"{relative(path)}::{node.name}: {sorted(set(documented) - set(actual))}"


def test_documented_names_exist() -> None:
    """A renamed field must not keep its old name in the documentation."""
    assert list(_wrong()) == []


def _undocumented() -> Iterator[str]:
    for path in modules("positioning"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names = [part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]  # fmt: skip
                documented = _documented(ast.get_docstring(node) or "", "Attributes") or []
                if missing := sorted(set(names) - set(documented)):
                    yield f"{relative(path)}::{node.name}: {missing}"


def test_every_field_of_positioning_is_documented() -> None:
    """Its arrays have axes and units that no annotation states."""
    assert list(_undocumented()) == []


def test_the_check_sees_a_wrong_name() -> None:
    assert _documented("Sum.\n\nParameters\n----------\nleft, right\n    Numbers.\n", "Parameters") == ["left", "right"]
    assert _documented("Sum.\n\nAttributes\n----------\nunits : int\n    Whole.\n", "Attributes") == ["units"]
    assert _documented("Sum of two.", "Parameters") is None


def _missing_modules() -> Iterator[str]:
    """Yield the modules that a module's docstring refers to as ``(``name``)`` and that do not exist."""
    for path in modules():
        text = (ast.get_docstring(tree(path)) or "").partition("Not here:")[2]
        places = (path.parent, path.parent.parent, ROOT)
        for group in re.findall(r"\(((?:``[a-z_./]+``(?:, | and )?)+)", text):
            for name in re.findall(r"``([a-z_./]+)``", group):
                first = name.split(".")[0]
                options = [place / part for place in places for part in (name, first, f"{first}.py")]
                if not any(option.exists() for option in options):
                    yield f"{relative(path)}: {name}"


def test_modules_named_in_docstrings_exist() -> None:
    """A module that was renamed or merged must not stay in the scope notes of other modules."""
    assert list(_missing_modules()) == []
