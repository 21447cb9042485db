"""The value of each departure after decisions, and whether its loads still pay.

The value is the benefit of the lines for the decided units before load costs, less the loads that these units need. Additive
benefits are exact for a whole plan and an approximation for a part of it; the next run of ``forestock rebalance`` solves again.
Not here: the benefits (``positioning``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

KIND = "departure_not_paying"
_NAMED = 3


def departure_values(
    proposals: pd.DataFrame, departure: pd.DataFrame, skus: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the rows of ``departure_states`` whose lines are changed."""
    result = departure_states(proposals, departure, skus)
    return result[result["kept"] != result["units"]].reset_index(drop=True)


def departure_states(
    proposals: pd.DataFrame, departure: pd.DataFrame, skus: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per departure of ``proposals``: departure_id, value_eur, proposed and kept units, loads_needed, fill_rate.

    ``proposals`` are current (``selection.current``). A rejected line travels with 0 units, a decided line with
    ``decided_units``, any other line as proposed. g_i is a line's benefit before fixed cost, f the departure's ``fixed_eur``,
    and s_i the line's share of the load by volume or mass, whichever fills first (by units without ``skus``, which hold the
    sizes)::

        g_i = benefit_i + f × s_i          value = Σ g_i × kept_i ÷ units_i − f × loads needed ÷ loads

    Loads needed are loads × larger fill × kept share, rounded up. Without a capacity of a load, its cost stays as long as any
    unit travels. The fill rate is that of the loads needed, in the dimension that fills first; NaN without a capacity.
    """
    known = departure.set_index("departure_id")
    lines = proposals.assign(kept=_kept_units(proposals))
    size = _sizes(lines, known, skus)
    lines = lines.assign(size=size * lines["units"].astype("float64"), kept_size=size * lines["kept"].astype("float64"))
    totals = lines.groupby("departure_id")[["units", "kept", "size", "kept_size"]].sum().astype("float64")
    share = lines["size"] / lines["departure_id"].map(totals["size"]).astype("float64")
    shared = lines["departure_id"].map(known["fixed_eur"]).astype("float64").fillna(0.0) * share
    gross = (lines["benefit_eur"] + shared) * (lines["kept"] / lines["units"]).astype("float64")
    result = totals.assign(gross_eur=gross.groupby(lines["departure_id"]).sum()).join(
        known[["lane", "origin", "destination", "kind", "decide_by", "loads", "volume_fill_rate", "mass_fill_rate", "fixed_eur", "benefit_eur"]]
    )  # fmt: skip
    loads = result["loads"].astype("float64").fillna(1.0).clip(lower=1.0)
    rate = _loads_rate(result)
    fill = result[["volume_fill_rate", "mass_fill_rate"]].max(axis=1)
    result["loads_needed"] = loads * rate
    result["fill_rate"] = fill * result["kept_size"] / result["size"] / np.where(rate > 0, rate, np.nan)
    result["value_eur"] = result["gross_eur"] - result["fixed_eur"].fillna(0.0) * rate
    return result.reset_index()


def as_decided(proposals: pd.DataFrame) -> pd.DataFrame:
    """Return current proposals (``selection.current``) with `units`, `cost_eur` and `benefit_eur` for the decided units.

    Money is proportional to units, which is exact for unit costs and an approximation for benefits and shares of load costs.
    A rejected or superseded line stays as proposed.
    """
    is_out = proposals["status"].isin(["rejected", "superseded"])
    kept = proposals["decided_units"].mask(is_out).fillna(proposals["units"])
    share = (kept / proposals["units"]).astype("float64")
    return proposals.assign(
        units=kept, cost_eur=proposals["cost_eur"] * share, benefit_eur=proposals["benefit_eur"] * share
    )


def losing(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``departure_values`` with units left whose cost exceeds their savings."""
    return values[(values["value_eur"] < 0) & (values["kept"] > 0)]


def findings(proposals: pd.DataFrame, departure: pd.DataFrame, skus: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return rows of ``exception`` (without as_of), one per hub with departures that no longer pay.

    The hub is the shipping one for transfers and the receiving one for orders.
    """
    result = losing(departure_values(proposals, departure, skus))
    hub = result["origin"].where(result["kind"] == "transfer", result["destination"])
    rows = [
        {
            "kind": KIND, "hub": name, "region": None, "sku": None, "units": int(rows["kept"].sum()),
            "eur": -rows["value_eur"].sum(), "decide_by": rows["decide_by"].min(), "action": _action(rows),
        }
        for name, rows in result.groupby(hub)
    ]  # fmt: skip
    columns = ["kind", "hub", "region", "sku", "units", "eur", "decide_by", "action"]
    return pd.DataFrame(rows, columns=columns)


def _action(rows: pd.DataFrame) -> str:
    names = ", ".join(rows["departure_id"].head(_NAMED))
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"After the decisions, {names}{more} saves less than its loads cost. Reject its other lines too, or restore some."


def _kept_units(proposals: pd.DataFrame) -> pd.Series:
    decided = proposals["decided_units"].fillna(proposals["units"])
    return decided.mask(proposals["status"].isin(["rejected", "superseded"]), 0)


def _sizes(lines: pd.DataFrame, known: pd.DataFrame, skus: pd.DataFrame | None) -> pd.Series:
    """Return the size of a unit of each line in the dimension that fills its departure first; 1 where unknown."""
    if skus is None:
        return pd.Series(1.0, index=lines.index)
    fills = known[["volume_fill_rate", "mass_fill_rate"]].fillna(-1.0)
    is_by_volume = lines["departure_id"].map(fills["volume_fill_rate"] >= fills["mass_fill_rate"]).fillna(True)
    sizes = skus.astype({"sku": "str"}).set_index("sku").reindex(columns=["volume_l", "mass_kg"])
    litres, kilograms = (lines["sku"].map(sizes[name]).astype("float64") for name in sizes.columns)
    size = litres.where(is_by_volume.astype(bool), kilograms)
    known_size = size.notna() & (size > 0)
    is_known = known_size.groupby(lines["departure_id"]).transform("all")
    return size.where(is_known, 1.0)


def _loads_rate(departures: pd.DataFrame) -> np.ndarray:
    """Return the share of each departure's fixed cost that the kept units still cost."""
    kept = (departures["kept_size"] / departures["size"]).to_numpy()
    loads = departures["loads"].astype("float64").fillna(1.0).clip(lower=1.0).to_numpy()
    fill = departures[["volume_fill_rate", "mass_fill_rate"]].max(axis=1).fillna(1.0).to_numpy()
    needed = np.ceil(np.round(loads * fill * kept, 9))
    return np.where(kept > 0, np.clip(needed, 1.0, None) / loads, 0.0)
