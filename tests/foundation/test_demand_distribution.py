"""Demand distributions are found without a list; the forecast and positioning read the same one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import positioning
from features import build_panel, forecast_matrix, training_set
from foundation.demand_distribution import distribution_named, registered_distributions
from foundation.demand_scenarios import CERTAIN, DemandLaw, draw
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store.code_version import code_version
from models import forecast, train
from pipeline.configuration import load_settings
from pipeline.identity import forecast_identity
from positioning.inputs.problem import build_problem
from tests.conventions.repository import ROOT
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.positioning_world import AS_OF as PLANNED_ON
from tests.worlds.positioning_world import World, delivery, sku, transfer
from tests.worlds.small_world import AS_OF, settings, tables

HOW_TO = "add-a-demand-distribution"
NAME = "zero_inflated_poisson"
WORLD = World(
    skus=[sku("a"), sku("b")], hubs=[{"hub": "H"}, {"hub": "G"}],
    lanes=[delivery("H", "R"), delivery("G", "S"), delivery("H", "S", 3.0), transfer("H", "G", 0.3)],
    stock={("H", "a"): 80, ("H", "b"): 60}, demand={(k, r): 3.0 for k in "ab" for r in "RS"},
)  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package of the how-to page and return the folder it lies in."""
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path, code_blocks(HOW_TO, "python")[0], project, monkeypatch)
    return tmp_path


def _planning_settings(distribution: str) -> Settings:
    forecast_section = WORLD.settings.forecast.model_copy(update={"distribution": distribution})
    return WORLD.settings.model_copy(update={"forecast": forecast_section})


def test_the_how_to_page_adds_a_distribution_that_forecasts_and_plans(installed: Path) -> None:
    used, other = settings(distribution=NAME), settings()
    panel = build_panel(tables(), used, AS_OF)
    model = train(training_set(panel, used), used, AS_OF)
    matrix = forecast_matrix(panel, used)
    frames, usual = forecast(model, matrix, used, AS_OF), forecast(model, matrix, other, AS_OF)
    assert np.array_equal(frames["forecast"]["mean_units"], usual["forecast"]["mean_units"])
    assert not frames["forecast"]["q025"].equals(usual["forecast"]["q025"])
    forecasts = WORLD.forecasts()
    forecasts["forecast_window"]["dispersion"] = 0.8
    plans = [
        positioning.plan(WORLD.tables(), forecasts, _planning_settings(name), PLANNED_ON)["plan"]
        for name in ("auto", NAME)
    ]
    assert plans[0]["total_eur"].iloc[0] != plans[1]["total_eur"].iloc[0]
    assert (plans[1]["lower_bound_eur"] <= plans[1]["total_eur"] + 1e-6).all()


def test_the_test_on_the_how_to_page_passes(installed: Path) -> None:
    test = page_test(HOW_TO)
    cases = test.pytestmark[0].args[1]  # type: ignore[attr-defined]  # a parametrized test
    for case in cases:
        test(*case)
    assert len(cases) == 3


def test_positioning_reads_the_distribution_of_the_settings() -> None:
    tables_, forecasts = WORLD.tables(), WORLD.forecasts()
    problem = build_problem(tables_, forecasts, _planning_settings("gamma"), PLANNED_ON, None)
    assert problem.demand.distribution == "gamma"


@pytest.mark.parametrize("name", sorted(registered_distributions()))
@pytest.mark.parametrize(("mean", "alpha", "step"), [(0.5, 0.4, 1.0), (30.0, 0.05, 1.0), (900.0, 0.2, 10.0)])
def test_scenarios_and_quantiles_have_the_stated_moments(name: str, mean: float, alpha: float, step: float) -> None:
    law = DemandLaw(np.full((1, 1), mean), np.full((1, 1), alpha), np.eye(1), 0.0, step, name)
    units = draw(law, 20_000, (1, "k", "plan"), is_stratified=True)[:, 0, 0]
    assert units.mean() == pytest.approx(mean, rel=0.02)
    assert units.var() == pytest.approx(step * mean + alpha * mean**2, rel=0.05)
    distribution = distribution_named(name)
    assert distribution is not None
    level = np.array([0.1, 0.5, 0.9, 0.99])
    quantile = distribution.units(level, np.array(mean), np.array(alpha), np.array(step))
    assert np.quantile(units, level, method="inverted_cdf") == pytest.approx(quantile, rel=0.03, abs=step)


def test_the_negative_binomial_is_the_one_of_the_textbook() -> None:
    level, mean, alpha = np.array([0.2, 0.8]), 6.0, 0.5
    distribution = distribution_named("negative_binomial")
    assert distribution is not None
    result = distribution.units(level, np.array(mean), np.array(alpha), np.array(1.0))
    assert result.tolist() == stats.nbinom.ppf(level, 1 / alpha, 1 / (1 + alpha * mean)).tolist()


@pytest.mark.parametrize("name", ["auto", "gamma", "negative_binomial"])
def test_certain_and_missing_demand_are_the_same_under_every_distribution(name: str) -> None:
    law = DemandLaw(np.array([[2.6, 0.0]]), np.array([[CERTAIN, 0.4]]), np.eye(2), 0.0, 1.0, name)
    assert (draw(law, 5, (1, "k", "plan"), is_stratified=True) == [3.0, 0.0]).all()


def test_a_distribution_that_is_not_there_is_one_line_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"forecast\.distribution: there is no 'gama'.*did you mean 'gamma'"):
        load_settings("demo", ["forecast.distribution=gama"])


def test_changing_the_code_of_an_installed_distribution_forecasts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project,), code = code_blocks(HOW_TO, "toml"), code_blocks(HOW_TO, "python")[0]
    identities = []
    for number, limit in enumerate(("1e-12", "1e-9")):
        install(tmp_path / str(number), code.replace("1e-12", limit), project, monkeypatch)
        code_version.cache_clear()  # another process would not have read the first version
        identities.append(forecast_identity(settings(distribution=NAME), date(2024, 6, 3), "reads", "model"))
    assert identities[0] != identities[1]


def test_every_distribution_is_documented() -> None:
    text = (ROOT / "docs" / "forecasting.md").read_text("utf-8")
    assert [name for name in registered_distributions() if f"| `{name}` |" not in text] == []
