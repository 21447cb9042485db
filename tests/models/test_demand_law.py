"""The demand distribution at all scales: counts, large quantities, fractions; marginals and joint scenarios."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import models
from features import build_panel, forecast_matrix, training_set
from foundation.demand_scenarios import CERTAIN, DemandLaw, draw
from foundation.settings import quantile_columns
from models.backtest.metrics import randomized_pit
from models.calibration import Spread, ZeroRate, calibrate
from models.dispersion import Dispersion, fit_dispersion
from models.distribution import Margins, binomial_quantiles, continuous_quantiles, quantiles
from models.support import Support
from positioning.what_if import scaled_demand
from tests.worlds.small_world import AS_OF, tables
from tests.worlds.small_world import settings as small_settings

LEVELS = (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995)


def _rows(factor: float, seed: int = 3, shape: float = 4.0) -> pd.DataFrame:
    """Return calibration rows of twelve SKUs with means of 0.3 … 300 times ``factor`` and counts around them."""
    random = np.random.default_rng(seed)
    level = np.geomspace(0.3, 300, 12)
    rows = pd.MultiIndex.from_product([range(4), range(12), range(1, 15)], names=["origin", "series", "step"])
    frame = rows.to_frame(index=False)
    mean = level[frame["series"]] * random.lognormal(0, 0.1, len(frame))
    actual = random.poisson(mean * random.gamma(shape, 1 / shape, len(frame)))
    return frame.assign(
        region="r", sku=[f"s{k:02}" for k in frame["series"]], category="c", mean=mean * factor, actual=actual * factor
    )


def _law(rows: pd.DataFrame) -> tuple[Spread, Spread]:
    parts = calibrate(rows, small_settings())
    support = Support.from_json(parts["support"])
    return Spread.from_json(parts["period"], support), Spread.from_json(parts["windows"]["14"], support)


@pytest.mark.parametrize("factor", [0.1, 0.37, 100.0, 10_000.0])
def test_the_distribution_scales_with_the_unit_of_demand(factor: float) -> None:
    """In grams or tons, quantiles describe the same demand, for periods and for sums."""
    for one, other in zip(_law(_rows(1.0)), _law(_rows(factor)), strict=True):
        mean, sku = np.geomspace(0.01, 5000, 60), pd.Series(["s03"] * 30 + ["s11"] * 30)
        expected, result = (
            quantiles(law.table, law.margins(sku, mean * unit, sku.map(law.dispersion.by_sku).to_numpy(float)), LEVELS)
            for law, unit in ((one, 1.0), (other, factor))
        )
        np.testing.assert_allclose(result / factor, expected, rtol=2e-3, atol=2e-3)


@given(
    mean=st.floats(1.0, 1e9), spread=st.floats(1e-4, 5.0), factor=st.sampled_from([0.1, 1.0, 100.0, 10_000.0]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_far_quantiles_enclose_every_mean(mean: float, spread: float, factor: float) -> None:
    law = _law_of(factor)
    margins = replace(law.margins(pd.Series(["s04"]), np.array([mean * factor]), np.ones(1)), spread=np.array([spread]))
    result = quantiles(law.table, margins, LEVELS)[0]
    assert result[1] < mean * factor < result[7]
    assert (np.diff(result) >= 0).all()


@lru_cache
def _law_of(factor: float) -> Spread:
    return _law(_rows(factor))[0]


@pytest.mark.parametrize("factor", [0.1, 1.0, 100.0])
def test_quantiles_of_counts_are_counts(factor: float) -> None:
    law = _law_of(factor)
    mean = np.geomspace(0.05, 2000, 200) * factor
    result = quantiles(law.table, law.margins(pd.Series(["s04"] * 200), mean, np.ones(200)), LEVELS)
    inner = result[:, 2:7] / factor
    np.testing.assert_allclose(inner, np.round(inner), atol=1e-4)


@pytest.mark.parametrize("spread", [1e-4, 0.01, 0.3, 4.0])
def test_quantiles_of_counts_pass_into_those_of_quantities_without_a_jump(spread: float) -> None:
    """From means of 1 to 10 million the quantiles are the negative binomial's, within a unit or half a percent."""
    mean = np.geomspace(1, 1e7, 300)
    result = binomial_quantiles(mean, np.full(300, spread), LEVELS)
    exact = stats.nbinom.ppf(LEVELS, 1 / spread, 1 / (1 + spread * mean[:, None]))
    near = np.isfinite(exact)
    assert (np.abs(result - exact)[near] <= (1.2 + 0.006 * exact + 2e-6 * mean[:, None])[near]).all()
    assert (np.diff(result, axis=0) > -0.02 * (1 + result[1:])).all()


