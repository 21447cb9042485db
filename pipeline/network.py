"""Use case of ``forestock network``: read what the inputs say about places, build a network, and write it as CSV files.

Not here: the network itself (``positioning.network_builder``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from foundation.errors import ConfigurationError, InputError
from foundation.settings import Settings
from foundation.store import files, input_files
from foundation.store.sources import open_source
from foundation.tables import INPUTS
from foundation.validation.columns import converted, text_columns
from foundation.validation.input_table import Reader, UnreadableError
from positioning.network_builder.build import BuiltNetwork, Nodes, network_of
from positioning.network_builder.places import PostalPlaces

_TABLES = ("hubs", "regions", "lanes")
_COORDINATES = '"52.52, 13.40"'


@dataclass(frozen=True)
class NetworkFiles:
    """The files of a network.

    Attributes
    ----------
    network : BuiltNetwork
        The network.
    written : dict of str to str
        Path of each table that was written.
    kept : tuple of str
        Tables of the user that were used and not changed.
    """

    network: BuiltNetwork
    written: dict[str, str]
    kept: tuple[str, ...]


class UnknownPlacesError(InputError):
    """Places of hubs or regions are not known; ``lines_to_add`` are the lines of a configuration that name them."""

    def __init__(self, unknown: dict[str, tuple[str, ...]], configuration: str, has_section: bool) -> None:
        n_hubs, n_regions = (len(unknown.get(name, ())) for name in ("hubs", "regions"))
        super().__init__(
            f"the places of {n_hubs} hubs and {n_regions} regions are not known; add the lines above {'below network: in' if has_section else 'to'} {configuration}, "
            f"each with coordinates ({_COORDINATES}), a country (DE), or, with network.postal_places, a country and postal code (DE 10115)"
        )
        lines = [] if has_section else ["network:"]
        for table, names in unknown.items():
            lines += [f"  {table}:", *(f'    {_key(name)}: ""' for name in names)]
        self.lines_to_add = "\n".join(lines)


def _key(name: str) -> str:
    """Return an id as a key of YAML; ids that could be read as something else are quoted."""
    import json

    return name if name.isidentifier() and name.isascii() else json.dumps(name, ensure_ascii=False)


def build_network(settings: Settings, folder: str | None = None, force: bool = False) -> NetworkFiles:
    """Build the network of ``settings`` and write it to ``folder`` (default: the folder of the inputs).

    Tables of the user are used as they are. ``lanes`` is replaced only with ``force``, and so are ``hubs`` and ``regions``, whose columns
    are kept and completed by coordinates. Raises ``InputError`` if ``lanes`` exists and ``force`` is false, ``UnknownPlacesError`` if the place of a hub or region
    is not known, ``ConfigurationError`` if the inputs are not a folder of CSV files.
    """
    place = folder or settings.inputs.path
    if folder is None and (settings.inputs.format not in ("auto", "csv") or _is_database(place)):
        raise ConfigurationError(
            f"the inputs at {files.without_password(place)} are no folder of CSV files; name a folder for the new tables: --out DIR"
        )
    reader = _opened(settings)
    if folder is None:
        exists = {name: reader.has(name) for name in _TABLES}
    else:
        exists = {name: files.exists(files.joined(folder, f"{name}.csv")) for name in _TABLES}
    mapped = settings.inputs.tables if folder is None else {}
    if "lanes" in mapped:
        raise InputError("lanes: the table is read through inputs.tables.lanes; remove that mapping, or use --out DIR")
    if exists["lanes"] and not force:
        raise InputError("lanes: the table exists and is not changed; to replace it, add --force")
    built = network_of(settings.network, _nodes(settings, reader))
    if built.unknown:
        configuration = settings.read_from[1] if settings.read_from else "the configuration"
        raise UnknownPlacesError(built.unknown, configuration, bool(settings.network.model_fields_set))
    kept = tuple(name for name in ("hubs", "regions") if exists[name] and (name in mapped or not force))
    written = {name: getattr(built, name) for name in _TABLES if name not in kept}
    for name in written:
        if exists[name] and not files.exists(files.joined(place, f"{name}.csv")):
            raise InputError(
                f"{name}: the table exists and is no CSV file {name}.csv; remove it first, or use --out DIR"
            )
    paths = {name: input_files.write_csv(place, name, table) for name, table in written.items()}
    return NetworkFiles(built, paths, kept)


def _is_database(place: str) -> bool:
    return files.is_url(place) and place.partition("://")[0].split("+")[0] not in input_files.FOLDER_SCHEMES


def _opened(settings: Settings) -> Reader:
    try:
        return open_source(settings)
    except UnreadableError as error:
        raise InputError(
            f"inputs.path {files.without_password(settings.inputs.path)}: {error.problem}; {error.remedy}"
        ) from None


def _read(settings: Settings, reader: Reader, name: str) -> pd.DataFrame | None:
    """Return an input table with its types, None if it is not provided; raises ``InputError`` if it cannot be read."""
    definition = INPUTS[name]
    try:
        if not reader.has(name):
            return None
        data = reader.read(name, text_columns(definition, settings))
    except UnreadableError as error:
        raise InputError(f"{name}: {error.problem}; {error.remedy}") from None
    if missing := [column for column in definition.required if column in _IDS and column not in data.column_names]:
        raise InputError(f"{name}.{missing[0]}: missing; forestock validate says how to correct it")
    return converted(data, definition, settings)[0].frame


_IDS = ("hub", "region", "supplier", "sku")


def _nodes(settings: Settings, reader: Reader) -> Nodes:
    def ids(*places: tuple[str, str]) -> list[str]:
        """Return the sorted ids in the first table that is provided."""
        for table, column in places:
            frame = _read(settings, reader, table)
            if frame is not None and column in frame:
                return sorted(frame[column].dropna().astype(str).unique())
        return []

    given = settings.network
    hubs, regions = _read(settings, reader, "hubs"), _read(settings, reader, "regions")
    if hubs is None:
        hubs = pd.DataFrame({"hub": ids(("stock", "hub"), ("inbound", "hub")) or list(given.hubs)}, dtype="object")
    if regions is None:
        regions = pd.DataFrame({"region": ids(("sales", "region")) or list(given.regions)}, dtype="object")
    for name, frame in (("hubs", hubs), ("regions", regions)):
        if frame.empty:
            source = "stock, inbound, or hubs" if name == "hubs" else "sales or regions"
            raise InputError(f"{name}: none is known; provide the table {source}, or name them in network.{name}")
    named = {str(hub) for hub in hubs["hub"]}
    suppliers = ids(("supply", "supplier"))
    if not suppliers:  # without offers, every supplier offers every SKU
        origins = [name for name in ids(("inbound", "origin")) if name not in named]
        suppliers = list(dict.fromkeys([*origins, *given.suppliers]))
    skus = _read(settings, reader, "skus")
    has_mass = skus is not None and "mass_kg" in skus and bool(skus["mass_kg"].notna().all())
    return Nodes(hubs, regions, tuple(suppliers), has_mass, _postal_places(settings))


def _postal_places(settings: Settings) -> PostalPlaces | None:
    path = settings.network.postal_places
    if path is None:
        return None
    return PostalPlaces.from_frame(input_files.read_postal_places(path))
