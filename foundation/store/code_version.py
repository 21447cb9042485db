"""The version of the code that runs: a hash of the sources themselves, so that no clock and no git is asked.

Not here: the version of the package as released (``pyproject.toml``).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SOURCES = {".py", ".j2", ".css", ".js"}


@cache
def code_version(*packages: str) -> str:
    """Return 12 hex digits that change whenever a source file below one of ``packages`` does.

    Raises ``ModuleNotFoundError`` for a package that is not there.
    """
    digest = hashlib.sha256()
    for package in sorted(packages):
        root = _folder(package)
        for file in sorted(path for path in root.rglob("*") if path.suffix in _SOURCES):
            digest.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode())
            digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"there is no package {package!r}")
    return Path(next(iter(found.submodule_search_locations)))
