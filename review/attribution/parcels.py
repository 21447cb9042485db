"""Causes of late parcels: stock in the wrong hub, a hub not ready at the cut-off, or the carrier.

Here: the days each cause adds to a parcel, and its share of the lateness. Not here: how promises are set.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from review.attribution.shapley import Frames, delivery_lanes, nearest_hubs, shapley

CAUSES = ("wrong_hub", "hub_not_ready", "carrier")
PROMISE = "promise"
_MOMENTS = ("ready_at", "cutoff_at", "picked_up_at", "promised_at", "delivered_at")
_KEYS = ["hub", "region", "carrier"]


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
