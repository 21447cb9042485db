"""Parcels after the plan: causes of late ones, and SKUs and regions with outlying returns.

A late parcel had its stock in the wrong hub, left a hub that was not ready at the cut-off, or traveled too long. Return rates are shrunk toward
the network's rate, by reason. Not here: how promises are set, forecasts of returns.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import gamma

from foundation.periods import as_timestamp
from review.attribution.shapley import Frames, delivery_lanes, nearest_hubs, shapley

CAUSES = ("wrong_hub", "hub_not_ready", "carrier")
PROMISE = "promise"
_MOMENTS = ("ready_at", "cutoff_at", "picked_up_at", "promised_at", "delivered_at")
_KEYS = ["hub", "region", "carrier"]
_LOW = 0.05
_UNKNOWN = "unknown"
COLUMNS = ["kind", "place", "reason", "units_sold", "units_returned", "return_rate", "shrunk_return_rate", "low_return_rate",
           "network_return_rate", "excess_units", "eur", "is_outlier"]  # fmt: skip


def late_parcels(tables: Frames, until: date) -> pd.DataFrame:
    """Return hub, region, carrier, cause, ``caused_units`` (late parcels) and ``share_rate`` of all late parcels.

    A parcel is late if it was delivered after ``promised_at``, or not by ``until``. Every late parcel counts once and is
    divided among its causes by the Shapley value of being late. Removing ``wrong_hub`` saves the additional days of
    the lane compared with that of the nearest hub. Removing ``hub_not_ready`` saves the time from the cut-off to the pick-up of a
    parcel that was ready after the cut-off. Removing ``carrier`` saves the transit time beyond the lane's ``lead_time_days``.
    ``promise`` counts parcels that are late in any case. The shares add up to one; the frame is empty without late parcels.
    """
    parcels = _late(tables, until)
    if parcels.empty:
        return pd.DataFrame(columns=[*_KEYS, "cause", "caused_units", "share_rate"])
    saved = _saved(parcels, tables)
    overdue = parcels["overdue"].to_numpy("float64")

    def is_still_late(removed: frozenset[int]) -> np.ndarray:
        return (overdue - saved[sorted(removed)].sum(axis=0) > 1e-6).astype("float64")

    shares = np.vstack([shapley(len(CAUSES), is_still_late), is_still_late(frozenset(range(len(CAUSES))))])
    rows = [
        parcels[_KEYS].assign(cause=cause, caused_units=row)
        for cause, row in zip((*CAUSES, PROMISE), shares, strict=True)
    ]
    summed = pd.concat(rows).groupby([*_KEYS, "cause"], as_index=False)["caused_units"].sum()
    summed["share_rate"] = summed["caused_units"] / len(parcels)
    return summed[summed["caused_units"] > 0].sort_values(["caused_units", *_KEYS], ascending=[False, True, True, True], ignore_index=True)  # fmt: skip


def _late(tables: Frames, until: date) -> pd.DataFrame:
    """Return the late parcels with ``overdue``, the days after the promise."""
    given = tables.get("deliveries")
    given = pd.DataFrame() if given is None else given
    if given.empty or "promised_at" not in given:
        return pd.DataFrame()
    texts = {name: _text(given, name) for name in ("delivery_id", "hub", "region", "carrier", "sku")}
    moments = {name: pd.to_datetime(given[name], utc=True) if name in given else pd.Series(pd.NaT, index=given.index).dt.tz_localize("UTC") for name in _MOMENTS}  # fmt: skip
    parcels = pd.DataFrame(texts | moments)
    end = as_timestamp(until).tz_localize("UTC")
    actual = parcels["delivered_at"].fillna(end)
    parcels = parcels.assign(delivered_at=actual, overdue=_days(actual - parcels["promised_at"]))
    return parcels[(parcels["overdue"] > 1e-6).to_numpy()].reset_index(drop=True)


def _saved(parcels: pd.DataFrame, tables: Frames) -> np.ndarray:
    """Return the days that removing each cause saves, (n_causes, n_parcels), at least 0."""
    planned = parcels[["hub", "region"]].merge(delivery_lanes(tables).drop_duplicates(["hub", "region"]), how="left")
    nearest = parcels[["region", "sku"]].merge(_nearest(tables), on=["region", "sku"], how="left")
    lane_days = planned["lead_time_days"].to_numpy("float64")
    wrong = lane_days - nearest["lead_time_days"].to_numpy("float64")
    wrong = np.where(nearest["hub"].to_numpy(object) != parcels["hub"].to_numpy(object), wrong, 0.0)
    is_unready = (parcels["ready_at"] > parcels["cutoff_at"]).to_numpy()
    waited = _days(parcels["picked_up_at"] - parcels["cutoff_at"]).to_numpy("float64")
    transit = _days(parcels["delivered_at"] - parcels["picked_up_at"]).to_numpy("float64")
    saved = np.array([wrong, np.where(is_unready, waited, 0.0), transit - lane_days])
    return np.maximum(np.nan_to_num(saved), 0.0)


def _nearest(tables: Frames) -> pd.DataFrame:
    """Return the nearest hub by region and SKU; for parcels without a SKU (empty), that of any handling class."""
    known = nearest_hubs(tables)
    any_class = delivery_lanes(tables).sort_values(["region", "rank"]).drop_duplicates("region")
    return pd.concat([known, any_class[["region", "hub", "lead_time_days"]].assign(sku="")], ignore_index=True)


def _text(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        return pd.Series("", index=frame.index)
    return frame[name].astype(object).where(frame[name].notna(), "").astype(str)


def _days(lengths: pd.Series) -> pd.Series:
    return lengths.dt.total_seconds() / 86_400


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