@pytest.mark.parametrize("whole", [True, False])
def test_the_step_of_demand_is_learned_by_sku(whole: bool) -> None:
    """Pieces beside kilograms: pieces get a distribution of counts, kilograms one of quantities."""
    random = np.random.default_rng(1)
    pieces, weights = random.poisson(3.0, 400).astype(float), random.gamma(2.0, 1.3, 400)
    sku = np.array(["piece"] * 400 + ["weight"] * 400, dtype=object)
    units = np.concatenate([pieces, weights]).astype(np.float32).astype(float)
    support = Support.fit(sku, units, np.repeat([3.0, 2.6], 400))
    assert support.steps(pd.Series(["piece" if whole else "weight"])) == [1.0 if whole else 0.0]


@pytest.mark.parametrize(("factor", "step"), [(1.0, 1.0), (0.1, 0.1), (100.0, 100.0), (0.37, 0.37), (6.0, 6.0)])
def test_a_scaled_count_is_still_a_count(factor: float, step: float) -> None:
    units = np.random.default_rng(2).poisson(4.0, 500) * factor
    support = Support.fit(np.full(500, "a", object), units.astype(np.float32).astype(float), np.full(500, 4.0 * factor))
    assert support.steps(pd.Series(["a"]))[0] == pytest.approx(step, rel=1e-5)


def test_few_sales_do_not_decide_the_step() -> None:
    """An SKU of fresh food that sold 1.0 twice is not sold in pieces."""
    random = np.random.default_rng(3)
    sku = np.array(["usual"] * 300 + ["rare"] * 2, dtype=object)
    support = Support.fit(sku, np.append(random.gamma(2.0, 1.0, 300), [1.0, 1.0]), np.full(302, 2.0))
    assert support.steps(pd.Series(["rare", "unseen"])).tolist() == [0.0, 0.0]


def test_sales_that_are_always_eight_are_no_counts_of_eight() -> None:
    """A constant has no informative common divisor; counts of eight would vary."""
    support = Support.fit(np.full(500, "a", object), np.full(500, 8.0), np.full(500, 8.0))
    assert support.steps(pd.Series(["a"])).tolist() == [1.0]


def test_intermittent_quantities_have_a_mass_at_zero() -> None:
    """Zero on most days, else around 5.3 kg: mean, variance and probability of zero are those of the data."""
    random = np.random.default_rng(4)
    mean = random.uniform(0.3, 3.0, 20_000)
    actual = np.where(random.random(20_000) < mean / 5.3, random.gamma(8.0, 5.3 / 8, 20_000), 0.0)
    rate = ZeroRate.fit(mean, actual)
    assert rate.of(np.array([1.0])) == pytest.approx([1 - 1 / 5.3], abs=0.03)
    phi = ((actual - mean) ** 2).mean() / (mean**2).mean()
    fine = tuple(np.linspace(0.0005, 0.9995, 1000))
    margins = Margins(np.array([1.0]), np.array([phi]), np.zeros(1), np.zeros(1), rate.of(np.array([1.0])))
    result = continuous_quantiles(margins, fine)[0]
    assert (result == 0).mean() == pytest.approx(1 - 1 / 5.3, abs=0.03)
    assert result.mean() == pytest.approx(1.0, rel=0.02)


