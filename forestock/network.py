"""A distribution network built in code: hubs, lanes, SKUs, stock and demand, planned by ``forestock.plan``.

Its tables pass the same input validation as files. Not here: reading files (``forestock.api.read_inputs``) or the optimizer
(``positioning``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.stats import gamma

from foundation.configuration import settings_from
from foundation.errors import InputError, nearest
from foundation.periods import day_of
from foundation.settings import Settings, quantile_columns
from foundation.tables import INPUTS
from foundation.validation.validate import validate

Row = dict[str, Any]
_POISSON = 1e-9
_PAST_DAYS = 28
_DATES = ["date", "arrival_date", "from_date", "frozen_until"]


@dataclass(frozen=True, repr=False)
class Network:
    """A network; every ``add_…`` and ``with_…`` returns a new one, so that calls chain and variants share a start.

    Columns beyond the named arguments are those of the input tables (docs/tables.md).

    Parameters
    ----------
    day
        Planning date, ``YYYY-MM-DD`` or a date.
    horizon
        Number of days, from ``day`` on, with known demand.
    rows
        Rows of the input tables by name; usually filled by ``add_…`` and ``with_…``.
    demand
        Mean units per day and dispersion by (region, SKU).
    changes
        Changed settings of the section ``positioning``.

    Examples
    --------
    >>> network = Network("2024-06-03").add_hub("north").add_sku("umbrella", unit_cost_eur=4.0, unit_price_eur=12.0)
    >>> network
    Network of 2024-06-03: 1 hub, 0 lanes, 1 SKU, demand of 0 series
    """

    day: date | str
    horizon: int = 28
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    demand: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        hubs, lanes, skus = (len(self.rows.get(name, ())) for name in ("hubs", "lanes", "skus"))
        counts = ", ".join([_counted(hubs, "hub"), _counted(lanes, "lane"), _counted(skus, "SKU")])
        return f"Network of {self.day}: {counts}, demand of {len(self.demand)} series"

    @property
    def as_of(self) -> date:
        """The planning date; raises ``InputError`` if ``day`` is not a date."""
        return day_of(self.day, "day")

    @property
    def settings(self) -> Settings:
        """The settings of the network's plan; raises ``ConfigurationError`` for an unknown or invalid one."""
        horizon = self.horizon
        windows = [days for days in (7, 14, 28) if not isinstance(horizon, int) or days <= horizon] or [horizon]
        values = {
            "name": "network",
            "horizon": horizon,
            "series": {"hierarchy": []},
            "forecast": {"window_days": windows},
        }
        return settings_from({**values, "positioning": dict(self.changes)}, "the network")

    def add_hub(self, hub: str, **columns: Any) -> Network:
        """Add a hub; optional columns are for example ``storage_l``, ``inbound_units_per_period``, ``timezone``."""
        return self._with_row("hubs", {"hub": hub, **columns})

    def add_sku(self, sku: str, unit_cost_eur: float, unit_price_eur: float, **columns: Any) -> Network:
        """Add a SKU with cost and price per unit; optional columns are for example ``volume_l``, ``pack_units``."""
        return self._with_row(
            "skus", {"sku": sku, "unit_cost_eur": unit_cost_eur, "unit_price_eur": unit_price_eur, **columns}
        )

    def add_transfer(self, origin: str, destination: str, lead_time_days: int, **columns: Any) -> Network:
        """Add a lane between two hubs; optional columns are for example ``eur_per_unit``, ``eur_per_load``, ``departs``."""
        return self._with_lane("transfer", origin, destination, {"lead_time_days": lead_time_days, **columns})

    def add_supply(self, supplier: str, hub: str, lead_time_days: int, **columns: Any) -> Network:
        """Add a lane from a supplier, who offers every SKU, to a hub."""
        return self._with_lane("supply", supplier, hub, {"lead_time_days": lead_time_days, **columns})

    def add_delivery(self, hub: str, region: str, lead_time_days: int, **columns: Any) -> Network:
        """Add a lane on which a hub delivers to the customers of a region."""
        return self._with_lane("delivery", hub, region, {"lead_time_days": lead_time_days, **columns})

    def with_stock(self, units: Mapping[tuple[str, str], int]) -> Network:
        """Set units on hand on the planning date by (hub, SKU); other pairs have none."""
        pairs = _pairs(units, "with_stock", "(hub, sku)")
        return replace(
            self, rows={**self.rows, "stock": tuple({"hub": hub, "sku": sku, "units_on_hand": units} for (hub, sku), units in pairs)}
        )  # fmt: skip

    def with_demand(self, units_per_day: Mapping[tuple[str, str], float], dispersion: float = 0.0) -> Network:
        """Set mean demand in units per day by (region, SKU), the same every day of the horizon.

        Parameters
        ----------
        units_per_day
            Mean units per day, at least 0.
        dispersion
            Alpha of a negative binomial per window, variance = mean + alpha · mean²; 0 is Poisson.
        """
        pairs = _pairs(units_per_day, "with_demand", "(region, sku)")
        means = {f"demand of {pair}": mean for pair, mean in pairs}
        faults = [_not_a_quantity(label, value) for label, value in {**means, "dispersion": dispersion}.items()]
        if any(faults):
            raise InputError(*filter(None, faults))
        return replace(self, demand={pair: (float(mean), float(dispersion)) for pair, mean in pairs})

    def with_settings(self, **positioning: Any) -> Network:
        """Change settings of the section ``positioning``, for example ``review_days=7`` or ``carbon_eur_per_t=100``."""
        return replace(self, changes={**self.changes, **positioning})

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the validated input tables by name; raises ``InputError`` with one line per fault."""
        if faults := list(dict.fromkeys(self._unknown_names())) or list(self._missing_parts()):
            raise InputError(*faults)
        result = validate(_Frames(self._frames()), self.settings, self.as_of, "rebalance")
        if result.stops:
            raise InputError(*(str(fault) for fault in result.faults))
        return result.tables

    def forecasts(self) -> dict[str, pd.DataFrame]:
        """Return the demand as the tables ``forecast``, ``forecast_window`` and ``forecast_dependence``."""
        start = pd.Timestamp(self.as_of).as_unit("us")
        keys = [{"as_of": start, "region": region, "sku": sku} for region, sku in sorted(self.demand)]
        periods = [
            {"as_of": start, "region": region, "sku": sku, "date": start + timedelta(days=day), "mean_units": mean}
            for (region, sku), (mean, _) in sorted(self.demand.items()) for day in range(self.horizon)
        ]  # fmt: skip
        skus = sorted({sku for _, sku in self.demand})
        correlation = [{"as_of": start, "sku": sku, "day_correlation": 0.0, "region_correlation": 0.0} for sku in skus]
        return {
            "forecast": pd.DataFrame(periods, columns=["as_of", "region", "sku", "date", "mean_units"]),
            "forecast_window": pd.DataFrame(list(self._windows(keys))),
            "forecast_dependence": pd.DataFrame(correlation),
        }

    def _windows(self, keys: list[Row]) -> Iterator[Row]:
        settings = self.settings.forecast
        for key in keys:
            mean, alpha = self.demand[key["region"], key["sku"]]
            for days in settings.window_days:
                total = max(mean * days, _POISSON)
                shape = 1.0 / (1.0 / total + alpha)  # of the gamma with the negative binomial's mean and variance
                values = gamma.ppf(np.asarray(settings.quantiles), shape, scale=total / shape)
                quantiles = dict(zip(quantile_columns(settings.quantiles), map(float, values), strict=True))
                yield {**key, "window_days": days, "mean_units": mean * days, "dispersion": alpha, **quantiles}

    def _frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables before validation; past sales, which validation requires, are the mean demand."""
        today = pd.Timestamp(self.as_of)
        frames = {name: pd.DataFrame(list(rows)) for name, rows in self.rows.items()}
        pairs = [(hub["hub"], sku["sku"]) for hub in self.rows["hubs"] for sku in self.rows["skus"]]
        empty = pd.DataFrame(pairs, columns=["hub", "sku"]).assign(units_on_hand=0)
        frames["stock"] = frames.get("stock", empty).assign(date=today)
        past = [today - timedelta(days) for days in range(1, _PAST_DAYS + 1)]
        sales = [(day, region, sku, mean) for (region, sku), (mean, _) in self.demand.items() for day in past]
        frames["sales"] = pd.DataFrame(sales, columns=["date", "region", "sku", "units_sold"])
        frames["regions"] = pd.DataFrame({"region": sorted(self._regions())})
        return {name: _with_dates(frame) for name, frame in frames.items()}

    def _regions(self) -> set[str]:
        return {lane["destination"] for lane in self.rows.get("lanes", ()) if lane["kind"] == "delivery"}

    def _with_row(self, table: str, row: Row) -> Network:
        known = [column.name for column in INPUTS[table].columns]
        unknown = [f"{table}.{name}: unknown column{nearest(name, known)}" for name in row if name not in known]
        if unknown:
            raise InputError(*unknown)
        return replace(self, rows={**self.rows, table: (*self.rows.get(table, ()), row)})

    def _with_lane(self, kind: str, origin: str, destination: str, columns: Row) -> Network:
        row = {"lane": f"{origin}>{destination}", "origin": origin, "destination": destination, "kind": kind, **columns}
        return self._with_row("lanes", row)

    def _unknown_names(self) -> Iterator[str]:
        """Yield a line per hub, SKU or region that is used and was not added."""
        ends = {"transfer": ("origin", "destination"), "supply": ("destination",), "delivery": ("origin",)}
        lanes = [(lane, end) for lane in self.rows.get("lanes", ()) for end in ends[lane["kind"]]]
        used = [("hub", lane[end]) for lane, end in lanes]
        used += [(name, row[name]) for row in self.rows.get("stock", ()) for name in ("hub", "sku")]
        used += [pair for region, sku in self.demand for pair in (("region", region), ("sku", sku))]
        known = {
            "hub": {row["hub"] for row in self.rows.get("hubs", ())},
            "sku": {row["sku"] for row in self.rows.get("skus", ())},
            "region": self._regions(),
        }
        for kind, name in used:
            if name not in known[kind]:
                yield f"{kind} {name!r} is not in the network{nearest(str(name), sorted(map(str, known[kind])))}"

    def _missing_parts(self) -> Iterator[str]:
        """Yield a line per part without which there is nothing to plan."""
        kinds = {lane["kind"] for lane in self.rows.get("lanes", ())}
        calls = {
            "add_hub": self.rows.get("hubs"), "add_sku": self.rows.get("skus"), "add_delivery": "delivery" in kinds,
            "with_demand": self.demand,
        }  # fmt: skip
        yield from (f"the network is incomplete: call {call}" for call, part in calls.items() if not part)
        if "supply" not in kinds and not self.rows.get("stock"):
            yield "the network has neither stock nor a supplier: call with_stock or add_supply"


