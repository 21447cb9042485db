"""The tour shows rows of the tables for one SKU."""

from __future__ import annotations

import pandas as pd

from tests.review.sample_plan import SamplePlan, sample_plan
from tools.tour import choose_example, markdown, tour_page

LANES = pd.DataFrame(
    {
        "lane": ["WEST>R1", "WEST>R2", "EAST>R1"],
        "origin": ["WEST", "WEST", "EAST"],
        "destination": ["R1", "R2", "R1"],
        "kind": "delivery",
        "distance_km": [900.0, 50.0, 60.0],
        "lead_time_days": 1,
        "eur_per_unit": 1.5,
        "eur_per_kg": 0.2,
    }
)


def _known(built: SamplePlan) -> dict[str, pd.DataFrame]:
    stock = built.outputs["position"][["hub", "sku", "units_on_hand"]].assign(
        date=pd.Timestamp(built.as_of), units_reserved=0
    )
    prices = built.tables["sales"][["date", "region", "sku"]].assign(unit_price_eur=2.5)
    skus = built.tables["skus"].assign(unit_cost_eur=1.0, lost_sale_eur=8.0, pack_units=1)
    return built.tables | {"lanes": LANES, "stock": stock, "prices": prices, "skus": skus}


def test_the_tour_follows_the_best_transfer_to_the_region_its_hub_is_nearest_to() -> None:
    built = sample_plan(n_proposals=9)
    result = choose_example(_known(built), built.outputs)
    assert result is not None
    assert (result.hub, result.region, result.proposal["kind"]) == ("WEST", "R2", "transfer")


def test_without_transfers_the_tour_follows_the_best_order_and_without_proposals_it_is_empty() -> None:
    built = sample_plan(n_proposals=9)
    transfer = built.outputs["transfer"].assign(kind="supply")
    result = choose_example(_known(built), built.outputs | {"transfer": transfer})
    assert result is not None
    assert result.proposal["benefit_eur"] == transfer["benefit_eur"].max()
    assert choose_example(_known(built), built.outputs | {"transfer": transfer.iloc[:0]}) is None


def test_the_tour_shows_only_the_rows_of_its_sku() -> None:
    built = sample_plan(n_proposals=9)
    tables = _known(built)
    window = built.outputs["forecast"].assign(window_days=7)
    outputs = built.outputs | {"forecast_window": window, "plan": built.outputs["plan"].assign(n_features=1)}
    result = choose_example(tables, outputs)
    assert result is not None
    page = tour_page(result, tables, outputs, pd.DataFrame({"feature": ["lag_1"], "value": [2.0]}), built.settings)
    others = set(tables["skus"]["sku"]) - {result.sku}
    assert result.proposal["proposal_id"] in page
    assert result.proposal["reason"] in page
    assert not any(sku in page for sku in others)


def test_a_table_in_markdown_keeps_its_cells_apart() -> None:
    frame = pd.DataFrame({"text": ["a|b"], "units": [1234.5], "date": pd.to_datetime(["2016-05-23"]), "none": [None]})
    assert markdown(frame).splitlines() == [
        "| text | units | date | none |",
        "| --- | ---: | --- | --- |",
        "| a\\|b | 1,234 | 2016-05-23 |  |",
    ]