def test_no_zeros_leave_no_mass() -> None:
    assert ZeroRate.fit(np.full(500, 2.0), np.full(500, 1.5)).of(np.array([0.1])) == [0.0]


def test_slow_series_are_more_dispersed_than_fast_ones() -> None:
    """φ by moments over all rows is that of the fastest series alone; the slow ones of one SKU have their own."""
    random = np.random.default_rng(9)
    mean = np.repeat([2.0, 2000.0], 3000)
    shape = np.where(mean < 10, 1 / 1.5, 1 / 0.01)
    actual = random.poisson(mean * random.gamma(shape, 1 / shape)).astype(float)
    rows = pd.DataFrame({"sku": "a", "category": "c", "mean": mean, "actual": actual})
    law = fit_dispersion(rows, np.ones(len(rows)))
    slow, fast = law.of_mean(np.array([2.0, 2000.0]), np.full(2, law.by_sku["a"]))
    assert slow > 8 * fast
    assert fast == pytest.approx(0.01, rel=0.4)


def test_a_dispersion_of_earlier_versions_is_read() -> None:
    law = Dispersion.from_json({"overall": 0.5, "by_category": {"c": 0.25}, "by_sku": {"a": 2.0}})
    series = pd.DataFrame({"sku": ["a", "b", "x"], "category": ["c", "c", "y"]})
    assert law.of_mean(np.ones(3), law.factors(series, "category")).tolist() == pytest.approx([2.0, 0.25, 0.5])


@pytest.mark.parametrize("step", [0.0, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.8, 6.0])
@pytest.mark.parametrize("mean", [0.01, 1.0, 30.0, 390.0, 410.0, 1e4, 1e6])
def test_scenarios_have_the_moments_of_the_distribution(mean: float, alpha: float, step: float) -> None:
    """At every scale the drawn demand has the mean and variance the dispersion states, in multiples of the step."""
    variance = step * mean + alpha * mean**2
    law = DemandLaw(np.full((1, 1), mean), np.full((1, 1), alpha), np.eye(1), 0.0, step)
    units = draw(law, 40_000, (1, "sku", "plan"), is_stratified=True)[:, 0, 0]
    skew = 3 * np.sqrt(variance) / mean  # heavy tails converge slowly
    assert units.mean() == pytest.approx(mean, rel=0.01 + 0.01 * skew, abs=0.6 * step if mean > 400 * step else 0)
    assert units.var() == pytest.approx(variance, rel=0.05 + 0.05 * skew, abs=2e-9 * mean**2 + step**2 / 12)
    if step > 0:
        np.testing.assert_allclose(units / step, np.round(units / step), atol=1e-6)


@pytest.mark.parametrize("factor", [0.1, 100.0, 10_000.0])
def test_scenarios_scale_with_the_unit_of_demand(factor: float) -> None:
    mean = np.array([[0.3, 40.0, 900.0]])
    one, other = (
        draw(DemandLaw(mean * f, np.full((1, 3), 0.2), np.eye(3), 0.0, f), 300, (1, "k", "plan"), is_stratified=True)
        for f in (1.0, factor)
    )
    np.testing.assert_allclose(other / factor, one, rtol=1e-9)


