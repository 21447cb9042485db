"""The version of the running code: a hash of its sources, independent of the clock and of git.

Only the syntax of Python sources counts; comments, docstrings, and formatting do not. Not here: the version of the package
(``pyproject.toml``).
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SOURCES = {".py", ".j2", ".css", ".js"}


@cache
def code_version(*packages: str) -> str:
    """Return 12 hex digits that change whenever the code of a source file below one of ``packages`` does.

    A name may also be that of a single module, such as ``pipeline.fallback``. Raises ``ModuleNotFoundError`` if there is
    no such package or module.
    """
    digest = hashlib.sha256()
    for package in sorted(packages):
        for name, file in _files(package):
            digest.update(f"{package}/{name}\0".encode())
            digest.update(_content(file) + b"\0")
    return digest.hexdigest()[:12]


def syntax(source: str) -> str:
    """Return what ``source`` does as text: its syntax tree without docstrings and positions."""
    return "".join(_written(ast.parse(source)))


def _content(file: Path) -> bytes:
    state = file.stat()
    return _read(file, state.st_mtime_ns, state.st_size)


@cache  # model, forecast and plan share most files, and parsing all of them takes a second
def _read(file: Path, changed_ns: int, size: int) -> bytes:
    """Return the content that counts; the time of the last change and the size distinguish the versions of a file."""
    return syntax(file.read_text("utf-8")).encode() if file.suffix == ".py" else file.read_bytes()


def _written(node: object) -> list[str]:
    """Return the parts of the text of a node, a list of nodes or a value; empty fields, which Pythons differ in, are left out."""
    if isinstance(node, ast.AST):
        parts = [type(node).__name__, "("]
        for name in node._fields:
            value = getattr(node, name, None)
            if name == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                value = _without_docstring(value)
            if value is not None and value != [] and not isinstance(value, ast.Load):
                parts += [name, "=", *_written(value), ","]
        return [*parts, ")"]
    if isinstance(node, list):
        return ["[", *(part for one in node for part in (*_written(one), ",")), "]"]
    return [repr(node)]


def _without_docstring(body: object) -> object:
    if not isinstance(body, list) or not body:
        return body
    first = body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if is_text else body


def _files(package: str) -> list[tuple[str, Path]]:
    """Return the source files of a package, or of a single module, with their names below it, sorted."""
    result = find_spec(package)
    if result is None or not (result.submodule_search_locations or result.origin):
        raise ModuleNotFoundError(f"there is no package or module {package!r}")
    if not result.submodule_search_locations:
        file = Path(str(result.origin))
        return [(file.name, file)]
    root = Path(next(iter(result.submodule_search_locations)))
    files = sorted(path for path in root.rglob("*") if path.suffix in _SOURCES)
    return [(file.relative_to(root).as_posix(), file) for file in files]
