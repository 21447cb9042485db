"""A forecast made elsewhere is planned with as it is, and what it lacks is calibrated, carried or refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from models import explain
from models.explain import TERMS
from pipeline import run
from pipeline.forecast_origin import panel_and_matrix
from tests.conftest import Tables
from tests.flows.conftest import QUICK, with_cheap_trucks

AS_OF = date(2016, 5, 16)
KEYS = ["region", "sku", "date"]
Given = Callable[..., Settings]


@pytest.fixture
def given(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> Given:
    """Return a function: external tables, then overrides → settings whose forecast is external, with a warehouse of their own."""
    demo_tables["lanes"] = with_cheap_trucks(demo_tables["lanes"])
    inputs = write_tables(demo_tables, tmp_path / "inputs")
    counter = iter(range(100))

    def settings(tables: Tables | None, *overrides: str) -> Settings:
        number = next(counter)
        chosen = []
        if tables is not None:
            folder = write_tables(tables, tmp_path / f"external_{number}")
            chosen = ["forecast.model=external", f"inputs.forecast={folder}"]
        return settings_for(inputs, f"warehouse={tmp_path / f'warehouse_{number}'}", *QUICK, *chosen, *overrides)

    return settings


def _forecast(settings: Settings, as_of: date = AS_OF) -> dict[str, pd.DataFrame]:
    context = run.validate_stage(settings, as_of, "forecast")
    run.forecast_stage(context, run.train_stage(context))
    frames = {name: Warehouse(settings).read(name, as_of) for name in run.FORECAST_TABLES}
    return frames | {"forecast": frames["forecast"].sort_values(KEYS, ignore_index=True)}


def _planned(settings: Settings) -> dict[str, pd.DataFrame]:
    context = run.validate_stage(settings, AS_OF, "rebalance")
    run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))
    return {name: Warehouse(settings).read(name, AS_OF) for name in ("transfer", "plan", *run.FORECAST_TABLES)}


def _means(demo_tables: Tables, first: str, last: str, rate: float = 1.0) -> pd.DataFrame:
    """Return a forecast of ``rate`` × the mean sales of each series, dated from ``first`` to ``last``."""
    sales = demo_tables["sales"].astype({"region": "str", "sku": "str"})
    level = sales.groupby(["region", "sku"], as_index=False)["units_sold"].mean()
    dates = pd.DataFrame({"date": pd.date_range(first, last).as_unit("us")})
    rows = level.merge(dates, how="cross")
    return rows.assign(mean_units=rate * rows["units_sold"]).drop(columns="units_sold")


def test_the_forecast_of_another_run_gives_the_plan_of_that_run(given: Given) -> None:
    """The acceptance test of the whole path: tables of one run in, the same transfer rows out."""
    first = given(None)
    before = _planned(first)
    assert len(before["transfer"]) > 0
    second = given({}, f"inputs.forecast={first.warehouse}")
    after = _planned(second)
    changed = ["model_version", "tier"]
    for name in run.FORECAST_TABLES:
        other = [column for column in before[name] if column not in changed]
        pd.testing.assert_frame_equal(after[name][other], before[name][other])
    assert set(after["forecast"]["tier"]) == {"external"}
    lines = [column for column in before["transfer"] if column != "plan_id"]
    pd.testing.assert_frame_equal(after["transfer"][lines], before["transfer"][lines])
    assert after["plan"]["total_eur"].tolist() == before["plan"]["total_eur"].tolist()


def test_means_alone_are_kept_and_get_quantiles_from_their_own_past(given: Given, demo_tables: Tables) -> None:
    good = _forecast(given({"external_forecast": _means(demo_tables, "2016-02-01", "2016-05-29")}))["forecast"]
    noise = _means(demo_tables, "2016-02-01", "2016-05-29")
    noise["mean_units"] *= np.random.default_rng(2).lognormal(-0.5, 1.0, len(noise))
    noise.loc[noise["date"] >= "2016-05-16", "mean_units"] = _means(demo_tables, "2016-05-16", "2016-05-29")[
        "mean_units"
    ].to_numpy()
    bad = _forecast(given({"external_forecast": noise}))["forecast"]
    expected = _means(demo_tables, "2016-05-16", "2016-05-29").sort_values(KEYS, ignore_index=True)
    assert good["mean_units"].to_numpy() == pytest.approx(expected["mean_units"].to_numpy(), rel=1e-12)
    assert set(good["tier"]) == {"external"}
    # The same means, but from a forecast whose past errors were larger: its quantiles lie further apart.
    assert bad["mean_units"].to_numpy() == pytest.approx(good["mean_units"].to_numpy())
    assert (bad["q975"] - bad["q025"]).sum() > 1.2 * (good["q975"] - good["q025"]).sum()


def test_without_a_past_the_spread_is_that_of_a_simple_method(given: Given, demo_tables: Tables) -> None:
    ahead = {"external_forecast": _means(demo_tables, "2016-05-16", "2016-05-29")}
    rows = _forecast(given(ahead))["forecast"]
    sold = demo_tables["sales"]["units_sold"]
    assert (rows["q975"] > rows["mean_units"]).all()
    assert rows["q975"].mean() < 6 * sold.mean()


def test_rows_issued_after_the_planning_date_have_no_effect(
    given: Given, demo_tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    known = _means(demo_tables, "2016-02-01", "2016-05-29").assign(as_of=pd.Timestamp("2016-02-01"))
    later = _means(demo_tables, "2016-05-16", "2016-05-29", 9.0).assign(as_of=pd.Timestamp("2016-05-17"))
    before = _forecast(given({"external_forecast": known}))
    after = _forecast(given({"external_forecast": pd.concat([known, later])}))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(after[name], frame)
    assert "external_forecast.as_of: 168 rows made after 2016-05-16; left out" in caplog.text


def test_of_each_series_the_rows_made_last_count(given: Given, demo_tables: Tables) -> None:
    old = _means(demo_tables, "2016-05-01", "2016-05-29").assign(as_of=pd.Timestamp("2016-05-01"))
    new = _means(demo_tables, "2016-05-16", "2016-05-29", 2.0).assign(as_of=pd.Timestamp("2016-05-14"))
    new = new[new["region"] == "CA_1"]
    rows = _forecast(given({"external_forecast": pd.concat([old, new])}))["forecast"]
    expected = _means(demo_tables, "2016-05-16", "2016-05-29").sort_values(KEYS, ignore_index=True)
    rate = rows["mean_units"] / expected["mean_units"]
    assert rate[rows["region"] == "CA_1"].to_numpy() == pytest.approx(2.0)
    assert rate[rows["region"] != "CA_1"].to_numpy() == pytest.approx(1.0)


def test_missing_rows_are_counted_and_carried_by_a_simple_method(
    given: Given, demo_tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    rows = _means(demo_tables, "2016-02-01", "2016-05-27")
    rows = rows[(rows["region"] != "TX_1") | (rows["sku"] != "FOODS_3_586")]
    chosen = given({"external_forecast": rows})
    result = _forecast(chosen)["forecast"]
    is_carried = (result["date"] > "2016-05-27") | ((result["region"] == "TX_1") & (result["sku"] == "FOODS_3_586"))
    assert set(result.loc[~is_carried, "tier"]) == {"external"}
    (carrier,) = set(result.loc[is_carried, "tier"])
    assert carrier in {
        "seasonal_naive",
        "recent_mean",
        "last_week",
        "fast_smoothing",
        "exponential_smoothing",
        "intermittent",
    }
    assert (result.loc[is_carried, "mean_units"] > 0).all()
    assert (
        "external_forecast.date: has no row for 36 of 168 series × dates of the horizon; 1 series without any: "
        "FOODS_3_586 in TX_1; it ends on 2016-05-27, and the horizon on 2016-05-29"
    ) in caplog.text
    with pytest.raises(InputError, match="has no row for 36 of 168"):
        run.validate_stage(chosen.model_copy(update={"inputs": chosen.inputs.model_copy(update={"on_warning": "stop"})}), AS_OF, "forecast")  # fmt: skip


def test_windows_of_given_quantiles_are_narrower_than_their_sum_and_wider_than_one_period(
    given: Given, demo_tables: Tables
) -> None:
    """A sum of quantiles would overstate the spread of a sum."""
    first = given(None)
    before = _forecast(first)
    external = {"external_forecast": before["forecast"].drop(columns=["as_of", "tier", "model_version"])}
    rows = _forecast(given(external))
    window = rows["forecast_window"].query("window_days == 7").sort_values(["region", "sku"], ignore_index=True)
    week = rows["forecast"][rows["forecast"]["date"] < "2016-05-23"]
    summed = week.groupby(["region", "sku"], as_index=False).sum(numeric_only=True)
    assert window["mean_units"].to_numpy() == pytest.approx(summed["mean_units"].to_numpy())
    assert (window["q975"] < summed["q975"]).all()
    spread = (window["q975"] - window["mean_units"]) / (summed["q975"] - summed["mean_units"])
    assert spread.mean() == pytest.approx(7**-0.5, abs=0.2)
    assert set(window["tier"]) == {"external"}
    assert (window["dispersion"] >= 0).all()


def test_only_a_forecast_changes_with_the_rows_ahead_and_only_where_they_are_read(
    given: Given, demo_tables: Tables
) -> None:
    """A correction of the external forecast must not train again, and no other model may notice it."""
    rows = _means(demo_tables, "2016-02-01", "2016-05-29")
    edited = rows.assign(mean_units=rows["mean_units"].where(rows["date"] < "2016-05-16", rows["mean_units"] + 1))
    past = rows.assign(mean_units=rows["mean_units"].where(rows["date"] >= "2016-05-16", rows["mean_units"] + 1))
    reads = [
        run.validate_stage(given({"external_forecast": table}), AS_OF, "forecast").inputs
        for table in (rows, edited, past)
    ]
    assert reads[0].training_reads == reads[1].training_reads != reads[2].training_reads
    assert reads[0].forecast_reads != reads[1].forecast_reads
    assert reads[0].forecast_reads == reads[2].forecast_reads
    unread = [
        run.validate_stage(given({"external_forecast": table}, "forecast.model=auto"), AS_OF, "forecast").inputs
        for table in (rows, edited)
    ]
    assert unread[0].fingerprint == unread[1].fingerprint
    assert unread[0].training_reads == unread[1].training_reads


def _broken(rows: pd.DataFrame, fault: str) -> pd.DataFrame:
    rows = rows.reset_index(drop=True)
    changes = {
        "negative": ("mean_units", -1.0), "infinite": ("mean_units", float("inf")), "crossing": ("q975", 0.0),
        "partial": ("q500", None), "unknown": ("sku", "FOODS_9_999"),
    }  # fmt: skip
    if fault == "twice":
        return pd.concat([rows, rows.head(1)])
    if fault == "levels":
        return rows.drop(columns="q975")
    if fault == "all later":
        return rows.assign(as_of=pd.Timestamp("2016-05-20"))
    column, value = changes[fault]
    rows.loc[0, column] = value
    return rows


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("negative", r"external_forecast\.mean_units: 1 row negative"),
        ("infinite", r"external_forecast\.mean_units: 1 row not finite"),
        ("crossing", r"external_forecast\.q005: 1 row with quantiles that cross.*give quantiles that ascend"),
        ("partial", r"external_forecast\.q005: 1 row with some quantiles missing"),
        ("unknown", r"external_forecast\.sku: 1 row with a sku unknown to skus"),
        ("twice", r"external_forecast\.date, region, sku: 1 row with a key that stands twice"),
        ("levels", r"external_forecast\.q975: has quantiles, but not q975; give every level"),
        ("all later", r"external_forecast\.as_of: every row was made after 2016-05-16"),
    ],
)
def test_a_faulty_external_forecast_is_one_line_with_a_remedy(
    given: Given, demo_tables: Tables, fault: str, message: str
) -> None:
    rows = _means(demo_tables, "2016-05-16", "2016-05-29")
    levels = ("q005", "q025", "q165", "q250", "q500", "q750", "q835", "q975", "q995")
    rows = rows.assign(**{name: rows["mean_units"] * (0.2 * (k + 1)) for k, name in enumerate(levels)})
    with pytest.raises(InputError, match=message):
        run.validate_stage(given({"external_forecast": _broken(rows, fault)}), AS_OF, "forecast")


def test_an_external_forecast_that_is_not_there_is_one_line(given: Given, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="external_forecast: missing; forecast needs it"):
        run.validate_stage(given({}), AS_OF, "forecast")
    with pytest.raises(InputError, match=r"external_forecast: cannot be read: inputs\.forecast .*is not a folder"):
        run.validate_stage(given({}, f"inputs.forecast={tmp_path / 'nowhere'}"), AS_OF, "forecast")


def test_an_external_forecast_takes_part_in_the_combination(given: Given, demo_tables: Tables) -> None:
    """A forecast that knew the past sales has all the weight that one model can have."""
    rows = _means(demo_tables, "2016-02-01", "2016-05-29").astype({"region": "str", "sku": "str"})
    sales = demo_tables["sales"].astype({"region": "str", "sku": "str"})
    known = rows.merge(sales, how="left", on=["date", "region", "sku"])["units_sold"].to_numpy()
    rows = {"external_forecast": rows.assign(mean_units=np.where(np.isnan(known), rows["mean_units"], known))}
    chosen = given(rows, "forecast.model=auto", "forecast.models=[lightgbm,external]")
    context = run.validate_stage(chosen, AS_OF, "forecast")
    model = run._model(context, run.train_stage(context))
    assert model.facts["combination"]["parts"][:2] == ["lightgbm", "external"]
    assert model.metrics["part/external/share"] > 0.9
    rows_ahead = _forecast(chosen)["forecast"]
    assert rows_ahead["tier"].str.contains("external").mean() > 0.9


def test_explain_names_the_method_that_carries_missing_rows(given: Given, demo_tables: Tables) -> None:
    rows = {"external_forecast": _means(demo_tables, "2016-02-01", "2016-05-22")}
    chosen = given(rows)
    context = run.validate_stage(chosen, AS_OF, "forecast")
    model, matrix = run._model(context, run.train_stage(context)), panel_and_matrix(context)[1]
    result = explain(model, matrix, np.arange(matrix.n_rows))
    by_external = result["date"] < "2016-05-23"
    assert result["external_share"].tolist() == by_external.astype(float).tolist()
    assert result[f"{model.facts['carrier']}_share"].tolist() == (~by_external).astype(float).tolist()
    units = result[[f"{term}_units" for term in TERMS]].sum(axis=1)
    assert units.to_numpy() == pytest.approx(result["mean_units"].to_numpy())


@pytest.mark.parametrize(("model", "is_noted"), [("auto", True), ("external", False)])
def test_only_a_combination_says_that_shifted_series_are_forecast_at_their_new_level(
    given: Given, demo_tables: Tables, model: str, is_noted: bool
) -> None:
    """No other kind looks for shifts, and its rows never have the tier `level_shift`."""
    sales = pd.read_parquet(Path(given(None).inputs.path) / "sales.parquet")
    late = sales["date"] >= "2016-04-28"
    sales.loc[late, "units_sold"] = 8.0 * sales.loc[late, "units_sold"] + 20.0
    sales.to_parquet(Path(given(None).inputs.path) / "sales.parquet")
    chosen = given({"external_forecast": _means(demo_tables, "2016-02-01", "2016-05-29")}, f"forecast.model={model}")
    context = run.validate_stage(chosen, AS_OF, "forecast")
    notes = run.forecast_stage(context, run.train_stage(context)).notes
    assert any("level_shift" in note for note in notes) == is_noted
