"""A distribution network built in code: hubs, lanes, SKUs, stock and demand, planned by ``forestock.plan``.

Not here: reading tables (``forestock.api.read_inputs``) or the optimizer (``positioning``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import gamma

from foundation.errors import InputError, nearest
from foundation.settings import Settings, quantile_columns
from foundation.tables import INPUTS

Row = dict[str, Any]
_POISSON = 1e-9


@dataclass(frozen=True)
class Network:
    """A network; every ``add_…`` and ``with_…`` returns a new one, so that calls chain and variants share a start.

    Columns beyond the named ones are those of the contract's tables (docs/tables.md).

    Attributes
    ----------
    day
        Planning date, ``YYYY-MM-DD`` or a date.
    horizon
        Days of demand that are known, from ``day`` on.
    rows
        Rows of the input tables by name.
    demand
        Mean units per day and dispersion by (region, SKU).
    """

    day: date | str
    horizon: int = 28
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    demand: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def as_of(self) -> date:
        """The planning date."""
        return date.fromisoformat(self.day) if isinstance(self.day, str) else self.day

    @property
    def settings(self) -> Settings:
        """The settings the network is planned under."""
        windows = tuple(days for days in (7, 14, 28) if days <= self.horizon) or (self.horizon,)
        return Settings.model_validate(
            {"name": "network", "horizon": self.horizon, "forecast": {"window_days": windows}, "positioning": dict(self.changes)}
        )  # fmt: skip

    def add_hub(self, hub: str, **columns: Any) -> Network:
        """Add a hub; for example ``storage_l``, ``inbound_units_per_period``, ``timezone``."""
        return self._with_row("hubs", {"hub": hub, **columns})

    def add_sku(self, sku: str, unit_cost_eur: float, unit_price_eur: float, **columns: Any) -> Network:
        """Add a SKU with its cost and price per unit; for example ``volume_l``, ``mass_kg``, ``pack_units``."""
        return self._with_row(
            "skus", {"sku": sku, "unit_cost_eur": unit_cost_eur, "unit_price_eur": unit_price_eur, **columns}
        )

    def add_transfer(self, origin: str, destination: str, lead_time_days: int, **columns: Any) -> Network:
        """Add a lane between two hubs; for example ``eur_per_unit``, ``eur_per_load`` with ``load_l``, ``departs``."""
        return self._with_lane("transfer", origin, destination, {"lead_time_days": lead_time_days, **columns})

    def add_supply(self, supplier: str, hub: str, lead_time_days: int, **columns: Any) -> Network:
        """Add a lane from a supplier, who offers every SKU, to a hub."""
        return self._with_lane("supply", supplier, hub, {"lead_time_days": lead_time_days, **columns})

    def add_delivery(self, hub: str, region: str, lead_time_days: int, **columns: Any) -> Network:
        """Add a lane on which a hub delivers to the customers of a region."""
        return self._with_lane("delivery", hub, region, {"lead_time_days": lead_time_days, **columns})

    def with_stock(self, units: Mapping[tuple[str, str], int]) -> Network:
        """Set units on hand by (hub, SKU) on the planning date; what is not named has none."""
        rows = tuple(
            {"date": self.as_of, "hub": hub, "sku": sku, "units_on_hand": count} for (hub, sku), count in units.items()
        )
        return replace(self, rows={**self.rows, "stock": rows})

    def with_demand(self, units_per_day: Mapping[tuple[str, str], float], dispersion: float = 0.0) -> Network:
        """Set mean demand by (region, SKU) in units per day, the same every day.

        ``dispersion`` is alpha of a negative binomial per window, variance = mean + alpha · mean²; 0 is Poisson.
        """
        return replace(self, demand={key: (float(mean), dispersion) for key, mean in units_per_day.items()})

    def with_settings(self, **positioning: Any) -> Network:
        """Change keys of the section ``positioning``, for example ``review_days=7`` or ``carbon_eur_per_t=100``."""
        return replace(self, changes={**self.changes, **positioning})

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the input tables; raises ``InputError`` with one line per unknown name."""
        self._check()
        tables = {name: _frame(name, rows) for name, rows in self.rows.items()}
        tables["regions"] = pd.DataFrame({"region": sorted(self._regions())})
        if "stock" not in tables:
            tables["stock"] = _frame("stock", ()).assign(date=pd.Series(dtype="datetime64[us]"))
        return tables

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
        levels = self.settings.forecast.quantiles
        for key in keys:
            mean, alpha = self.demand[key["region"], key["sku"]]
            for days in self.settings.forecast.window_days:
                total = max(mean * days, _POISSON)
                shape = 1.0 / (1.0 / total + alpha)  # of the gamma with the negative binomial's mean and variance
                values = gamma.ppf(np.asarray(levels), shape, scale=total / shape)
                quantiles = dict(zip(quantile_columns(levels), map(float, values), strict=True))
                yield {**key, "window_days": days, "mean_units": mean * days, "dispersion": alpha, **quantiles}

    def _regions(self) -> set[str]:
        return {lane["destination"] for lane in self.rows.get("lanes", ()) if lane["kind"] == "delivery"}

    def _with_row(self, table: str, row: Row) -> Network:
        unknown = [name for name in row if name not in {column.name for column in INPUTS[table].columns}]
        if unknown:
            raise InputError(f"{table}.{unknown[0]}: no such column{nearest(unknown[0], _columns(table))}")
        return replace(self, rows={**self.rows, table: (*self.rows.get(table, ()), row)})

    def _with_lane(self, kind: str, origin: str, destination: str, columns: Row) -> Network:
        row = {"lane": f"{origin}>{destination}", "origin": origin, "destination": destination, "kind": kind, **columns}
        return self._with_row("lanes", row)

    def _check(self) -> None:
        hubs = {row["hub"] for row in self.rows.get("hubs", ())}
        skus = {row["sku"] for row in self.rows.get("skus", ())}
        regions = self._regions()
        faults = []
        for lane in self.rows.get("lanes", ()):
            ends = {"transfer": ("origin", "destination"), "supply": ("destination",), "delivery": ("origin",)}
            faults += [_unknown("hub", lane[end], hubs) for end in ends[lane["kind"]] if lane[end] not in hubs]
        for row in self.rows.get("stock", ()):
            faults += [_unknown(name, row[name], known) for name, known in (("hub", hubs), ("sku", skus)) if row[name] not in known]  # fmt: skip
        for region, sku in self.demand:
            faults += [_unknown(name, value, known) for name, value, known in (("region", region, regions), ("sku", sku, skus)) if value not in known]  # fmt: skip
        if faults:
            raise InputError(*dict.fromkeys(faults))


def _unknown(kind: str, name: str, known: set[str]) -> str:
    return f"{kind} {name!r} is not in the network{nearest(name, sorted(known))}"


def _columns(table: str) -> list[str]:
    return [column.name for column in INPUTS[table].columns]


def _frame(name: str, rows: tuple[Row, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=None if rows else list(INPUTS[name].required))
    for column in frame.columns:
        if column in ("date", "arrival_date", "from_date", "frozen_until"):
            frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
    return frame
