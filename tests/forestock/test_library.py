"""``import forestock as fs``: light to import, a network planned in ten lines, the bundled data step by step."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import forestock as fs
from foundation.errors import ConfigurationError, InputError
from tests.conventions.repository import ROOT
from tests.flows.conftest import QUICK


def _network() -> fs.Network:
    return (
        fs.Network("2024-06-03", horizon=14)
        .add_hub("north")
        .add_hub("south")
        .add_transfer("north", "south", lead_time_days=1, eur_per_unit=0.2)
        .add_delivery("south", "city", lead_time_days=1, eur_per_unit=1.0)
        .add_sku("umbrella", unit_cost_eur=4.0, unit_price_eur=12.0)
        .with_stock({("north", "umbrella"): 80})
        .with_demand({("city", "umbrella"): 3.0})
        .with_settings(processes=1)
    )


def test_importing_the_library_loads_neither_prefect_nor_mlflow_nor_pandas() -> None:
    code = "import forestock, sys; print([m for m in ('prefect', 'mlflow', 'lightgbm', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves_and_no_other_does() -> None:
    assert [name for name in fs.__all__ if getattr(fs, name) is None] == []
    with pytest.raises(AttributeError):
        _ = fs.Notwork  # type: ignore[attr-defined] # the point of the test


def test_the_example_in_the_docstring_runs() -> None:
    assert doctest.testmod(fs) == (0, 4)


def test_a_network_in_code_gets_a_plan_with_proof_and_explanation() -> None:
    plan = fs.plan(_network())
    line = plan.proposals.iloc[0]
    assert (line["origin"], line["destination"], line["sku"]) == ("north", "south", "umbrella")
    assert 0 < line["units"] <= 80
    assert plan.bound_eur <= plan.total_eur + 0.01
    assert plan.savings_eur == pytest.approx(plan.proposals["benefit_eur"].sum(), abs=0.01)
    assert plan.refusals == ()
    assert "from north to south" in plan.explain("umbrella")
    with pytest.raises(KeyError):
        plan.explain("parasol")


def test_more_demand_ships_more_and_a_network_is_never_changed_in_place() -> None:
    network = _network()
    more = network.with_demand({("city", "umbrella"): 5.0})
    few, many = (fs.plan(one).proposals["units"].sum() for one in (network, more))
    assert few < many <= 80
    assert network.demand["city", "umbrella"][0] == 3.0


def test_dispersion_buys_safety_stock() -> None:
    certain, uncertain = (
        fs.plan(_network().with_demand({("city", "umbrella"): 1.0}, dispersion=alpha)).proposals["units"].sum()
        for alpha in (0.0, 0.6)
    )
    assert uncertain > certain


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (_network().with_stock({("nort", "umbrella"): 3}), "hub 'nort' is not in the network"),
        (_network().with_demand({("town", "umbrella"): 3.0}), "region 'town' is not in the network"),
        (_network().add_transfer("north", "west", 1), "hub 'west' is not in the network"),
    ],
)
def test_an_unknown_name_is_one_clear_line(network: fs.Network, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fs.plan(network)


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(InputError, match="storage_l"):
        _network().add_hub("west", storage_litre=3)


def test_settings_take_sections_as_mappings_and_name_a_wrong_key() -> None:
    settings = fs.load_settings("demo", horizon=14, forecast={"lightgbm": {"trees": 5}, "window_days": [7, 14]})
    assert (settings.horizon, settings.forecast.lightgbm.trees) == (14, 5)
    with pytest.raises(ConfigurationError, match=r"forecast\.tree"):
        fs.load_settings("demo", forecast={"tree": 5})


@pytest.mark.slow
def test_the_bundled_data_go_from_tables_to_a_plan(tmp_path: Path) -> None:
    quick = dict(text.split("=") for text in QUICK if "[" not in text)
    keys = {key: int(value) for key, value in quick.items()}
    settings = fs.load_settings("demo", **keys, warehouse=tmp_path, forecast={"window_days": [7, 14]})
    inputs = fs.read_inputs(settings)
    demand = fs.forecast(inputs, fs.train(inputs))
    assert len(demand.periods) == 280 * 14
    plan = fs.plan(inputs, demand)
    assert plan.savings_eur > 0
    assert isinstance(plan.proposals, pd.DataFrame)
    with pytest.raises(TypeError, match="forecast is required"):
        fs.plan(inputs)
