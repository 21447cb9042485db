"""The receiver of exported documents: its settings, its names of places and SKUs, addresses, and carriers.

Not here: the forms (``export_form``), reading the tables (``pipeline.handover``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

import pandas as pd

from foundation.decision_sections import Exports
from foundation.errors import InputError

EMPTY_MOMENT = datetime(2000, 1, 3)


@dataclass(frozen=True)
class Address:
    """Postal address of a hub; a part is empty if it is not known.

    ``subdivision`` is the state or province, ``country`` the ISO code of the country.
    """

    street: str = ""
    city: str = ""
    subdivision: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True)
class Partner:
    """The receiver of exported documents.

    Attributes
    ----------
    exports
        Settings of the documents.
    hubs, skus, suppliers
        The partner's names by Forestock's; a missing name is the same on both sides.
    addresses, warehouses
        Address, and name of the warehouse in Odoo, by the partner's name of the hub.
    carriers
        Standard carrier alpha code by lane.
    moment
        Time at which the last of the lines was released, the only time in a document.

    """

    exports: Exports = field(default_factory=Exports)
    hubs: Mapping[str, str] = field(default_factory=dict)
    skus: Mapping[str, str] = field(default_factory=dict)
    moment: datetime = EMPTY_MOMENT
    suppliers: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)
    warehouses: Mapping[str, str] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)


def tables_needed(exports: Exports) -> tuple[str, ...]:
    """Return the input tables that ``partner_of`` reads under these settings."""
    needs_hubs = exports.hub_column or exports.odoo_warehouse_column or exports.x12_addresses
    columns = {
        "hubs": needs_hubs, "skus": exports.sku_column, "supply": exports.supplier_column, "lanes": exports.carrier_column,
    }  # fmt: skip
    return tuple(table for table, column in columns.items() if column)


def partner_of(exports: Exports, tables: Mapping[str, pd.DataFrame], moment: datetime) -> Partner:
    """Return the receiver described by the columns of ``tables`` that ``exports`` names.

    Raises ``InputError`` if a column is missing, has empty values where a name is needed, or names two keys alike.
    """
    hubs = names_of(tables["hubs"], "hub", exports.hub_column) if exports.hub_column else {}
    by_name = _with_name(tables["hubs"], hubs) if "hubs" in tables else pd.DataFrame()
    return Partner(
        exports, hubs, names_of(tables["skus"], "sku", exports.sku_column) if exports.sku_column else {}, moment,
        _suppliers(tables.get("supply", pd.DataFrame()), exports.supplier_column),
        _addresses(by_name) if exports.x12_addresses else {},
        _column(by_name, "hubs", "name", exports.odoo_warehouse_column),
        _column(tables["lanes"], "lanes", "lane", exports.carrier_column) if exports.carrier_column else {},
    )  # fmt: skip


def _with_name(hubs: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    return hubs.assign(name=_named(hubs["hub"], names))


def _suppliers(supply: pd.DataFrame, column: str | None) -> dict[str, str]:
    """Return the names of suppliers; ``supply`` has a row per supplier and SKU, or none if it is not provided."""
    if column is None or supply.empty:
        return {}
    _refuse_missing(supply, "supply", column)
    return names_of(supply.drop_duplicates(["supplier", column]), "supplier", column, table="supply")


def _addresses(hubs: pd.DataFrame) -> dict[str, Address]:
    parts = _present(hubs, *(part.name for part in fields(Address)))
    known = hubs[hubs[parts].notna().any(axis=1)] if parts else hubs.iloc[:0]
    rows = known[["name", *parts]].fillna("").to_dict("records")
    return {row["name"]: Address(**{part: str(row[part]) for part in parts}) for row in rows}


def _column(table: pd.DataFrame, name: str, key: str, column: str | None) -> dict[str, str]:
    """Return the texts in ``column`` by ``key``; rows without a text are left out."""
    if column is None:
        return {}
    _refuse_missing(table, name, column)
    known = table[table[column].notna()]
    return dict(zip(known[key].astype("str"), known[column].astype("str"), strict=True))


def _present(table: pd.DataFrame, *names: str) -> list[str]:
    return [name for name in names if name in table]


def _refuse_missing(table: pd.DataFrame, name: str, column: str) -> None:
    if column not in table:
        raise InputError(f"{name}.{column}: there is no such column, and decisions.exports names it")


def translated(lines: pd.DataFrame, partner: Partner) -> pd.DataFrame:
    """Return ``lines`` with the partner's names of places and SKUs."""
    return _renamed(lines, (dict(partner.hubs), dict(partner.skus), dict(partner.suppliers)))


def ours(lines: pd.DataFrame, partner: Partner) -> pd.DataFrame:
    """Return ``lines`` of the partner with Forestock's names; the reverse of ``translated``."""
    names = (partner.hubs, partner.skus, partner.suppliers)
    hubs, skus, suppliers = ({theirs: ours for ours, theirs in given.items()} for given in names)
    return _renamed(lines, (hubs, skus, suppliers))


def names_of(rows: pd.DataFrame, key: str, column: str | None, table: str | None = None) -> dict[str, str]:
    """Return the partner's name in ``column`` of each ``key``; empty without a column.

    ``table`` is the name of the table in messages; default: the plural of ``key``. Raises ``InputError`` if the column is
    missing, has empty values, or has the same name for two keys or two names for one.
    """
    if column is None:
        return {}
    table = table or f"{key}s"
    _refuse_missing(rows, table, column)
    names = rows[[key, column]].astype("str")
    if (empty := rows[column].isna() | (names[column] == "")).any():
        raise InputError(f"{table}.{column}: {int(empty.sum())} rows are empty, first: {names.loc[empty, key].iloc[0]}")
    if (twice := names[column].duplicated()).any():
        raise InputError(f"{table}.{column}: {names.loc[twice, column].iloc[0]!r} names two {key}s; names must differ")
    if (twice := names[key].duplicated()).any():
        raise InputError(f"{table}.{column}: {names.loc[twice, key].iloc[0]!r} has two names; give it one")
    return dict(zip(names[key], names[column], strict=True))


def _renamed(lines: pd.DataFrame, names: tuple[dict[str, str], ...]) -> pd.DataFrame:
    """Return ``lines`` with other names of hubs, SKUs, and suppliers; the origin of an order is a supplier."""
    hubs, skus, suppliers = names
    is_order = lines["kind"] == "supply"
    origin = _named(lines["origin"], hubs).mask(is_order, _named(lines["origin"], suppliers))
    return lines.assign(
        origin=origin, destination=_named(lines["destination"], hubs), sku=_named(lines["sku"], skus)
    )  # fmt: skip


def _named(values: pd.Series, names: dict[str, str]) -> pd.Series:
    return values.map(names).fillna(values) if names else values
