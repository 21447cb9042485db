"""What is imported is declared, and what is declared is imported or justified."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import fsspec
import pytest

from dispatch.outbox import STORES
from tests.conventions.repository import PACKAGES, ROOT, files, relative, tree

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Declared without an import, and why.
JUSTIFIED = {
    "s3fs": "fsspec loads it for s3:// URLs",
    "gcsfs": "fsspec loads it for gs:// URLs",
    "adlfs": "fsspec loads it for abfss:// URLs",
    "adbc-driver-manager": "the ADBC driver of DuckDB needs it",
    "psycopg": "SQLAlchemy loads it for postgresql+psycopg:// URLs",
    "import-linter": "command of make check",
    "mypy": "command of make check",
    "pandas-stubs": "types for mypy",
    "types-pyyaml": "types for mypy",
    "pip-audit": "command of make audit",
    "mkdocs-material": "theme of mkdocs.yml",
    "pre-commit": "runs the checks before a commit",
    "pytest-xdist": "pytest's option -n",
    "ruff": "command of make check and make format",
    "uv": "command of make setup and make lock",
}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(requirements: list[str]) -> set[str]:
    return {_normalized(re.split(r"[^A-Za-z0-9._-]", text)[0]) for text in requirements}


CORE = _declared(PROJECT["dependencies"])
EXTRAS = {name: _declared(requirements) for name, requirements in PROJECT["optional-dependencies"].items()}
DEVELOPMENT = CORE.union(*EXTRAS.values())
DISTRIBUTIONS = {module: {_normalized(name) for name in names} for module, names in packages_distributions().items()}


def _imports() -> Iterator[tuple[str, str]]:
    """Yield each file and the third-party top-level module it imports; peers of a benchmark are installed by hand."""
    ours = {*PACKAGES, "tests", "tools", "benchmarks", *(path.stem for path in (ROOT / "benchmarks").glob("*.py"))}
    for path in files(".py"):
        if relative(path).startswith("benchmarks/peers/"):
            continue
        for node in ast.walk(tree(path)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for top in (name.split(".")[0] for name in names):
                if top not in ours and top not in sys.stdlib_module_names:
                    yield relative(path), top


IMPORTS = sorted(set(_imports()))


# A module of the packages that only its extra needs; its command reports a missing extra.
OPTIONAL = {"forestock/mcp_server.py": "mcp", "foundation/cluster.py": "cluster"}


def _allowed(file: str) -> set[str]:
    if file.split("/")[0] not in PACKAGES:
        return DEVELOPMENT
    return CORE | (EXTRAS[OPTIONAL[file]] if file in OPTIONAL else set())


def test_every_import_is_declared() -> None:
    """What comes along with another package today may be gone with its next release."""
    undeclared = [
        f"{file}: {module}" for file, module in IMPORTS if not DISTRIBUTIONS.get(module, set()) & _allowed(file)
    ]
    assert undeclared == []


def test_every_declared_dependency_is_imported_or_justified() -> None:
    imported = set().union(*(DISTRIBUTIONS.get(module, set()) for _, module in IMPORTS))
    assert sorted(DEVELOPMENT - imported - set(JUSTIFIED)) == []
    assert sorted(name for name in JUSTIFIED if name in imported or name not in DEVELOPMENT) == []


def test_a_dependency_of_the_packages_is_imported_by_them() -> None:
    """What only tests import belongs into an extra: users need not install it."""
    imported = set().union(*(DISTRIBUTIONS[module] for file, module in IMPORTS if file.split("/")[0] in PACKAGES))
    assert sorted(CORE - imported - set(JUSTIFIED)) == []


@pytest.mark.parametrize("scheme", sorted(STORES))
def test_every_object_store_has_an_extra_with_its_filesystem(scheme: str) -> None:
    provider = fsspec.get_filesystem_class(scheme).__module__.split(".")[0]
    assert provider == "fsspec" or DISTRIBUTIONS[provider] & set().union(
        *(EXTRAS[name] for name in ("s3", "gcs", "azure"))
    )


def test_the_lock_pins_every_dependency_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = {_normalized(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", text, re.MULTILINE)}
    assert sorted(DEVELOPMENT - pinned) == []
    assert "://" not in text
