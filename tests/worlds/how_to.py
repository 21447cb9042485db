"""A how-to page followed to the letter: its code blocks become a package, its ``toml`` block the package's entry points."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conventions.repository import ROOT


def code_blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language on the page ``docs/how-to/<page>.md``, in order."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def page_test(page: str) -> Callable[..., None]:
    """Return the only test of the page, which its second ``python`` block defines."""
    names: dict[str, Any] = {}
    exec(code_blocks(page, "python")[1], names)  # noqa: S102  (the page's own test)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    return test  # type: ignore[no-any-return]  # a test is a function


def install(folder: Path, code: str, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package into ``folder`` as ``write_package`` does and put it on the import path until the test ends."""
    package = write_package(folder, code, project)
    monkeypatch.syspath_prepend(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()


def write_package(folder: Path, code: str, project: str) -> str:
    """Write a package into ``folder`` and return its name.

    ``project`` is a ``pyproject.toml`` with one entry point, ``name = "package.module:ATTRIBUTE"``; ``code`` is that module.
    The folder then holds what pip leaves of such a package: the module and the metadata with its entry points.
    """
    groups = tomllib.loads(project)["project"]["entry-points"]
    (target,) = (value for points in groups.values() for value in points.values())
    package, module = target.split(":")[0].split(".")
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text("")
    (folder / package / f"{module}.py").write_text(code)
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    sections = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items())
    (metadata / "entry_points.txt").write_text("\n".join(sections))
    return str(package)
