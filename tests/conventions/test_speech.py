"""The repository speaks of the product, gives its reasons on the line, and tests what it claims."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.conventions.repository import ROOMS, ROOT, files, modules, relative, tree

TEXT = (".py", ".md", ".yaml", ".yml", ".toml", ".j2", ".css", ".js", "Makefile", "run")
# A folder of somebody's machine, a work in progress, an address of a package index.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|root|home|tmp|Users)/|\bT[O]DO\b|\bF[I]XME\b|# ?X[X]X\b|pypi[.]org|python[h]osted"
)
SILENCED = re.compile(r"^#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w\-, ]*\])?|pragma:\s*no \w+)")
LICENCE = re.compile(r"[Ll]icen[cs]e")


def test_nothing_names_a_machine_or_work_left_over() -> None:
    result = [
        f"{relative(path)}:{number}: {line}"
        for path in files(*TEXT)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert result == []


def test_the_lock_names_no_host() -> None:
    """A mirror must do: addresses would tie the lock to one index."""
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


def test_a_silenced_check_says_why() -> None:
    """``# noqa: S608 - the name is ours``: the code silenced, then the reason, on the same line."""
    result = [
        f"{relative(path)}:{token.start[0]}: {token.string}"
        for path in modules("tests", "benchmarks", *ROOMS)
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
        if token.type == tokenize.COMMENT and SILENCED.match(token.string) and not _reason(token.string)
    ]
    assert result == []


def _reason(comment: str) -> str:
    """Return what a comment says beyond the check it silences, at least a few letters of it."""
    parts = SILENCED.sub("", comment).strip(" #-—:;,")
    return parts if len(parts) > 5 else ""


def test_a_skipped_test_says_why() -> None:
    result = [f"{relative(path)}:{line}" for path in modules("tests") for line in _unexplained_skips(path)]
    assert result == []


def _unexplained_skips(path: Path) -> Iterator[int]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and _skips(node.func):
            if not (node.args or any(keyword.arg == "reason" for keyword in node.keywords)):
                yield node.lineno
        elif isinstance(node, ast.FunctionDef):
            yield from (mark.lineno for mark in node.decorator_list if _skips(mark))


def _skips(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail", "importorskip"}


def test_a_test_can_fail() -> None:
    """A test without an assertion passes whatever the code does."""
    tests = [path for path in modules("tests") if path.name.startswith("test_")]
    result = [
        f"{relative(path)}::{test.name}"
        for path in tests
        for test in _tests(path)
        if not _asserts(test, _checks(tree(path)))
    ]
    assert result == []


def _tests(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in tree(path).body:
        for test in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_"):
                yield test


def _asserts(test: ast.AST, checks: frozenset[str] = frozenset()) -> bool:
    """Say whether ``test`` asserts, itself or by a function of ``checks``."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"raises", "warns", "fail", *checks} or name.startswith(("assert", "_assert", "check_")):
                return True
    return False


def _checks(module: ast.Module) -> frozenset[str]:
    """Return the module's own functions that assert and are not tests."""
    result = (node for node in module.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"))
    return frozenset(node.name for node in result if _asserts(node))


def test_every_sample_has_its_source_and_licence() -> None:
    text = (ROOT / "samples" / "README.md").read_text("utf-8")
    for folder in sorted(path for path in (ROOT / "samples").iterdir() if path.is_dir()):
        section = text.split(f"## {folder.name}", 1)[-1].split("\n## ", 1)[0]
        assert f"## {folder.name}" in text
        assert LICENCE.search(section)
        assert "Source" in section
