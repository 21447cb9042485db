"""Text names no machine, silenced checks and skipped tests give a reason, and every test can fail."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.conventions.repository import PACKAGES, ROOT, files, modules, relative, tree

TEXT = (".py", ".md", ".yaml", ".yml", ".toml", ".j2", ".css", ".js", "Makefile", "run")
# A folder of one machine, a mark of unfinished work or of an unfinished merge, or the address of a package index.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|root|home|tmp|Users)/|\bT[O]DO\b|\bF[I]XME\b|# ?X[X]X\b|pypi[.]org|python[h]osted|^(<{7}|>{7})( |$)"
)
SILENCED = re.compile(r"^#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w\-, ]*\])?|pragma:\s*no \w+)")
LICENSE = re.compile(r"[Ll]icense")


def test_no_file_names_a_machine_or_unfinished_work() -> None:
    result = [
        f"{relative(path)}:{number}: {line}"
        for path in files(*TEXT)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert result == []


def test_the_lock_names_no_host() -> None:
    """The lock must work with any mirror; an address would tie it to one index."""
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


def test_a_silenced_check_says_why() -> None:
    """``# noqa: S608 - the name is a constant``: the silenced code, then the reason, on the same line."""
    result = [
        f"{relative(path)}:{token.start[0]}: {token.string}"
        for path in modules("tests", "benchmarks", *PACKAGES)
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
        if token.type == tokenize.COMMENT and SILENCED.match(token.string) and not _reason(token.string)
    ]
    assert result == []


def _reason(comment: str) -> str:
    """Return the reason in a comment that silences a check, or an empty string if it is too short to be one."""
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
    """A test without an assertion always passes."""
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
    """Return whether ``test`` asserts directly or through a function in ``checks``."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"raises", "warns", "fail", *checks} or name.startswith(("assert", "_assert", "check_")):
                return True
    return False


def _checks(module: ast.Module) -> frozenset[str]:
    """Return the names of the module's functions that assert, other than tests."""
    result = (node for node in module.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"))
    return frozenset(node.name for node in result if _asserts(node))


def test_every_sample_has_its_source_and_license() -> None:
    text = (ROOT / "samples" / "README.md").read_text("utf-8")
    for folder in sorted(path for path in (ROOT / "samples").iterdir() if path.is_dir()):
        section = text.split(f"## {folder.name}", 1)[-1].split("\n## ", 1)[0]
        assert f"## {folder.name}" in text
        assert LICENSE.search(section)
        assert "Source" in section
