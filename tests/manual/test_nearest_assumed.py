"""Where lanes have no distance, validation says which measure stands in and what becomes of CO2e."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.settings import Settings
from foundation.validation.assumptions import assumptions
from foundation.validation.input_table import ValidInputs

_PLACES = {"latitude": [40.0, 34.0], "longitude": [-74.0, -118.0]}


def _tables(*, distance: list[float] | None = None, places: bool = False, **lanes: object) -> dict[str, pd.DataFrame]:
    rows = pd.DataFrame({"lane": ["1", "2"], "origin": ["a", "b"], "destination": "x", "kind": "delivery", "lead_time_days": 1, "eur_per_unit": 1.0, **lanes})  # fmt: skip
    if distance is not None:
        rows["distance_km"] = distance
    return {
        "lanes": rows, "skus": pd.DataFrame({"sku": ["s"]}), "hubs": pd.DataFrame({"hub": ["a", "b"], **(_PLACES if places else {})}),
        "regions": pd.DataFrame({"region": ["x"], "latitude": 35.0, "longitude": -110.0}),
    }  # fmt: skip


def _assumption(tables: dict[str, pd.DataFrame]) -> dict[str, tuple[str, int]]:
    result = {one.key: one for one in assumptions(ValidInputs(tables, Settings(), date(2024, 6, 3)), "rebalance")}
    return {key: (one.assumed, one.rows) for key, one in result.items() if key.startswith(("nearest", "carbon"))}


@pytest.mark.parametrize(
    ("tables", "key", "words"),
    [
        (_tables(places=True), "nearest_hub_by_great_circle_distance", "great-circle distance"),
        (_tables(lead_time_days=[1, 2]), "nearest_hub_by_lead_time_days", "lead_time_days"),
        (_tables(eur_per_unit=[1.0, 2.0]), "nearest_hub_by_cost_per_unit", "cost per unit"),
        (_tables(), "nearest_hub_by_hub_id", "hub id"),
    ],
)
def test_the_measure_of_nearness_is_an_assumption(tables: dict[str, pd.DataFrame], key: str, words: str) -> None:
    assert _assumption(tables) == {key: (f"the nearest hub of 1 region is taken by {words}", 2)}


def test_given_distances_need_no_assumption() -> None:
    assert _assumption(_tables(distance=[1.0, 2.0], kg_co2e_per_t_km=0.1)) == {}


def test_emission_without_a_distance_is_named() -> None:
    lead = {"lead_time_days": [1, 2]}
    unknown = _assumption(_tables(distance=[1.0, np.nan], kg_co2e_per_t_km=0.1, **lead))
    assert unknown["carbon_unknown"] == ("CO2e of these lanes counts as 0", 1)
    estimated = _assumption(_tables(places=True, kg_co2e_per_t_km=0.1))
    assert estimated["carbon_by_great_circle"] == ("CO2e is computed on the great-circle distance", 2)
