"""The repository as the convention tests see it: its files, their syntax trees, and their functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


PACKAGES = (
    "dispatch", "features", "flows", "forestock", "foundation", "models", "monitoring", "pipeline", "positioning", "review", "serve",
)  # fmt: skip


_GENERATED = {"build", "dist", "warehouse", "mlruns", "node_modules", "__pycache__"}


Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """A function and its place in a file; ``is_public`` if no name on its path starts with ``_``."""

    path: str
    name: str
    node: Function
    is_method: bool
    is_public: bool

    @property
    def key(self) -> str:
        """The name used in lists of exceptions, for example ``forestock/cli/main.py::run``."""
        return f"{self.path}::{self.name}"

    @property
    def body_lines(self) -> int:
        """Number of lines from the first statement after the docstring to the last one, inclusive."""
        body = self.node.body[1:] if ast.get_docstring(self.node) is not None else self.node.body
        return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0

    @property
    def arguments(self) -> int:
        """Number of arguments a caller can pass, without ``self`` and ``cls``."""
        given = self.node.args
        names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        return len(names) - (self.is_method and names[:1] in (["self"], ["cls"]))


def files(*endings: str) -> list[Path]:
    """Return the repository's files with one of the endings, sorted, without files that tools generate."""
    return sorted(path for path in _walk(ROOT) if path.name.endswith(endings))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_file():
            yield entry
        elif entry.name == ".ci" or not (
            entry.name.startswith(".") or entry.name in _GENERATED or entry.name.endswith(".egg-info")
        ):
            yield from _walk(entry)


def relative(path: Path) -> str:
    """Return the path relative to the repository's root, with ``/``."""
    return path.relative_to(ROOT).as_posix()


def modules(*folders: str) -> list[Path]:
    """Return the Python files in the folders (default: the packages)."""
    return [path for path in files(".py") if relative(path).split("/")[0] in (folders or PACKAGES)]


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def functions(path: Path) -> Iterator[Place]:
    """Yield every function of a file except those inside functions."""
    yield from _places(tree(path).body, relative(path), (), is_method=False)


def _places(body: list[ast.stmt], path: str, outer: tuple[str, ...], is_method: bool) -> Iterator[Place]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _places(node.body, path, (*outer, node.name), is_method=True)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = (*outer, node.name)
            yield Place(path, ".".join(names), node, is_method, not any(name.startswith("_") for name in names))
