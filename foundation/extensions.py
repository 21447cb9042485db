"""Extension points: the entries that ship with Forestock and those that installed packages add, found without a list.

An entry is an object with a ``name`` that a module of the point's package holds under any name, or that an installed
package announces as a Python entry point. Not here: what an entry does, and the names a configuration may use
(``pipeline.configuration``).
"""

from __future__ import annotations

import pkgutil
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, TypeVar, cast

from foundation.errors import ConfigurationError, nearest
from foundation.store.code_version import code_version


class Entry(Protocol):
    """What every entry of an extension point has."""

    @property
    def name(self) -> str:
        """The name that configurations and commands use."""


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def entries(package: str, group: str, kind: type[AnyEntry]) -> dict[str, AnyEntry]:
    """Return every entry of an extension point by name, sorted by name.

    Parameters
    ----------
    package
        Dotted name of the package whose modules hold the entries that ship with Forestock.
    group
        Group of the entry points of installed packages, for example ``forestock.feature_families``.
    kind
        Class of the entries.

    Raises
    ------
    ConfigurationError
        Where an entry point cannot be loaded or is of another class, or where two entries have the same name.

    """
    entries = _entries(package, group, kind, tuple(sys.path))
    return {entry.name: entry for entry in entries if isinstance(entry, kind)}


def refuse_unknown(key: str, requested: tuple[str, ...], known: dict[str, AnyEntry]) -> None:
    """Raise ``ConfigurationError`` for the names ``requested`` by the setting ``key`` that no entry has."""
    faults = [
        f"{key}: there is no {name!r}{nearest(name, list(known))}; known here: {', '.join(known)}"
        for name in requested
        if name not in known
    ]
    if faults:
        raise ConfigurationError(*faults)


def installed_code(modules: dict[str, str], package: str) -> dict[str, str]:
    """Return the code version of each entry whose module (by entry name) lies outside ``package``; {} without such."""
    tops = {name: module.split(".")[0] for name, module in modules.items()}
    return {name: code_version(top) for name, top in tops.items() if top != package}


@cache
def _entries(package: str, group: str, kind: type, search_path: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the entries sorted by name; ``search_path`` is part of the key because it decides what is installed."""
    parent = import_module(package)
    modules = [import_module(f"{package}.{info.name}") for info in pkgutil.iter_modules(parent.__path__)]
    held: dict[int, Entry] = {
        id(value): cast(Entry, value)
        for module in modules
        for value in vars(module).values()
        if isinstance(value, kind)
    }
    result: list[Entry] = [*held.values(), *(_loaded(point, kind) for point in entry_points(group=group))]
    names = [entry.name for entry in result]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"{group}: two entries have the name {twice[0]!r}; rename or uninstall one")
    return tuple(sorted(result, key=lambda entry: entry.name))


def _loaded(point: EntryPoint, kind: type[AnyEntry]) -> AnyEntry:
    try:
        entry = point.load()
    except Exception as error:  # a package of somebody else may fail in any way
        reason = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"{point.group}: {point.value} cannot be loaded ({reason}); correct or uninstall its package"
        ) from error
    if not isinstance(entry, kind):
        raise ConfigurationError(
            f"{point.group}: {point.value} is no {kind.__name__}; correct or uninstall its package"
        )
    return entry
