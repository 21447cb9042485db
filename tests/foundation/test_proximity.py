"""The nearest hub of a region: one measure per region, in a fixed order of preference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foundation.proximity import great_circle_km, lane_lengths, rank_deliveries

_HUBS = pd.DataFrame({"hub": ["a", "b"], "latitude": [40.71, 34.05], "longitude": [-74.01, -118.24]})
_REGIONS = pd.DataFrame({"region": ["x"], "latitude": [33.45], "longitude": [-112.07]})  # near b


def _lanes(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"lane": ["a>x", "b>x"], "origin": ["a", "b"], "destination": "x", "kind": "delivery", "lead_time_days": 2, **columns})  # fmt: skip


def _nearest(lanes: pd.DataFrame, hubs: pd.DataFrame = _HUBS) -> tuple[str, str]:
    ranked = rank_deliveries(lanes, hubs, _REGIONS).set_index("rank")
    return str(ranked.loc[0, "hub"]), str(ranked.loc[0, "basis"])


_NO_PLACES = _HUBS.drop(columns=["latitude", "longitude"])


@pytest.mark.parametrize(
    ("lanes", "hubs", "right"),
    [
        (_lanes(distance_km=[10.0, 20.0]), _HUBS, ("a", "distance_km")),
        (_lanes(), _HUBS, ("b", "great-circle distance")),
        (_lanes(distance_km=[10.0, np.nan]), _HUBS, ("b", "great-circle distance")),
        (_lanes(distance_km=[10.0, np.nan], eur_per_unit=[2.0, 1.0]), _NO_PLACES, ("b", "cost per unit")),
        (_lanes(lead_time_days=[3, 1], eur_per_unit=[1.0, 9.0]), _NO_PLACES, ("b", "lead_time_days")),
        (_lanes(lead_time_days=[3, 1]), _HUBS.assign(latitude=[np.nan, 34.05]), ("b", "lead_time_days")),
        (_lanes(eur_per_unit=[1.0, 1.0], eur_per_kg=[2.0, 1.0]), _NO_PLACES, ("b", "cost per unit")),
        (_lanes(), _NO_PLACES, ("a", "hub id")),
        (_lanes(distance_km=[5.0, 5.0], eur_per_unit=[2.0, 1.0]), _HUBS, ("a", "distance_km")),
        (_lanes().iloc[:1], _NO_PLACES, ("a", "one hub")),
    ],
)
def test_the_first_measure_that_all_lanes_of_the_region_have_decides(
    lanes: pd.DataFrame, hubs: pd.DataFrame, right: tuple[str, str]
) -> None:
    assert _nearest(lanes, hubs) == right
    assert _nearest(lanes.iloc[::-1], hubs) == right


def test_regions_are_ranked_apart() -> None:
    """A missing distance in one region does not change the measure of another."""
    other = _lanes(distance_km=[1.0, 2.0]).assign(lane=["a>y", "b>y"], destination="y")
    ranked = rank_deliveries(pd.concat([_lanes(), other]), _HUBS, _REGIONS)
    first = ranked[ranked["rank"] == 0].set_index("region")
    assert first["hub"].to_dict() == {"x": "b", "y": "a"}
    assert first["basis"].to_dict() == {"x": "great-circle distance", "y": "distance_km"}


def test_great_circle_distances_are_right() -> None:
    """New York to Los Angeles is 3,936 km; a quarter of the equator 10,008 km; antipodes half the circumference."""
    start = np.array([[40.7128, -74.0060], [0.0, 0.0], [0.0, 0.0]])
    end = np.array([[34.0522, -118.2437], [0.0, 90.0], [0.0, 180.0]])
    assert great_circle_km(start, end) == pytest.approx([3936.0, 10007.5, 20015.1], abs=1.0)


def test_lengths_of_lanes_are_given_or_estimated_or_unknown() -> None:
    lanes = pd.DataFrame({
        "lane": ["1", "2", "3"], "kind": ["transfer", "delivery", "supply"], "origin": ["a", "b", "a"],
        "destination": ["b", "x", "b"], "distance_km": [4500.0, np.nan, np.nan],
    })  # fmt: skip
    lengths = lane_lengths(lanes, _HUBS, _REGIONS)
    assert lengths["km"].round(-1).tolist()[:2] == [4500.0, 570.0]
    assert lengths["straight_km"].round(-1).tolist()[:2] == [3940.0, 570.0]
    assert np.isnan(lengths["km"].iloc[2])
