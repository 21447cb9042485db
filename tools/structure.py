"""Measure the structure of the code base: files, their length, who imports whom, and import cycles.

``python -m tools.structure [--list]`` prints one figure per line; ``--list`` also names the files with a single importer.
An importer is a file of the packages that names the module in an import statement, type-only and deferred imports included;
``prefect.yaml`` counts as an importer of the flows that it deploys.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEPLOYMENTS = "prefect.yaml"
Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Structure:
    """The packages' files and imports.

    Attributes
    ----------
    lines
        Lines of each module's file, by dotted name; a package's ``__init__`` has the package's name.
    imports
        Modules of the packages that each module imports, by dotted name.
    packages
        Dotted names that are packages, whose file is an ``__init__``.
    deployed
        Modules whose flows ``prefect.yaml`` deploys.
    """

    lines: Mapping[str, int]
    imports: Graph
    packages: frozenset[str]
    deployed: frozenset[str] = frozenset()

    @property
    def importers(self) -> dict[str, set[str]]:
        """What imports each module, by dotted name."""
        result: dict[str, set[str]] = defaultdict(set)
        for module, imported in (*self.imports.items(), (DEPLOYMENTS, self.deployed)):
            for name in imported:
                result[name].add(module)
        return result

    @property
    def with_one_importer(self) -> list[str]:
        """Modules, packages left out, that exactly one other module imports."""
        importers = self.importers
        return [name for name in sorted(self.lines) if name not in self.packages and len(importers[name]) == 1]

    @property
    def behind_their_package(self) -> list[str]:
        """Those with a single importer that is the package they lie in: its ``__init__`` passes their names on."""
        importers = self.importers
        return [name for name in self.with_one_importer if importers[name] == {name.rpartition(".")[0]}]

    @property
    def cycles(self) -> list[list[str]]:
        """Groups of modules that import one another, directly or through others, each sorted."""
        reached = {name: _reached(name, self.imports) for name in self.imports}
        groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in self.imports}
        return sorted(sorted(group) for group in groups if group)


def read_structure(root: Path = ROOT) -> Structure:
    """Return the structure of the packages that ``pyproject.toml`` of ``root`` names for import-linter."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    tops = project["tool"]["importlinter"]["root_packages"]
    paths = {_dotted(path, root): path for top in tops for path in sorted((root / top).rglob("*.py"))}
    packages = frozenset(name for name, path in paths.items() if path.name == "__init__.py")
    texts = {name: path.read_text("utf-8") for name, path in paths.items()}
    imports = {}
    for name, text in texts.items():
        imported = _imported(ast.parse(text), name if name in packages else name.rpartition(".")[0])
        imports[name] = frozenset(_module(each, paths) for each in imported) - {name, ""}
    deployments = root / DEPLOYMENTS
    entrypoints = re.findall(r"entrypoint: (\S+)", deployments.read_text("utf-8") if deployments.exists() else "")
    deployed = frozenset(_module(name, paths) for name in entrypoints)
    return Structure({name: len(text.splitlines()) for name, text in texts.items()}, imports, packages, deployed)


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield the dotted names that a module of ``package`` imports; ``from a import b`` yields ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _module(name: str, known: Mapping[str, Path]) -> str:
    """Return the longest beginning of a dotted name that is a module of the packages; empty for another library's."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def _reached(start: str, imports: Graph) -> set[str]:
    """Return the modules that ``start`` imports, directly or through others; ``start`` itself where it is in a cycle."""
    result: set[str] = set()
    waiting = list(imports[start])
    while waiting:
        name = waiting.pop()
        if name not in result:
            result.add(name)
            waiting.extend(imports[name])
    return result


def main() -> int:
    """Print the figures and return 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--list", action="store_true", help="name the files with a single importer")
    options = parser.parse_args()
    structure = read_structure()
    sizes = sorted(structure.lines.values())
    filled = [structure.lines[name] for name in structure.lines if name not in structure.packages]
    figures = {
        "files": len(sizes),
        "files without __init__": len(filled),
        "lines": sum(sizes),
        "median lines": statistics.median(sizes),
        "median lines without __init__": statistics.median(filled),
        "longest file": sizes[-1],
        "files with a single importer": len(structure.with_one_importer),
        "  of these behind their package": len(structure.behind_their_package),
        "lines of flows": sum(count for name, count in structure.lines.items() if name.split(".")[0] == "flows"),
        "import cycles": len(structure.cycles),
    }
    for label, figure in figures.items():
        sys.stdout.write(f"{label:<32} {figure:,g}\n")
    for cycle in structure.cycles:
        sys.stdout.write(f"cycle: {' '.join(cycle)}\n")
    if options.list:
        importers = structure.importers
        for name in structure.with_one_importer:
            sys.stdout.write(
                f"{name:<45} {structure.lines[name]:>4} lines, imported by {next(iter(importers[name]))}\n"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
