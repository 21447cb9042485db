"""How late each delivery lane really is, from parcels.

Few parcels say little: a lane's expected rate is drawn towards the rate of all, as if 20 more parcels had been
seen that were late as often as all are (the mean of a beta-binomial posterior, Gelman et al., *Bayesian Data Analysis*, 5.3).
Not here: lead times of transfers, which `inbound` says.
"""

from __future__ import annotations

import pandas as pd

_PRIOR_PARCELS = 20.0


def lateness(deliveries: pd.DataFrame, lanes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `lane_lateness` (without `as_of`): one per hub and region with delivered parcels.

    ``deliveries`` is the input table with at least `hub`, `region`, `date` and `delivered_at`; ``lanes`` the network's.
    Rates are null where the moments they compare are absent. Days are counted from the order's date.
    """
    seen = _parcels(deliveries)
    if seen.empty:
        return seen.reindex(columns=_COLUMNS)
    lane = seen.groupby(["hub", "region"], as_index=False, sort=True)
    frame = lane.agg(
        n_parcels=("days", "size"), n_told=("is_late", "count"), n_late=("is_late", "sum"),
        mean_days=("days", "mean"), sd_days=("days", "std"), missed_cutoff_rate=("has_missed", "mean"),
    )  # fmt: skip
    rate = seen["is_late"].mean()
    told = frame["n_told"].where(frame["n_told"] > 0)
    frame["late_rate"] = frame["n_late"] / told
    frame["expected_late_rate"] = (frame["n_late"] + _PRIOR_PARCELS * rate) / (told + _PRIOR_PARCELS)
    return frame.merge(_planned_days(lanes), on=["hub", "region"], how="left")[_COLUMNS]


_COLUMNS = [
    "hub",
    "region",
    "n_parcels",
    "late_rate",
    "expected_late_rate",
    "missed_cutoff_rate",
    "mean_days",
    "sd_days",
    "planned_days",
]


def _parcels(deliveries: pd.DataFrame) -> pd.DataFrame:
    moments = {name: _moment(deliveries, name) for name in ("delivered_at", "promised_at", "picked_up_at", "cutoff_at")}
    delivered = moments["delivered_at"]
    placed = pd.to_datetime(deliveries["date"]).dt.tz_localize("UTC")
    frame = pd.DataFrame({
        "hub": deliveries["hub"].astype("str"), "region": deliveries["region"].astype("str"),
        "days": (delivered.dt.floor("D") - placed).dt.days.astype("float64"),
        "is_late": _after(delivered, moments["promised_at"]),
        "has_missed": _after(moments["picked_up_at"], moments["cutoff_at"]),
    })  # fmt: skip
    return frame[delivered.notna()]


def _moment(frame: pd.DataFrame, name: str) -> pd.Series:
    return pd.to_datetime(frame.get(name, pd.Series(pd.NaT, index=frame.index)), utc=True)


def _after(one: pd.Series, other: pd.Series) -> pd.Series:
    """Return 1.0 where ``one`` is later than ``other``, 0.0 where not, NaN where either is absent."""
    return (one > other).astype("float64").where(one.notna() & other.notna())


def _planned_days(lanes: pd.DataFrame) -> pd.DataFrame:
    mine = lanes[lanes["kind"] == "delivery"]
    named = mine.assign(hub=mine["origin"].astype("str"), region=mine["destination"].astype("str"))
    named["planned_days"] = named["lead_time_days"].astype("float64")
    return named.groupby(["hub", "region"], as_index=False)[["planned_days"]].min()
