"""What is allowed and probably not meant is said, and does not stop the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from foundation.settings import Settings
from foundation.store import snapshot
from tests.conftest import Tables
from tests.spec.conftest import AS_OF


@pytest.fixture
def warnings(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> Callable[[str], tuple[str, ...]]:
    """Return a function that gives the warnings of the (changed) demo tables."""

    def given(needs: str) -> tuple[str, ...]:
        folder = write_tables(demo_tables, tmp_path / "inputs")
        return snapshot.accept(settings_for(folder), AS_OF, needs, write=False).warnings

    return given


def test_the_bundled_data_give_none(warnings: Callable[[str], tuple[str, ...]]) -> None:
    assert warnings("rebalance") == ()


def test_a_lost_sale_cheaper_than_any_delivery(demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]) -> None:
    demo_tables["skus"].loc[1, "lost_sale_eur"] = 0.5
    assert warnings("rebalance") == (
        "skus.lost_sale_eur: 1 row below the cheapest delivery, first: sku=FOODS_2_096; "
        "a plan would rather refuse the customer",
    )
    assert warnings("forecast") == ()


def test_where_it_is_not_given_a_lost_sale_is_price_less_cost(
    demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]
) -> None:
    skus = demo_tables["skus"]
    del skus["lost_sale_eur"]
    skus["unit_price_eur"] = skus["unit_cost_eur"] + [100.0, 0.01, 100.0, 0.01]
    (warning,) = warnings("rebalance")
    assert "2 rows below the cheapest delivery, first: sku=FOODS_2_096 / sku=HOUSEHOLD_1_521" in warning


def test_a_region_no_lane_leads_to(demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]) -> None:
    lanes = demo_tables["lanes"]
    demo_tables["lanes"] = lanes[(lanes["kind"] != "delivery") | (lanes["destination"] != "TX_1")]
    assert warnings("rebalance") == (
        "regions.region: 1 without a delivery lane, first: TX_1; all their demand will count as lost",
    )


def test_a_hub_no_lane_begins_at(demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]) -> None:
    """A hub that was added and whose lanes were forgotten would otherwise just never appear in a plan."""
    hubs = demo_tables["hubs"]
    demo_tables["hubs"] = pd.concat([hubs, hubs.iloc[:1].assign(hub="DEN")], ignore_index=True)
    assert warnings("rebalance") == (
        "hubs.hub: 1 without a lane that begins there, first: DEN; nothing can be sent from them",
    )
