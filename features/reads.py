"""The columns and rows of the input tables on which a model or a forecast can depend.

``build_panel`` uses these columns and no others, so the hashes cover everything that is read. Not here: reading tables
(``foundation.store.snapshot``), the parts of an identity beyond tables and feature families (``pipeline.identity``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.family import families_in_use
from foundation.extensions import installed_code
from foundation.periods import as_timestamp
from foundation.settings import Settings, quantile_columns
from foundation.store.snapshot import content_hash

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class ReadHashes:
    """Hashes of what is read: ``training`` for a model trained at a date, ``forecast`` for a forecast of that date."""

    training: str
    forecast: str


def tables_read(tables: Tables, settings: Settings) -> dict[str, pd.DataFrame]:
    """Return the tables a panel is built from, each with the columns it uses; absent ones are left out."""
    return {
        name: tables[name][[column for column in tables[name] if requested is None or column in requested]]
        for name, requested in _columns(settings)
        if name in tables
    }


def read_hashes(tables: Tables, settings: Settings, as_of: date) -> ReadHashes:
    """Return the hashes of what training and forecasting at ``as_of`` read of ``tables``, normalized and cut to ``as_of``.

    Announced rows count where they can matter: a forecast reads prices, calendar and regional numbers up to the end of
    the horizon; training reads prices and regional numbers before ``as_of``, and looks ahead in the calendar alone.
    """
    read = tables_read(tables, settings)
    end = settings.grid.step(as_of, settings.horizon)
    observed: dict[str, str] = {
        name: content_hash({name: _ordered(read[name])}) for name in ("sales", "returns", "regions") if name in read
    }
    of_training = {"prices": as_of, "regional": as_of, "calendar": end, "external_forecast": as_of}
    of_forecast = dict.fromkeys(("prices", "regional", "calendar"), end)
    observed |= _installed_families(settings)
    return ReadHashes(
        _combined(
            observed | _announced(read, of_training) | _skus(read, settings, as_of, settings.grid.step(as_of, 1))
        ),
        _combined(
            observed | _announced(read, of_forecast) | _external(read, as_of, end) | _skus(read, settings, as_of, end)
        ),
    )


def _installed_families(settings: Settings) -> dict[str, str]:
    """Return the code version of each family in use that an installed package brings; it is no part of Forestock's."""
    modules = {name: family.compute.__module__ for name, family in families_in_use(settings).items()}
    return {f"family {name}": version for name, version in installed_code(modules, "features").items()}


def _columns(settings: Settings) -> Iterator[tuple[str, set[str] | None]]:
    """Yield each table a panel is built from with the columns it uses; None: all."""
    series = settings.series
    yield "sales", {"date", "region", "sku", "units_sold", "in_stock_rate"}
    yield "skus", {"sku", "launch_date", "delist_date", "replaces", *series.hierarchy, *series.features}
    yield "regions", {"region", *series.features, *(("country",) if series.country_holidays else ())}
    yield "regional", None
    yield "calendar", {"date", "event", "region", "event_type"}
    yield "prices", {"date", "region", "sku", "unit_price_eur", "is_promoted"}
    if settings.forecast.is_external:
        levels = quantile_columns(settings.forecast.quantiles)
        yield "external_forecast", {"as_of", "date", "region", "sku", "mean_units", *levels}
        yield "external_forecast_window", {
            "as_of", "region", "sku", "window_days", "mean_units", "dispersion", "step_units", *levels,
        }  # fmt: skip
        yield "external_forecast_dependence", {"as_of", "sku", "day_correlation", "region_correlation"}
    if "returns" in families_in_use(settings):
        yield "returns", {"date", "region", "sku", "units_returned"}


def _announced(read: Tables, until: Mapping[str, date]) -> dict[str, str]:
    """Return a hash per announced table of its rows dated before ``until``, and of whether it has rows at all."""
    result = {}
    for name, day in until.items():
        if name in read:
            rows = read[name][(read[name]["date"] < as_timestamp(day)).to_numpy()]
            result[name] = f"{content_hash({name: rows})}|{read[name].empty}"
    return result


def _external(read: Tables, as_of: date, end: date) -> dict[str, str]:
    """Return hashes of what a forecast reads of an external forecast: its rows in the horizon, its windows and correlations."""
    if "external_forecast" not in read:
        return {}
    rows = read["external_forecast"]
    ahead = ((rows["date"] >= as_timestamp(as_of)) & (rows["date"] < as_timestamp(end))).to_numpy()
    tables = {"external_forecast": rows[ahead]}
    others = ("external_forecast_window", "external_forecast_dependence")
    tables |= {name: _ordered(read[name]) for name in others if name in read}
    return {f"{name} ahead": content_hash({name: table}) for name, table in tables.items()}


def _skus(read: Tables, settings: Settings, as_of: date, delisted_until: date) -> dict[str, str]:
    """Return hashes of the SKUs that can be forecast at ``as_of``: those with a sales or price row before it.

    A delisting from ``delisted_until`` on and a launch from ``as_of`` on change nothing yet. Where ``regional`` brings
    totals, the values of the hierarchy count too.
    """
    known = set()
    for name in ("sales", "prices"):
        if name in read:
            sold = read[name].loc[(read[name]["date"] < as_timestamp(as_of)).to_numpy(), "sku"]
            known |= set(sold.unique())
    skus = read["skus"]
    rows = skus[skus["sku"].isin(known)].copy()
    for column, day in (("launch_date", as_of), ("delist_date", delisted_until)):
        if column in rows:
            rows[column] = rows[column].where(rows[column] < as_timestamp(day))
    result = {"skus": content_hash({"skus": _ordered(rows)})}
    if any(str(column).startswith("units_") for column in read.get("regional", ())):
        kinds = skus[[name for name in settings.series.hierarchy if name in skus]]
        result["kinds"] = content_hash({"kinds": _ordered(kinds.drop_duplicates())})
    return result


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``frame`` in an order that depends on the columns read alone."""
    if "date" in frame and "units_returned" not in frame:
        return frame  # in the order of its grain already
    return frame.sort_values(sorted(frame.columns), kind="stable")


def _combined(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:24]
