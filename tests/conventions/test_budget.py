"""Files and functions stay small enough to read."""

from __future__ import annotations

import ast
import statistics
from fnmatch import fnmatch

from tests.conventions.repository import Place, functions, modules, relative, tree

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_BODY = 60
MOST_ARGUMENTS = 5
# Files that may exceed a limit, each with the reason; MANY_ARGUMENTS names files by pattern.
LONG_FILES: dict[str, str] = {}
MANY_ARGUMENTS = {
    "flows/nightly.py": "the form of a deployment shows the flow's arguments",
    "forestock/cli/*.py": "typer reads a command's options from its arguments",
    "serve/routes/*.py": "FastAPI reads a request's parameters from the arguments of a route",
    "forestock/mcp_server.py": "a client reads the parameters of a tool from the arguments of its function",
    "positioning/optimizer/_network_simplex.py": "compiled kernels take arrays",
}


def _all() -> list[Place]:
    return [place for path in modules() for place in functions(path)]


def _overstepping(limit: int, measured: dict[str, int]) -> set[str]:
    return {name for name, size in measured.items() if size > limit}


def test_files_are_short() -> None:
    lines = {relative(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert _overstepping(MOST_LINES_OF_A_FILE, lines) == set(LONG_FILES)


def test_function_bodies_are_short() -> None:
    sizes = {place.key: place.body_lines for place in _all()}
    assert _overstepping(MOST_LINES_OF_A_BODY, sizes) == set()
    assert statistics.median(sizes.values()) <= 8
    assert statistics.quantiles(sizes.values(), n=10)[-1] <= 30


def test_functions_take_few_arguments_or_their_file_has_a_reason() -> None:
    """More than five arguments belong in a frozen dataclass."""
    result = _overstepping(MOST_ARGUMENTS, {place.key: place.arguments for place in _all()})
    paths = {key.split("::")[0] for key in result}
    excused = {pattern: {path for path in paths if fnmatch(path, pattern)} for pattern in MANY_ARGUMENTS}
    assert paths - set().union(*excused.values()) == set()
    assert [pattern for pattern, matched in excused.items() if not matched] == []


def test_public_functions_are_typed_and_described() -> None:
    assert [place.key for place in _all() if place.is_public and not _is_explained(place)] == []


def _is_explained(place: Place) -> bool:
    marks = {mark.id for mark in place.node.decorator_list if isinstance(mark, ast.Name)}
    first = 1 if place.is_method and "staticmethod" not in marks else 0
    arguments = [*place.node.args.args[first:], *place.node.args.kwonlyargs]
    is_typed = place.node.returns is not None and all(argument.annotation is not None for argument in arguments)
    return is_typed and bool(ast.get_docstring(place.node))


def test_every_module_has_a_docstring() -> None:
    assert [relative(path) for path in modules() if not ast.get_docstring(tree(path))] == []
