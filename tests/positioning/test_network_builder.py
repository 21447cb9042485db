"""A network from places and a tariff: lengths, costs, lead times, service of every region, and what is assumed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from foundation.network_sections import Network
from positioning.network_builder.build import ONLY_SUPPLIER, BuiltNetwork, Nodes, network_of
from positioning.network_builder.places import COUNTRY, POSTAL_CODE, PostalPlaces, locate

_POINT = st.tuples(st.floats(-80, 80), st.floats(-180, 180))


def _built(hubs: dict, regions: dict, known: tuple[str, ...] = (), **tariff: object) -> BuiltNetwork:
    network = Network.model_validate({"hubs": hubs, "regions": regions, **tariff})
    frames = pd.DataFrame({"hub": list(hubs)}), pd.DataFrame({"region": list(regions)})
    return network_of(network, Nodes(*frames, known, True, None))


def _world(points: list[tuple[float, float]], n_regions: int, **tariff: object) -> BuiltNetwork:
    places = [{"latitude": latitude, "longitude": longitude} for latitude, longitude in points]
    hubs = {f"H{index}": place for index, place in enumerate(places[n_regions:])}
    regions = {f"R{index}": place for index, place in enumerate(places[:n_regions])}
    return _built(hubs, regions, ("S",), suppliers={"S": places[0]}, **tariff)


@settings(max_examples=25, deadline=None)
@given(st.lists(_POINT, min_size=6, max_size=9))
def test_lengths_and_costs_of_transfers_keep_the_triangle_inequality(points: list[tuple[float, float]]) -> None:
    """A detour over a third hub must never be cheaper or shorter than the direct lane."""
    lanes = _world(points, 2).lanes
    moves = lanes[lanes["kind"] == "transfer"].set_index(["origin", "destination"])
    for column, slack in (("distance_km", 0.2), ("eur_per_unit", 2e-4), ("lead_time_days", 0)):
        length = moves[column].to_dict()
        hubs = {name for name, _ in length}
        for start, end in length:
            for via in hubs - {start, end}:
                assert length[start, end] <= length[start, via] + length[via, end] + slack


@settings(max_examples=25, deadline=None)
@given(st.lists(_POINT, min_size=4, max_size=9), st.sampled_from([None, 0.0, 500.0, 3_000.0]))
def test_costs_and_days_rise_with_distance_and_every_region_is_served(
    points: list[tuple[float, float]], radius_km: float | None
) -> None:
    built = _world(points, 2, delivery={"radius_km": radius_km, "eur_per_kg_km": 0.001})
    for _, lanes in built.lanes.groupby("kind"):
        ordered = lanes.sort_values("distance_km")
        for column in ("eur_per_unit", "lead_time_days"):
            assert ordered[column].is_monotonic_increasing
    deliveries = built.lanes[built.lanes["kind"] == "delivery"]
    assert set(deliveries["destination"]) == {"R0", "R1"}
    if radius_km is not None:
        nearest = deliveries.groupby("destination")["distance_km"].transform("min")
        assert ((deliveries["distance_km"] <= radius_km) | (deliveries["distance_km"] == nearest)).all()
    assert built.lanes["lane"].is_unique


def test_a_lane_follows_the_numbers_of_the_tariff() -> None:
    """Berlin to Munich: 504 km great circle on a sphere of 6,371 km."""
    built = _built(
        {"BER": "52.52, 13.40", "MUC": "48.14, 11.58"}, {"north": "52.52, 13.40"}, ("ACME",),
        detour_factor=1.2, suppliers={"ACME": {"latitude": 48.14, "longitude": 11.58, "lead_time_days": 5}},
        delivery={"eur_per_unit": 2, "eur_per_unit_km": 0.01, "eur_per_kg_km": 0.001, "days_per_500_km": 2},
        supply={"eur_per_unit": 0.5, "eur_per_unit_km": 0.001, "days_per_500_km": 1, "eur_per_shipment": 80},
    )  # fmt: skip
    lanes = built.lanes.set_index("lane")
    km = 1.2 * 504.2
    assert lanes.at["MUC-north", "distance_km"] == pytest.approx(km, abs=1.0)
    assert lanes.at["MUC-north", "eur_per_unit"] == pytest.approx(2 + 0.01 * km, abs=0.02)
    assert lanes.at["MUC-north", "eur_per_kg"] == pytest.approx(0.001 * km, abs=0.002)
    assert lanes.at["MUC-north", "lead_time_days"] == math.ceil(2 * km / 500)
    assert lanes.at["BER-north", "lead_time_days"] == 1
    assert lanes.at["ACME-BER", "lead_time_days"] == 5 + 2
    assert lanes.at["ACME-MUC", "lead_time_days"] == 5
    assert lanes.at["ACME-BER", "eur_per_load"] == 80
    assert np.isnan(lanes.at["BER-MUC", "eur_per_load"])


def test_a_supplier_reaches_only_its_hubs_and_its_lead_time_counts() -> None:
    suppliers = {"FAR": {"lead_time_days": 45, "lead_time_sd_days": 6, "hubs": ["A"]}, "NEAR": 3}
    built = _built({"A": "DE", "B": "PL"}, {"r": "DE"}, ("FAR", "NEAR"), suppliers=suppliers)
    supply = built.lanes[built.lanes["kind"] == "supply"].set_index("lane")
    assert supply["lead_time_days"].to_dict() == {"FAR-A": 45, "NEAR-A": 3, "NEAR-B": 3}
    assert supply.at["FAR-A", "lead_time_sd_days"] == 6


def test_every_assumption_names_the_setting_behind_it() -> None:
    built = _built({"A": "DE", "B": "52.52, 13.40"}, {"x": "DE", "y": "DE"})
    stated = {where: text for text, where in built.assumptions}
    assert "1.3 times" in stated["network.detour_factor"]
    assert "These are defaults, not your prices" in stated["network.delivery"]
    assert "do not tell" not in stated["network.regions"]
    assert "so distance does not tell them apart" in stated["network.regions"]
    assert "1 hub (A) is taken to be at the middle of the country" in stated["network.hubs"]
    assert ONLY_SUPPLIER in stated["network.suppliers"]
    given_prices = _built({"A": "DE"}, {"x": "PL"}, delivery={"eur_per_unit": 3})
    assert "defaults" not in {where: text for text, where in given_prices.assumptions}["network.delivery"]
    template = _built({"A": "DE"}, {"x": "PL"}, delivery={"eur_per_unit": 1.0, "eur_per_unit_km": 0.002})
    assert "These are defaults" in {where: text for text, where in template.assumptions}["network.delivery"]


def test_unknown_places_are_named_and_no_lane_is_made_up() -> None:
    built = network_of(
        Network(),
        Nodes(pd.DataFrame({"hub": ["A"]}), pd.DataFrame({"region": ["x"], "country": ["Atlantis"]}), (), True, None),
    )
    assert built.unknown == {"hubs": ("A",), "regions": ("x",)}
    assert built.lanes.empty


def test_coordinates_win_over_postal_codes_and_those_over_countries() -> None:
    postal = PostalPlaces.from_frame(
        pd.DataFrame({
            "country": ["DE", "DE", "FR"], "postal_code": ["10115", "10117", "10115"],
            "latitude": ["52.53", "52.51", "48.0"], "longitude": ["13.38", "13.40", "4.0"],
        })
    )  # fmt: skip
    table = pd.DataFrame(
        {
            "latitude": [1.0, np.nan, np.nan, np.nan], "longitude": [2.0, np.nan, np.nan, 5.0],
            "country": ["DE", "DE", "DE", "Germany"], "postal_code": ["10115", "101", "99999", None],
        },
        index=["point", "area", "elsewhere", "half"],
    )  # fmt: skip
    located = locate(table.index, {}, table, postal)
    assert located.loc["point", ["latitude", "longitude"]].tolist() == [1.0, 2.0]
    assert located.loc["area", ["latitude", "longitude", "basis"]].tolist() == [
        pytest.approx(52.52),
        pytest.approx(13.39),
        POSTAL_CODE,
    ]
    assert located.at["elsewhere", "basis"] == located.at["half", "basis"] == COUNTRY
    assert located.at["half", "country"] == "DE"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("52.52, 13.40", (52.52, 13.40, None, None)),
        ("-33.9;18.4", (-33.9, 18.4, None, None)),
        ("-33.9,18.4", (-33.9, 18.4, None, None)),
        ("DE 01067", (None, None, "DE", "01067")),
        ("GB SW1A 1AA", (None, None, "GB", "SW1A 1AA")),
        ("Germany", (None, None, "Germany", None)),
    ],
)
def test_a_place_is_written_as_one_text(text: str, expected: tuple) -> None:
    place = Network.model_validate({"hubs": {"A": text}}).hubs["A"]
    assert (place.latitude, place.longitude, place.country, place.postal_code) == expected


@pytest.mark.parametrize(
    "wrong", ["", {"latitude": 52.5}, {"latitude": 95, "longitude": 0}, {"city": "Berlin"}, "95.0, 10.0"]
)
def test_a_wrong_place_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Network.model_validate({"hubs": {"A": wrong}})
