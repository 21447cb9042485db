"""The examples in docstrings give the documented results."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.conventions.repository import modules, relative

WITH_EXAMPLES = [path for path in modules() if ">>> " in path.read_text("utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=relative)
def test_examples_give_the_documented_results(path: Path) -> None:
    name = relative(path).removesuffix(".py").replace("/", ".")
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
