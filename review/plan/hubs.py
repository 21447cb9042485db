"""Hubs: stock, days of supply, stockout probability, fill rate and storage before and after the plan.

Here: sums of the table ``position`` by hub, and each hub's SKUs with the most expected lost sales. Not here: single
proposals or the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

_AT_RISK = 0.5
_SHOWN = 8
_FILL = ("fill_rate", "fill_rate_before")
_SUMMED = ("units_on_hand", "units_inbound", "units_in", "units_out", "target_units")


@dataclass(frozen=True)
class HubPosition:
    """One hub: units summed over SKUs, probabilities and fill rates weighted by expected demand, storage as shares.

    Attributes
    ----------
    skus_at_risk
        Number of SKUs with a stockout probability above 0.5.
    fill_rate, fill_rate_before
        Expected share of demand served from stock, with and without the plan; NaN for plans of earlier versions.
    storage_rate_before, storage_rate_after
        Share of the storage in use; ``None`` where the hub's capacity or the volumes are not known.
    worst
        Rows of ``position``, the most expected lost units first.
    """

    hub: str
    name: str
    units_on_hand: int
    units_inbound: int
    units_in: int
    units_out: int
    target_units: int
    days_of_supply: float
    stockout_probability: float
    skus_at_risk: int
    fill_rate: float
    fill_rate_before: float
    storage_rate_before: float | None
    storage_rate_after: float | None
    worst: pd.DataFrame


def hub_positions(tables: dict[str, pd.DataFrame], position: pd.DataFrame, as_of: date) -> list[HubPosition]:
    """Return the hubs of ``position``, sorted by id.

    Days of supply of a hub are its usable units of SKUs with demand divided by their daily demand. That equals the mean
    of the SKUs' days of supply weighted by expected demand, because days × demand is proportional to units.
    """
    hubs = tables.get("hubs", pd.DataFrame(columns=["hub"])).set_index("hub")
    names = hubs["name"] if "name" in hubs.columns else pd.Series(dtype=str)
    storage = _storage(tables, as_of)
    position = position.assign(**{name: float("nan") for name in _FILL if name not in position})
    volumes = _volumes(tables, position)
    return [
        _hub(str(hub), str(names.get(hub, "")), rows.join(volumes), storage.get(str(hub)))
        for hub, rows in position.groupby("hub", sort=True)
    ]


def _hub(hub: str, name: str, rows: pd.DataFrame, storage_l: float | None) -> HubPosition:
    sums = {column: int(rows[column].sum()) for column in _SUMMED}
    before = rows["units_on_hand"] + rows["units_inbound"]
    return HubPosition(
        hub=hub, name=name, **sums,
        days_of_supply=_weighted(rows, "days_of_supply"),
        stockout_probability=_weighted(rows, "stockout_probability"),
        skus_at_risk=int((rows["stockout_probability"] > _AT_RISK).sum()),
        fill_rate=_weighted(rows, "fill_rate"),
        fill_rate_before=_weighted(rows, "fill_rate_before"),
        storage_rate_before=_used(before * rows["volume_l"], storage_l),
        storage_rate_after=_used(rows["target_units"] * rows["volume_l"], storage_l),
        worst=_worst(rows),
    )  # fmt: skip


def _worst(rows: pd.DataFrame) -> pd.DataFrame:
    lost = (1.0 - rows["fill_rate"]) * rows["expected_demand_units"]
    ordered = rows.assign(lost_units=lost).sort_values(["lost_units", "sku"], ascending=[False, True])
    return ordered[ordered["lost_units"] > 0].head(_SHOWN)


def _weighted(rows: pd.DataFrame, column: str) -> float:
    known = rows[rows[column].notna() & (rows["expected_demand_units"] > 0)]
    weight = float(known["expected_demand_units"].sum())
    return float((known[column] * known["expected_demand_units"]).sum()) / weight if weight else float("nan")


def _used(liters: pd.Series, storage_l: float | None) -> float | None:
    return None if not storage_l or liters.isna().all() else float(liters.sum()) / storage_l


def _volumes(tables: dict[str, pd.DataFrame], position: pd.DataFrame) -> pd.Series:
    skus = tables.get("skus", pd.DataFrame(columns=["sku"]))
    if "volume_l" not in skus.columns:
        return pd.Series(float("nan"), index=position.index, name="volume_l")
    return position["sku"].map(skus.set_index("sku")["volume_l"]).astype(float).rename("volume_l")


def _storage(tables: dict[str, pd.DataFrame], as_of: date) -> dict[str, float]:
    """Return the storage in liters of each hub with a limit; the last change on or before ``as_of`` counts."""
    hubs = tables.get("hubs", pd.DataFrame())
    limits = dict(zip(hubs["hub"], hubs["storage_l"], strict=True)) if "storage_l" in hubs.columns else {}
    changes = tables.get("hub_capacity", pd.DataFrame())
    if {"storage_l", "from_date"} <= set(changes.columns):
        known = changes[(changes["from_date"] <= pd.Timestamp(as_of)) & changes["storage_l"].notna()]
        whole = known[known["handling_class"].isna()] if "handling_class" in known.columns else known
        limits |= dict(
            zip(whole.sort_values("from_date")["hub"], whole.sort_values("from_date")["storage_l"], strict=True)
        )
    return {str(hub): float(limit) for hub, limit in limits.items() if pd.notna(limit)}
