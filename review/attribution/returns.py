"""Outlying returns: SKUs and regions whose return rate is high after shrinkage, by reason, and their cost.

Here: rates by reason, shrunk toward the network's rate, and their cost in a plan. Not here: forecasts of returns.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import gamma

from review.attribution.shapley import Frames, delivery_lanes

_LOW = 0.05
_UNKNOWN = "unknown"
COLUMNS = ["kind", "place", "reason", "units_sold", "units_returned", "return_rate", "shrunk_return_rate", "low_return_rate",
           "network_return_rate", "excess_units", "eur", "is_outlier"]  # fmt: skip


def return_findings(tables: Frames, service: pd.DataFrame) -> pd.DataFrame:
    """Return the return rate of every SKU and region by reason; outliers first, then by cost.

    ``tables`` hold ``sales``, ``returns``, ``skus`` and ``lanes`` as known; ``service`` is the plan's. Rates refer to the
    cohort sold (``order_date``, or ``date`` if it is not known). A row is an outlier (``is_outlier``) where the lower
    5% bound of its shrunk rate lies above the network's rate for that reason. ``excess_units`` are the returns beyond that rate so far.
    ``eur`` is their cost in the plan: units the plan expects to serve × excess rate × cost of a return. The frame is empty without returns.
    """
    returned = _returned(tables)
    if returned.empty:
        return pd.DataFrame(columns=COLUMNS)
    sold = tables["sales"][tables["sales"]["date"] >= returned["cohort"].min()].astype({"region": "str", "sku": "str"})
    cost = _cost_eur(tables, returned)
    result = [_findings(kind, sold, returned, _plan_eur(kind, service, cost)) for kind in ("sku", "region")]
    rows = pd.concat(result, ignore_index=True)
    return rows.sort_values(["is_outlier", "eur", "excess_units", "kind", "place", "reason"], ascending=[False, False, False, True, True, True], ignore_index=True)[COLUMNS]  # fmt: skip


def shrunk(events: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the shrunk rates, their lower 5% bounds, float64 (n) each, and the common rate m.

    xᵢ ~ Poisson(nᵢ λᵢ) with λᵢ ~ Gamma of mean m and variance v, fitted by moments:
    m = Σx ÷ Σn, v = (Σ nᵢ (xᵢ/nᵢ − m)² − (I − 1) m) ÷ (Σn − Σn² ÷ Σn), at least 0. The posterior of λᵢ
    is Gamma with shape m²/v + xᵢ and rate m/v + nᵢ; with v = 0 every rate is m.

    Parameters
    ----------
    events : float64 array (n)
        Events xᵢ.
    exposure : float64 array (n)
        Exposure nᵢ >= 0.

    References
    ----------
    Clayton and Kaldor (1987), Biometrics 43, 671–681.
    """
    whole = float(exposure.sum())
    mean = float(events.sum()) / max(whole, 1e-12)
    rates = events / np.maximum(exposure, 1e-12)
    spread = float((exposure * (rates - mean) ** 2).sum()) - (len(events) - 1) * mean
    variance = spread / max(whole - float((exposure**2).sum()) / max(whole, 1e-12), 1e-12)
    if variance <= 1e-12 or mean <= 0:
        return np.full(len(events), mean), np.full(len(events), mean), mean
    shape, rate = mean**2 / variance + events, mean / variance + exposure
    return shape / rate, gamma.ppf(_LOW, shape, scale=1.0 / rate), mean


def _returned(tables: Frames) -> pd.DataFrame:
    given = tables.get("returns")
    if given is None or given.empty:
        return pd.DataFrame()
    ordered = given["order_date"] if "order_date" in given else pd.Series(pd.NaT, index=given.index)
    reason = given["reason"].astype(object) if "reason" in given else pd.Series(None, index=given.index, dtype=object)
    return pd.DataFrame({
        "sku": given["sku"].astype(str), "region": given["region"].astype(str), "cohort": ordered.fillna(given["date"]),
        "reason": reason.where(reason.notna(), _UNKNOWN).astype(str), "units": given["units_returned"].astype("float64"),
        "restocked": given["units_restocked"].astype("float64") if "units_restocked" in given else np.nan,
    })  # fmt: skip


def _findings(kind: str, sold: pd.DataFrame, returned: pd.DataFrame, served_eur: pd.Series) -> pd.DataFrame:
    """Return the rows of one ``kind`` (``sku`` or ``region``) for every reason."""
    units = sold.groupby(kind)["units_sold"].sum()
    units = units[units > 0].astype("float64")
    result = []
    for reason, lines in returned.groupby("reason", sort=True):
        events = lines.groupby(kind)["units"].sum().reindex(units.index).fillna(0.0)
        rate, low, mean = shrunk(events.to_numpy(), units.to_numpy())
        excess = np.maximum(events.to_numpy() - mean * units.to_numpy(), 0.0)
        eur = np.maximum(rate - mean, 0.0) * served_eur.reindex(units.index).fillna(0.0).to_numpy()
        result.append(pd.DataFrame({
            "kind": kind, "place": units.index, "reason": reason, "units_sold": units.to_numpy(), "units_returned": events.to_numpy(),
            "return_rate": events.to_numpy() / units.to_numpy(), "shrunk_return_rate": rate, "low_return_rate": low,
            "network_return_rate": mean, "excess_units": excess, "eur": eur, "is_outlier": low > mean + 1e-12,
        }))  # fmt: skip
    return pd.concat(result, ignore_index=True)


def _cost_eur(tables: Frames, returned: pd.DataFrame) -> pd.Series:
    """Return the cost of one returned unit of each SKU: the cheapest lane back, plus its value if it is not restocked.

    Where restocked units are not given, every unit counts as restocked.
    """
    lanes, skus = delivery_lanes(tables), tables["skus"]
    mass = skus["mass_kg"].astype("float64").fillna(0.0) if "mass_kg" in skus else pd.Series(0.0, index=skus.index)
    transport = np.min(lanes["eur_per_unit"].to_numpy() + np.multiply.outer(mass.to_numpy(), lanes["eur_per_kg"].to_numpy()), axis=1) if len(lanes) else 0.0  # fmt: skip
    worth = skus["unit_cost_eur"].astype("float64").fillna(0.0) if "unit_cost_eur" in skus else pd.Series(0.0, index=skus.index)  # fmt: skip
    known = returned[returned["restocked"].notna()]
    lost = 1.0 - float(known["restocked"].sum()) / float(known["units"].sum()) if known["units"].sum() > 0 else 0.0
    return pd.Series(transport + worth.to_numpy() * max(lost, 0.0), index=skus["sku"].astype(str))


def _plan_eur(kind: str, service: pd.DataFrame, cost: pd.Series) -> pd.Series:
    """Return Σ units the plan expects to serve × cost of a return, by SKU or region."""
    rows = service.astype({"sku": "str", "region": "str"})
    served = (rows["demand_units"] - rows["lost_units"]).clip(lower=0.0)
    return (served * rows["sku"].map(cost).fillna(0.0)).groupby(rows[kind]).sum()