@dataclass(frozen=True)
class _Frames:
    """Tables in memory as a source of input validation."""

    frames: Mapping[str, pd.DataFrame]

    def has(self, table: str) -> bool:
        return table in self.frames

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return a table; a column of mixed types becomes text, so that validation can name the faulty values."""
        frame = self.frames[table]
        return pa.table({name: _array(frame[name], name in as_text) for name in frame})


def _array(values: pd.Series, is_text: bool) -> pa.Array:
    try:
        return pa.array(values.astype("str") if is_text and values.notna().all() else values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if pd.isna(value) else str(value) for value in values], pa.string())


def _with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its dates as timestamps where they can be read; others are left to validation."""
    for column in frame.columns.intersection(_DATES):
        days = pd.to_datetime(frame[column], errors="coerce")
        if not (days.isna() & frame[column].notna()).any():
            frame = frame.assign(**{column: days.astype("datetime64[us]")})
    return frame


def _pairs(values: Mapping[tuple[str, str], Any], call: str, form: str) -> list[tuple[tuple[str, str], Any]]:
    """Return the items of a mapping by pairs; raises ``InputError`` for anything else."""
    if not hasattr(values, "items"):
        raise InputError(f"{call}: expected a mapping by {form}, got {type(values).__name__}")
    items = list(values.items())
    faults = [
        f"{call}: {key!r} is not a pair {form}" for key, _ in items if not isinstance(key, tuple) or len(key) != 2
    ]
    if faults:
        raise InputError(*faults)
    return items


def _not_a_quantity(label: str, value: object) -> str:
    """Return what is wrong with a number of units or a dispersion; empty if nothing is."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if is_number and math.isfinite(float(value)) and float(value) >= 0:  # type: ignore[arg-type] # a number, see above
        return ""
    return f"{label}: {value!r} is not a number of at least 0"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
