"""The repository speaks of the product, gives its reasons on the line, and tests what it claims."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.house.repository import ROOT, files, modules, relative, tree

TEXT = (".py", ".md", ".yaml", ".yml", ".toml", ".j2", ".css", ".js", "Makefile", "run")
# A folder of somebody's machine, a work in progress, an address of a package index.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|root|home|tmp|Users)/|\bT[O]DO\b|\bF[I]XME\b|# ?X[X]X\b|pypi[.]org|python[h]osted"
)
LICENCE = re.compile(r"[Ll]icen[cs]e")


@pytest.mark.parametrize("path", files(*TEXT), ids=relative)
def test_nothing_names_a_machine_or_work_left_over(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if FOREIGN.search(line)] == []


def test_the_lock_names_no_host() -> None:
    """A mirror must do: addresses would tie the lock to one index."""
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    modules("tests", "benchmarks", "dispatch", "features", "flows", "foundation", "models", "positioning", "review"),
    ids=relative,
)
def test_a_silenced_check_says_why(path: Path) -> None:
    """``# noqa: S608 - the name is ours``: the code silenced, then the reason, on the same line."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type == tokenize.COMMENT and re.match(r"#\s*(noqa|type:\s*ignore|pragma:)", token.string):
            reason = re.sub(
                r"^#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w\-, ]*\])?|pragma:\s*no \w+)",
                "",
                token.string,
            )
            assert len(reason.strip(" #-—:;,")) > 5, f"{relative(path)}:{token.start[0]}: {token.string}"


def _skips(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail", "importorskip"}


@pytest.mark.parametrize("path", modules("tests"), ids=relative)
def test_a_skipped_test_says_why(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and _skips(node.func):
            assert node.args or any(keyword.arg == "reason" for keyword in node.keywords), (
                f"{relative(path)}:{node.lineno}"
            )
        assert not (isinstance(node, ast.FunctionDef) and any(_skips(mark) for mark in node.decorator_list))


@pytest.mark.parametrize("path", [p for p in modules("tests") if p.name.startswith("test_")], ids=relative)
def test_a_test_can_fail(path: Path) -> None:
    """A test without an assertion passes whatever the code does."""
    for node in tree(path).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for test in members:
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_"):
                assert _asserts(test, _checks(tree(path))), f"{relative(path)}::{test.name}"


def _asserts(test: ast.AST, checks: frozenset[str] = frozenset()) -> bool:
    """Say whether ``test`` asserts, itself or by a function of ``checks``."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"raises", "warns", "fail", *checks} or name.startswith(("assert", "_assert")):
                return True
    return False


def _checks(module: ast.Module) -> frozenset[str]:
    """Return the module's own functions that assert and are not tests."""
    found = (node for node in module.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"))
    return frozenset(node.name for node in found if _asserts(node))


def test_every_sample_has_its_source_and_licence() -> None:
    text = (ROOT / "samples" / "README.md").read_text("utf-8")
    for folder in sorted(path for path in (ROOT / "samples").iterdir() if path.is_dir()):
        section = text.split(f"## {folder.name}", 1)[-1].split("\n## ", 1)[0]
        assert f"## {folder.name}" in text
        assert LICENCE.search(section)
        assert "Source" in section
