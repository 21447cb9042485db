"""Definitions of the input tables, which of them a configuration reads, and the largest plausible values of their numbers.

A larger value is an error of units or of typing; beyond it, sums in the solver would not be exact. Bounds that follow from the
meaning of a column (a rate is at most 1) are part of the column's definition (``columns``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from foundation.settings import Settings, quantile_columns
from foundation.tables.columns import columns
from foundation.tables.model import Column, Kind, Table

_UNITS, _MONEY, _DAYS = 1e9, 1e10, 3_660.0

LARGEST: dict[str, float] = {
    **dict.fromkeys(
        ("units_sold", "units_returned", "units_on_hand", "units_reserved", "units_on_hold", "units", "units_restocked",
         "min_order_units", "min_units", "max_units", "mean_units", "step_units"), _UNITS),
    **dict.fromkeys(("units_available", "inbound_units_per_period", "outbound_units_per_period"), 1e12),
    **dict.fromkeys(
        ("unit_cost_eur", "unit_price_eur", "lost_sale_eur", "holding_eur_per_unit_day", "storage_eur_per_l_day",
         "eur_per_unit", "eur_per_kg", "late_eur_per_unit"), _MONEY),
    "eur_per_load": 1e12,
    "pack_units": 1e6,
    **dict.fromkeys(("lead_time_days", "lead_time_sd_days", "promise_days"), _DAYS),
    "shelf_life_days": 36_600,
    "mass_kg": 1e6, "volume_l": 1e7, "load_kg": 1e9, "load_l": 1e10, "storage_l": 1e12,
    "distance_km": 50_000, "kg_co2e_per_t_km": 1_000, "loads_per_departure": 1e6,
    "holding_rate_per_year": 100,
    "dispersion": 1e6,
    "window_days": _DAYS,
}  # fmt: skip
# Limit for columns without a definition, such as weather: LightGBM and sums over a history do not overflow.
LARGEST_FEATURE = 1e15
_RS = {"region": "regions", "sku": "skus"}
_HS = {"hub": "hubs", "sku": "skus"}
NEEDED_FOR = {
    **dict.fromkeys(("sales", "skus", "regions"), ("forecast", "rebalance")),
    **dict.fromkeys(("hubs", "lanes", "stock"), ("rebalance",)),
}
REFERENCES = {
    "sales": _RS, "regional": {"region": "regions"}, "calendar": {"region": "regions"}, "prices": _RS,
    "hub_capacity": {"hub": "hubs"}, "hub_skus": _HS, "stock": _HS, "inbound": _HS, "supply": {"sku": "skus"},
    "external_forecast": _RS, "external_forecast_window": _RS, "external_forecast_dependence": {"sku": "skus"},
    "promises": {"region": "regions"}, "returns": {**_RS, "hub": "hubs"}, "deliveries": {**_HS, **_RS},
}  # fmt: skip
NULLABLE_GRAIN = {
    "calendar": ("region",), "hub_capacity": ("handling_class",), "inbound": ("as_of",), "promises": ("handling_class",),
    "deliveries": ("sku",), **dict.fromkeys(("external_forecast", "external_forecast_window", "external_forecast_dependence"), ("as_of",)),
}  # fmt: skip


def _table(name: str, text: str, grain: str, required: str, optional: str = "") -> Table:
    return Table(
        name,
        text,
        tuple(grain.split()),
        tuple(replace(column, largest=LARGEST.get(column.name)) for column in columns(f"{required} {optional}")),
        tuple(required.split()),
        NEEDED_FOR.get(name, ()),
        NULLABLE_GRAIN.get(name, ()),
        REFERENCES.get(name, {}),
        extra_columns=True,
    )


INPUTS: dict[str, Table] = {
    table.name: table
    for table in (
        _table("sales", "Units sold per period, region, and SKU.", "date region sku", "date region sku units_sold", "in_stock_rate"),
        _table("skus", "SKUs, with the hierarchy columns named in the configuration.", "sku", "sku", "unit_cost_eur unit_price_eur mass_kg volume_l handling_class pack_units shelf_life_days launch_date delist_date replaces lost_sale_eur holding_eur_per_unit_day owner"),
        _table("regions", "Regions in which demand arises.", "region", "region", "latitude longitude country subdivision"),
        _table("regional", "Numeric data per period and region, for example weather, totals, or footfall.", "date region", "date region"),
        _table("calendar", "Events in all regions or in one region.", "date event region", "date event", "region event_type"),
        _table("prices", "Prices and promotions. A row is valid until the next row of its region and SKU.", "date region sku", "date region sku unit_price_eur", "is_promoted"),
        _table("hubs", "Places that hold stock.", "hub", "hub", "latitude longitude timezone storage_l inbound_units_per_period outbound_units_per_period handling_classes holding_rate_per_year storage_eur_per_l_day street city subdivision postal_code country"),
        _table("hub_capacity", "Changes of a hub's capacity from a date on.", "hub from_date handling_class", "hub from_date", "handling_class is_open storage_l inbound_units_per_period outbound_units_per_period"),
        _table("hub_skus", "Limits on the stock of a SKU at a hub.", "hub sku", "hub sku", "is_stocked min_units max_units frozen_until"),
        _table("lanes", "Connections: transfer (hub to hub), supply (supplier to hub), and delivery (hub to region).", "lane", "lane origin destination kind lead_time_days", "mode distance_km lead_time_sd_days eur_per_unit eur_per_kg eur_per_load load_l load_kg loads_per_departure departs cutoff handling_classes kg_co2e_per_t_km"),
        _table("stock", "Stock snapshots, taken in the morning.", "date hub sku", "date hub sku units_on_hand", "units_reserved units_on_hold"),
        _table("inbound", "Order lines in transit, by snapshot if `as_of` is given.", "as_of inbound_id", "inbound_id hub sku units arrival_date", "origin status proposal_id as_of"),
        _table("supply", "SKUs that suppliers offer.", "supplier sku", "supplier sku", "units_available pack_units min_order_units unit_cost_eur"),
        _table("promises", "Delivery promises by region.", "region handling_class", "region promise_days", "handling_class late_eur_per_unit"),
        _table("returns", "Returned units.", "", "date region sku units_returned", "order_date hub units_restocked reason"),
        _table("deliveries", "Parcel lines, without personal data.", "delivery_id sku", "delivery_id date hub region", "sku units carrier ready_at cutoff_at picked_up_at promised_at delivered_at"),
    )
}  # fmt: skip
# Read only where ``forecast.model`` or ``forecast.models`` names ``external``.
EXTERNAL_INPUTS: dict[str, Table] = {
    table.name: table
    for table in (
        _table("external_forecast", "Forecast made elsewhere, with one column per quantile level where it has quantiles. `as_of` is the date on which it was made.", "as_of date region sku", "date region sku mean_units", "as_of"),
        _table("external_forecast_window", "Sums over the first days of an external forecast.", "as_of region sku window_days", "region sku window_days mean_units", "as_of dispersion step_units"),
        _table("external_forecast_dependence", "Correlation of errors of an external forecast.", "as_of sku", "sku day_correlation region_correlation", "as_of"),
    )
}  # fmt: skip
_WITH_QUANTILES = ("external_forecast", "external_forecast_window")


def tables_in_use(settings: Settings) -> Iterator[Table]:
    """Yield the tables that the settings read; those of an external forecast have a column per quantile level."""
    yield from INPUTS.values()
    if not settings.forecast.is_external:
        return
    quantiles = tuple(
        Column(name, Kind.NUMBER, f"Quantile {level:g} of demand.", "units", 0, None, LARGEST["mean_units"])
        for name, level in zip(quantile_columns(settings.forecast.quantiles), settings.forecast.quantiles, strict=True)
    )
    for table in EXTERNAL_INPUTS.values():
        needed = ("forecast", "rebalance") if table.name == "external_forecast" else ()
        added = quantiles if table.name in _WITH_QUANTILES else ()
        yield replace(table, columns=table.columns + added, needed_for=needed)
