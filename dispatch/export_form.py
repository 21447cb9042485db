"""The extension point "export form", the receiver's settings, and the registry of forms.

The bundled forms are in ``dispatch/forms``. Installed packages add forms as entry points of the group ``forestock.export_forms``.
Not here: the lines to export (``documents``) and the location of the file (``forestock.cli``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from dispatch.documents import HEADER_COLUMNS, Document
from foundation.errors import InputError
from foundation.extensions import entries, refuse_unknown
from foundation.sections import Exports

GROUP = "forestock.export_forms"
# Fields of a header that neither ERPNext, Odoo nor Shopify has a field for.
UNPLACED = ("arrival_date", "departure_id", "kind", "lane")
EMPTY_MOMENT = datetime(2000, 1, 3)


@dataclass(frozen=True)
class Partner:
    """The receiver of exported documents.

    Attributes
    ----------
    exports
        Settings of the documents.
    hubs, skus
        The partner's names by Forestock's; a missing name is the same on both sides.
    moment
        Time at which the last of the lines was released, the only time in a document.

    """

    exports: Exports = field(default_factory=Exports)
    hubs: Mapping[str, str] = field(default_factory=dict)
    skus: Mapping[str, str] = field(default_factory=dict)
    moment: datetime = EMPTY_MOMENT


@dataclass(frozen=True)
class ExportForm:
    """A form: documents as the text of one file that another system imports.

    Attributes
    ----------
    name
        Name in ``forestock export --form``.
    ending
        Ending of the file, with its dot.
    text
        One sentence on what the file holds.
    kinds
        Kinds of lines the form has a place for: ``transfer``, ``supply`` or both.
    write
        Returns the text of the documents for a partner. Equal documents give equal texts, without a clock. Raises
        ``InputError`` for a value the form cannot hold.
    read
        Returns the documents that ``write`` was given, apart from the fields in ``lost``.
    lost
        Fields of a line that the form has no place for; ``read`` returns them empty.

    """

    name: str
    ending: str
    text: str
    kinds: tuple[str, ...]
    write: Callable[[list[Document], Partner], str]
    read: Callable[[str], list[Document]]
    lost: tuple[str, ...] = ()


def registered_forms() -> dict[str, ExportForm]:
    """Return every form that ships with Forestock or is installed, by name."""
    return entries("dispatch.forms", GROUP, ExportForm)


def form_named(name: str) -> ExportForm:
    """Return the form of that name; raises ``ConfigurationError`` that names the nearest one if there is none."""
    known = registered_forms()
    refuse_unknown("--form", (name,), known)
    return known[name]


def translated(lines: pd.DataFrame, partner: Partner) -> pd.DataFrame:
    """Return ``lines`` with the partner's names of places and SKUs."""
    return _renamed(lines, dict(partner.hubs), dict(partner.skus))


def ours(lines: pd.DataFrame, partner: Partner) -> pd.DataFrame:
    """Return ``lines`` of the partner with Forestock's names; the reverse of ``translated``."""
    hubs, skus = ({theirs: name for name, theirs in names.items()} for names in (partner.hubs, partner.skus))
    return _renamed(lines, hubs, skus)


def names_of(table: pd.DataFrame, key: str, column: str | None) -> dict[str, str]:
    """Return the partner's name in ``column`` of each ``key``; empty without a column.

    Raises ``InputError`` if the column is missing, has empty values, or has the same name for two keys.
    """
    if column is None:
        return {}
    if column not in table:
        raise InputError(f"{key}s.{column}: there is no such column; decisions.exports.{key}_column names it")
    names = table[[key, column]].astype("str")
    if (empty := table[column].isna() | (names[column] == "")).any():
        raise InputError(f"{key}s.{column}: {int(empty.sum())} rows are empty, first: {names.loc[empty, key].iloc[0]}")
    if (twice := names[column].duplicated()).any():
        raise InputError(f"{key}s.{column}: {names.loc[twice, column].iloc[0]!r} names two {key}s; names must differ")
    return dict(zip(names[key], names[column], strict=True))


def note(document: Document, *names: str) -> str:
    """Return the header fields ``names``, for which the other system has no field, as one JSON text."""
    return json.dumps({name: document.header[name] for name in names}, sort_keys=True, ensure_ascii=False)


def header(**fields: str) -> dict[str, str]:
    """Return a header in the order of HEADER_COLUMNS; raises ``KeyError`` where one is missing."""
    return {name: fields[name] for name in HEADER_COLUMNS}


def _renamed(lines: pd.DataFrame, hubs: dict[str, str], skus: dict[str, str]) -> pd.DataFrame:
    changed = {name: lines[name].map(hubs).fillna(lines[name]) for name in ("origin", "destination") if hubs}
    return lines.assign(**changed, **({"sku": lines["sku"].map(skus).fillna(lines["sku"])} if skus else {}))