def _drawn(kind: str, mean: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return demand around ``mean``: counts, or quantities with and without zero days."""
    if kind == "dense quantities":
        return random.gamma(3.0, mean / 3.0)
    if kind == "intermittent quantities":
        purchases = random.poisson(mean / 0.8)
        return np.where(purchases > 0, random.gamma(np.maximum(purchases, 1) * 2.0, 0.4), 0.0)
    factor = 10_000.0 if kind == "large counts" else 1.0
    return random.negative_binomial(5.0, 5.0 / (5.0 + mean * factor)).astype(float)


@pytest.mark.parametrize(
    ("kind", "range_"),
    [("counts", (0.3, 60.0)), ("large counts", (0.3, 60.0)), ("dense quantities", (0.3, 60.0)),
     ("intermittent quantities", (0.1, 20.0))],
)  # fmt: skip
def test_every_kind_of_demand_is_covered_at_every_level(kind: str, range_: tuple[float, float]) -> None:
    """On held-out rows, the randomized share at or below each quantile is its level."""
    random = np.random.default_rng(7)
    level = np.exp(random.uniform(*np.log(range_), 100))
    factor = 10_000.0 if kind == "large counts" else 1.0

    def rows() -> pd.DataFrame:
        sku = np.repeat(np.arange(100), 150)
        mean = level[sku] * random.lognormal(0, 0.3, len(sku))
        frame = pd.DataFrame({"sku": [f"s{k:02}" for k in sku], "category": "c", "mean": mean * factor})
        return frame.assign(actual=_drawn(kind, mean, random))

    seen, new = rows(), rows()
    support = Support.fit(seen["sku"].to_numpy(object), seen["actual"].to_numpy(), seen["mean"].to_numpy())
    law = Spread.fit(seen, support, small_settings())
    factor_of = new["sku"].map(law.dispersion.by_sku).to_numpy(float)
    result = quantiles(law.table, law.margins(new["sku"], new["mean"].to_numpy(), factor_of), LEVELS)
    pit = randomized_pit(new["actual"].to_numpy(), result, LEVELS, random)
    covered = np.array([(pit <= level).mean() for level in LEVELS])
    np.testing.assert_allclose(covered, LEVELS, atol=0.025)


@pytest.mark.parametrize("factor", [0.1, 100.0, 10_000.0])
def test_a_forecast_scales_with_the_unit_of_demand(factor: float) -> None:
    """From the tables of a run to its frames: every mean inside its interval, every quantile of the same demand."""
    frames = [_forecast(1.0), _forecast(factor)]
    for name in ("forecast", "forecast_window"):
        one, other = (frame[name] for frame in frames)
        assert (other["q025"] < other["mean_units"]).all()
        assert (other["mean_units"] < other["q975"]).all()
        columns = quantile_columns(LEVELS)
        np.testing.assert_allclose(other[columns] / factor, one[columns], rtol=0.02, atol=2.01)
        assert np.abs(other[columns] / factor - one[columns]).to_numpy().mean() < 0.25
    np.testing.assert_allclose(frames[1]["forecast_window"]["step_units"], factor, rtol=1e-4)


@lru_cache
def _forecast(factor: float) -> dict[str, pd.DataFrame]:
    given = tables()
    given["sales"]["units_sold"] *= factor
    chosen = small_settings()
    panel = build_panel(given, chosen, AS_OF)
    model = models.train(training_set(panel, chosen), chosen, AS_OF)
    return models.forecast(model, forecast_matrix(panel, chosen), chosen, AS_OF)


@pytest.mark.parametrize(("step", "expected"), [(1.0, 3.0), (0.0, 2.6), (0.1, 2.6)])
def test_certain_demand_is_whole_only_where_demand_is(step: float, expected: float) -> None:
    law = DemandLaw(np.full((1, 1), 2.6), np.full((1, 1), CERTAIN), np.eye(1), 0.0, step)
    assert (draw(law, 5, (1, "k", "plan"), is_stratified=True) == expected).all()


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_demand_scaled_by_a_what_if_keeps_its_relative_spread(factor: float) -> None:
    """Twice the demand has four times the variance, so its quantiles and its scenarios still agree."""
    windows = pd.DataFrame({
        "region": ["r", "s"], "sku": "a", "window_days": 7, "mean_units": [5.0, 80.0], "q500": [5.0, 80.0],
        "dispersion": [2.0, 2.0], "step_units": [1.0, 1.0],
    })  # fmt: skip
    other = scaled_demand(windows, {"r": factor, "s": factor})
    before, after = (
        w["step_units"] * w["mean_units"] + w["dispersion"] * w["mean_units"] ** 2 for w in (windows, other)
    )
    np.testing.assert_allclose(after, factor**2 * before)
