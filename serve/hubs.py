"""The hubs of a plan: stock before and after, fill rates, the shares of their capacities in use, and what more capacity would save.

Not here: the map (``network``).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from serve.tables import Tables
from serve.workspace import OpenPlan

_PRICE_KINDS = "capacity_blocks"
_REJECTED = ("rejected", "superseded")
_LIMITS = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
_SUMMED = [
    "units_on_hand", "units_inbound", "units_in", "units_out", "target_units", "expected_demand_units", "liters", "served",
    "served_before", "n_risky",
]  # fmt: skip
_LIKELY = 0.5


def hub_rows(inputs: dict[str, pd.DataFrame], position: pd.DataFrame, plan: OpenPlan) -> list[dict[Any, Any]]:
    """Return one row per hub: sums over SKUs, fill rates weighted by demand, and the shares of its capacities in use.

    Capacity per period is compared with the period in which the plan moves most.
    """
    limits = _limits(inputs, plan.as_of)
    skus = inputs.get("skus", pd.DataFrame({"sku": []})).astype({"sku": "str"}).set_index("sku")
    known = skus["volume_l"] if "volume_l" in skus else pd.Series(dtype="float64")
    demand, risk = position["expected_demand_units"], position["stockout_probability"]
    rows = position.assign(
        liters=position["sku"].map(known).astype("float64") * position["target_units"], served=position["fill_rate"] * demand,
        served_before=position["fill_rate_before"] * demand, n_risky=(risk > _LIKELY) & (demand > 0),
    )  # fmt: skip
    sums = rows.groupby("hub")[_SUMMED].sum().astype("float64")
    largest = {end: _largest(plan, end, day) for end, day in (("destination", "arrival_date"), ("origin", "ship_date"))}
    result = []
    for hub, row in zip(sums.index.astype(str), sums.to_dict("records"), strict=True):
        limit = limits.loc[hub] if hub in limits.index else pd.Series(dtype="float64")
        need = row["expected_demand_units"]
        result.append(
            {
                "hub": hub, **row, "fill": row["served"] / need if need else None, "fill_before": row["served_before"] / need if need else None,
                "storage_l": limit.get("storage_l"), "storage": _share(row["liters"] or float("nan"), limit.get("storage_l")),
                "inbound": _share(largest["destination"].get(hub, 0.0), limit.get("inbound_units_per_period")),
                "outbound": _share(largest["origin"].get(hub, 0.0), limit.get("outbound_units_per_period")),
            }
        )  # fmt: skip
    return result


def _limits(inputs: dict[str, pd.DataFrame], as_of: date) -> pd.DataFrame:
    """Return the capacities of hubs; the last change of a whole hub on or before the planning date counts."""
    hubs = inputs.get("hubs", pd.DataFrame({"hub": []})).astype({"hub": "str"}).set_index("hub")
    limits = hubs.reindex(columns=list(_LIMITS)).astype("float64")
    changes = inputs.get("hub_capacity", pd.DataFrame())
    if changes.empty:
        return limits
    is_whole = changes["handling_class"].isna() if "handling_class" in changes else True
    latest = changes[(changes["from_date"] <= pd.Timestamp(as_of)) & is_whole].sort_values("from_date")
    latest = latest.astype({"hub": "str"}).groupby("hub").last().reindex(index=limits.index, columns=list(_LIMITS))
    return latest.astype("float64").fillna(limits)


def _largest(plan: OpenPlan, end: str, day: str) -> dict[str, float]:
    """Return the most units that the plan moves in one day by hub, without rejected lines."""
    is_moving = ~np.isin(plan.states.status.astype(str), _REJECTED)
    proposed = plan.lines["units"].astype("float64").to_numpy()
    units = np.where(np.isnan(plan.states.units), proposed, plan.states.units)[is_moving]
    by_day = plan.lines[is_moving].assign(moved=units).groupby([end, day])["moved"].sum()
    return {str(hub): float(value) for hub, value in by_day.groupby(level=0).max().items()}


def _share(used: float, limit: float | None) -> float | None:
    return None if limit is None or pd.isna(limit) or limit <= 0 or pd.isna(used) else used / limit


def capacity_prices(tables: Tables, as_of: date, n_runs: int) -> list[dict[Any, Any]]:
    """Return what 10% more of each limiting capacity would save: in this plan, and the mean and number over the last runs."""
    rows = tables.read("exception")
    rows = rows[rows["kind"].str.startswith(_PRICE_KINDS) & (rows["as_of"] <= pd.Timestamp(as_of))]
    days = sorted(tables.read("plan")["as_of"].unique())[-n_runs:]
    rows = rows[rows["as_of"].isin(days)]
    now = rows[rows["as_of"] == pd.Timestamp(as_of)].set_index(["kind", "hub"])
    grouped = rows.groupby(["kind", "hub"]).agg(total=("eur", "sum"), n_runs=("as_of", "nunique")).reset_index()
    result = [
        {
            "capacity": str(row["kind"]).removeprefix(f"{_PRICE_KINDS}_").replace("_", " "), "hub": row["hub"], "total": row["total"], "n_runs": row["n_runs"],
            "of": len(days), "now": float(now.loc[(row["kind"], row["hub"]), "eur"]) if (row["kind"], row["hub"]) in now.index else 0.0,
        }
        for row in grouped.to_dict("records")
    ]  # fmt: skip
    return sorted(result, key=lambda row: -row["now"])
