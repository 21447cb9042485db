"""The nearest hub of a region: the single definition for plan, replay, figures, pages, and attribution.

Here: lane lengths, and the order of a region's delivery lanes by distance. Not here: which lanes may carry a SKU.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

EARTH_RADIUS_KM = 6371.0
# The measures in order of preference; ONE_HUB where a region has only one hub, so that no measure decides.
DISTANCE, GREAT_CIRCLE, LEAD_TIME, COST, HUB_ID, ONE_HUB = (
    "distance_km", "great-circle distance", "lead_time_days", "cost per unit", "hub id", "one hub",
)  # fmt: skip


def great_circle_km(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the great-circle distances between points, float64 (n), in km.

    Parameters
    ----------
    start, end : float64 array (n, 2)
        Latitude and longitude in degrees.

    References
    ----------
    The haversine formula: Sinnott, Virtues of the Haversine, Sky and Telescope 68 (1984), on a sphere of the mean
    radius of the Earth.
    """
    first, second = np.radians(start), np.radians(end)
    half = np.sin((second - first) / 2.0) ** 2
    chord = half[:, 0] + np.cos(first[:, 0]) * np.cos(second[:, 0]) * half[:, 1]
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))))


def lane_lengths(lanes: pd.DataFrame, hubs: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Return the length of each lane, indexed as ``lanes``: ``given_km``, ``straight_km`` and ``km``.

    ``given_km`` is ``distance_km``, ``straight_km`` the great-circle distance where both ends have coordinates, ``km`` the
    first of the two that is known; NaN where unknown.
    """
    given = _numbers(lanes, "distance_km")
    hub_places, region_places = _places(hubs, "hub"), _places(regions, "region")
    kinds = lanes["kind"].astype(str).to_numpy(dtype=object)
    ends = lanes["destination"].astype(str)
    start = hub_places.reindex(lanes["origin"].astype(str)).to_numpy(dtype="float64").copy()
    start[kinds == "supply"] = np.nan
    end = np.where((kinds == "delivery")[:, None], region_places.reindex(ends).to_numpy(dtype="float64"), hub_places.reindex(ends).to_numpy(dtype="float64"))  # fmt: skip
    straight = great_circle_km(start, end)
    columns = {"given_km": given, "straight_km": straight, "km": np.where(np.isnan(given), straight, given)}
    return pd.DataFrame(columns, index=lanes.index)


def rank_deliveries(lanes: pd.DataFrame, hubs: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Return the delivery lanes with ``rank`` (0: nearest to its region) and ``basis``, the measure that ranks its region.

    A region's lanes are compared by one measure, the first that all of them have: ``distance_km``, else the great-circle
    distance between the coordinates of hub and region, else ``lead_time_days`` with ties by the cost of a unit of 1 kg. Further
    ties go to the hub id, then the lane id. Columns: lane, hub, region, lead_time_days, rank, basis; indexed as ``lanes``.
    """
    rows = lanes[(lanes["kind"].astype(str) == "delivery").to_numpy()]
    index, rows = rows.index, rows.reset_index(drop=True)
    result = pd.DataFrame({name: rows[column].astype(str) for name, column in (("lane", "lane"), ("hub", "origin"), ("region", "destination"))})  # fmt: skip
    result["lead_time_days"] = np.nan_to_num(_numbers(rows, "lead_time_days"))
    lengths = lane_lengths(rows, hubs, regions)
    cost = np.nan_to_num(_numbers(rows, "eur_per_unit")) + np.nan_to_num(_numbers(rows, "eur_per_kg"))
    of_region = result["region"].to_numpy(dtype=object)
    is_given = _holds_for_all(lengths["given_km"].notna(), of_region)
    is_straight = ~is_given & _holds_for_all(lengths["straight_km"].notna(), of_region)
    measure = np.where(is_given, lengths["given_km"], np.where(is_straight, lengths["straight_km"], result["lead_time_days"]))  # fmt: skip
    result["measure"], result["tie"] = measure, np.where(is_given | is_straight, 0.0, cost)
    order = result.sort_values(["region", "measure", "tie", "hub", "lane"], kind="stable")
    result["rank"] = order.groupby("region").cumcount()
    by_region = result.groupby("region")
    basis = np.where(by_region["tie"].transform("nunique") > 1, COST, HUB_ID)
    basis = np.where(by_region["lead_time_days"].transform("nunique") > 1, LEAD_TIME, basis)
    basis = np.where(is_given, DISTANCE, np.where(is_straight, GREAT_CIRCLE, basis))
    result["basis"] = np.where(by_region["hub"].transform("nunique") > 1, basis, ONE_HUB)
    return result.drop(columns=["measure", "tie"]).set_index(index)


def _holds_for_all(values: pd.Series, groups: np.ndarray) -> np.ndarray:
    return values.groupby(groups).transform("all").to_numpy(dtype=bool)


def _places(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return latitude and longitude by id; NaN where either is missing."""
    columns = {column: _numbers(frame, column) for column in ("latitude", "longitude")}
    places = pd.DataFrame(columns, index=pd.Index(frame[name].astype(str)))
    places[places.isna().any(axis=1).to_numpy()] = np.nan
    return places[~places.index.duplicated()]


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
