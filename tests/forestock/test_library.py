"""``import forestock as fs``: light to import, a network planned in ten lines, the bundled data step by step."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
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
    assert doctest.testmod(fs) == (0, 5)


def test_a_network_in_code_gets_a_plan_with_proof_and_explanation() -> None:
    plan = fs.plan(_network())
    line = plan.proposals.iloc[0]
    assert (line["origin"], line["destination"], line["sku"]) == ("north", "south", "umbrella")
    assert 0 < line["units"] <= 80
    assert plan.bound_eur <= plan.total_eur + 0.01
    assert plan.savings_eur == pytest.approx(plan.proposals["benefit_eur"].sum(), abs=0.01)
    assert plan.refusals == ()
    assert "from north to south" in plan.explain("umbrella")
    assert re.fullmatch(
        r"Plan of 2024-06-03: 1 proposal, saves [\d,.]+ EUR of [\d,.]+, optimality gap \d.\d\d%", repr(plan)
    )
    with pytest.raises(InputError, match="SKU 'umbrela' is not in the plan"):
        plan.explain("umbrela")


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _network().add_hub("north"), "hubs.hub: 1 row with a key that stands twice"),
        (lambda: _network().add_transfer("south", "north", -1), "lanes.lead_time_days: 1 row negative"),
        (lambda: _network().add_transfer("south", "north", "one"), "lanes.lead_time_days: 1 row with text in a number"),
        (lambda: _network().with_stock({("north", "umbrella"): 80.5}), "stock.units_on_hand: 1 row not whole"),
        (lambda: _network().with_stock({"north": 80}), r"'north' is not a pair \(hub, sku\)"),
        (lambda: _network().with_demand({("city", "umbrella"): float("nan")}), "nan is not a number of at least 0"),
        (lambda: _network().with_settings(review_day=7), "positioning.review_day: unknown key .did you mean"),
        (lambda: fs.Network("3 June"), "call add_hub\n.*\n.*call add_delivery\n.*call with_demand\n.*call with_stock"),
        (lambda: replace(_network(), day="3 June"), "day: '3 June' is not a date"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_network_is_one_clear_line_per_fault(call: Callable[[], fs.Network], message: str) -> None:
    with pytest.raises(fs.ForestockError, match=message):
        fs.plan(call())


def test_stock_may_be_a_series_of_pandas() -> None:
    stock = pd.Series({("north", "umbrella"): 80})
    pd.testing.assert_frame_equal(_network().with_stock(stock).tables()["stock"], _network().tables()["stock"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda settings, inputs: fs.read_inputs("demo"), "expected the result of load_settings, got str"),
        (lambda settings, inputs: fs.read_inputs(settings, "23.05.2016"), "as_of: '23.05.2016' is not a date"),
        (lambda settings, inputs: fs.read_inputs(settings, None, "plan"), "neither 'forecast' nor 'rebalance'"),
        (lambda settings, inputs: fs.train(settings), "expected the result of read_inputs, got Settings"),
        (lambda settings, inputs: fs.forecast(inputs, None), "expected the result of train, got NoneType"),
        (lambda settings, inputs: fs.plan(inputs), "expected the result of forecast, got NoneType"),
        (lambda settings, inputs: inputs["lane"], "table 'lane' was not provided .did you mean 'lanes'"),
        (lambda settings, inputs: fs.replay(settings, "2016-05-23", "2016-05-01"), "^end 2016-05-01 is before start"),
        (lambda settings, inputs: fs.load_settings("demo", horizn=3), "horizn: unknown key .did you mean 'horizon'.. .in the arg"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_call_is_one_clear_error(call: Callable[..., object], message: str) -> None:
    settings = fs.load_settings("demo")
    inputs = fs.Inputs(settings, date(2016, 5, 23), {"lanes": pd.DataFrame()})
    with pytest.raises(fs.ForestockError, match=message):
        call(settings, inputs)


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
