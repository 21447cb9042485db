"""The extension point "export form" and the registry of forms.

The bundled forms are in ``dispatch/forms``. Installed packages add forms as entry points of the group ``forestock.export_forms``.
Not here: the receiver and its names (``partner``), the lines to export (``documents``), and the location of the file
(``forestock.cli``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from dispatch.documents import HEADER_COLUMNS, Document
from dispatch.partner import Partner
from foundation.extensions import entries, refuse_unknown

GROUP = "forestock.export_forms"
# Fields of a header that neither ERPNext, Odoo nor Shopify has a field for.
UNPLACED = ("arrival_date", "departure_id", "kind", "lane")


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


def note(document: Document, *names: str) -> str:
    """Return the header fields ``names``, for which the other system has no field, as one JSON text."""
    return json.dumps({name: document.header[name] for name in names}, sort_keys=True, ensure_ascii=False)


def header(**fields: str) -> dict[str, str]:
    """Return a header in the order of HEADER_COLUMNS; raises ``KeyError`` where one is missing."""
    return {name: fields[name] for name in HEADER_COLUMNS}
