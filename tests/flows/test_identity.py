"""Identities change exactly when rows can change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features import build_panel, read_hashes, training_set
from foundation.checkpoint import recompute
from foundation.settings import Settings
from foundation.store.code_version import code_version, syntax
from models import train
from pipeline import run as stages
from pipeline.configuration import load_settings
from pipeline.identity import forecast_identity, run_identity, training_identity
from tests.conftest import Tables
from tests.flows.conftest import QUICK
from tests.worlds import small_world

AS_OF = date(2016, 5, 23)


def _identities(*overrides: str, fingerprint: str = "a") -> tuple[str, str, str]:
    settings = load_settings("demo", overrides)
    forecast = forecast_identity(settings, AS_OF, fingerprint, "model")
    run = run_identity(settings, forecast, fingerprint, "none")
    return training_identity(settings, AS_OF, fingerprint), forecast, run


@pytest.mark.parametrize(
    "override",
    [
        "warehouse=elsewhere",
        "tracking_uri=http://host",
        "forecast.threads=7",
        "forecast.train_every_days=14",
        "positioning.processes=9",
        "review.title=T",
    ],
)
def test_places_and_numbers_of_workers_change_no_identity(override: str) -> None:
    """A parallel backfill halves the threads and must find the same models."""
    assert _identities(override) == _identities()


@pytest.mark.parametrize("override", ["forecast.seed=1", "horizon=35", "series.closed_days=[]", "frequency=W-MON"])
def test_a_setting_of_the_forecast_changes_all_three_identities(override: str) -> None:
    assert all(new != old for new, old in zip(_identities(override), _identities(), strict=True))


@pytest.mark.parametrize("override", ["positioning.seed=1", "positioning.kinds=[supply]"])
def test_a_setting_of_the_plan_changes_only_its_identity(override: str) -> None:
    new, old = _identities(override), _identities()
    assert new[:2] == old[:2]
    assert new[2] != old[2]


def test_other_inputs_change_the_identities() -> None:
    assert all(new != old for new, old in zip(_identities(fingerprint="b"), _identities(), strict=True))


def test_a_plan_depends_on_all_inputs_and_its_forecast_does_not() -> None:
    settings = load_settings("demo")
    assert run_identity(settings, "forecast", "inputs", "none") != run_identity(settings, "forecast", "others", "none")


# What one edited table recomputes: T a model, F a forecast, P a plan.
EDITS: dict[str, tuple[str, Callable[[Tables], None]]] = {
    "a sale": ("TFP", lambda tables: _set(tables["sales"], 5, "units_sold", 9)),
    "a price of before": ("TFP", lambda tables: _set(tables["prices"], 0, "unit_price_eur", 99.0)),
    "a price announced after the training date": ("FP", lambda tables: _add(tables, "prices", date="2016-05-18")),
    "a price beyond the horizon": ("P", lambda tables: _add(tables, "prices", date="2017-05-25")),
    "weather of before": ("TFP", lambda tables: _flag(tables["regional"], "2016-05-02")),
    "a known flag of next week": ("FP", lambda tables: _flag(tables["regional"], "2016-05-18")),
    "an event": ("TFP", lambda tables: _add(tables, "calendar", date="2016-05-20", event="Fair")),
    "a country": ("P", lambda tables: _set(tables["regions"], 0, "country", "CA")),
    "a department": ("TFP", lambda tables: _set(tables["skus"], 0, "department", "OTHER")),
    "a unit cost": ("P", lambda tables: _set(tables["skus"], 0, "unit_cost_eur", 0.5)),
    "a delisting of next year": ("P", lambda tables: _set(tables["skus"], 0, "delist_date", pd.Timestamp("2017-06-01"))),
    "a new SKU without sales": ("P", lambda tables: _add(tables, "skus", sku="NEW")),
    "a return": ("TFP", lambda tables: _set(tables["returns"], 0, "units_returned", 5.0)),
    "the reason of a return": ("P", lambda tables: _set(tables["returns"], 0, "reason", "worn")),
    "a lane price": ("P", lambda tables: _set(tables["lanes"], 0, "eur_per_unit", 7.0)),
    "a count of stock": ("P", lambda tables: _set(tables["stock"], 0, "units_on_hand", 77)),
    "an order line": ("P", lambda tables: tables.update(inbound=tables["inbound"].iloc[1:])),
    "an offer": ("P", lambda tables: tables.update(supply=tables["supply"].iloc[1:])),
    "a hub's capacity": ("P", lambda tables: _set(tables["hubs"], 0, "storage_l", 12345.0)),
    "a promise": ("P", lambda tables: _set(tables["promises"], 0, "promise_days", 9)),
}  # fmt: skip


def _set(frame: pd.DataFrame, row: int, column: str, value: object) -> None:
    if column not in frame:
        frame[column] = pd.NaT if isinstance(value, pd.Timestamp) else None
    frame.loc[frame.index[row], column] = value


def _flag(regional: pd.DataFrame, day: str) -> None:
    is_meant = regional["date"] == pd.Timestamp(day)
    regional.loc[is_meant, "snap"] = 1 - regional.loc[is_meant, "snap"]


def _add(tables: Tables, name: str, **values: object) -> None:
    row = tables[name].iloc[[-1]].assign(**values)
    if "date" in row:
        row["date"] = pd.to_datetime(row["date"]).astype(tables[name]["date"].dtype)
    tables[name] = pd.concat([tables[name], row.astype(tables[name].dtypes.to_dict())], ignore_index=True)


def _rich(tables: Tables) -> Tables:
    sales = tables["sales"]
    row = {"date": pd.to_datetime(["2016-05-02"]), "region": sales["region"].iloc[0], "sku": sales["sku"].iloc[0]}
    tables["returns"] = pd.DataFrame(row | {"units_returned": [1.0], "reason": ["damaged"]})
    tables["skus"]["delist_date"] = pd.Series(pd.NaT, index=tables["skus"].index, dtype="datetime64[us]")
    return tables


@pytest.fixture(scope="module")
def identities(_demo_cut: Tables, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[str, str, str]]:
    """Return a function that gives the identities of a Thursday's run, three days after its training date, after one edit."""
    root = tmp_path_factory.mktemp("identities")

    @cache
    def identities(edit: str) -> tuple[str, str, str]:
        tables = _rich({name: frame.copy() for name, frame in _demo_cut.items()})
        for name, column in (("stock", "date"), ("inbound", "as_of")):  # the snapshot that counts stands first
            kept = tables[name][tables[name][column] <= pd.Timestamp("2016-05-19")]
            tables[name] = kept.sort_values(column, ascending=False, kind="stable").reset_index(drop=True)
        if edit:
            EDITS[edit][1](tables)
        folder = root / f"inputs-{edit or 'none'}".replace(" ", "-")
        folder.mkdir()
        for name, frame in tables.items():
            frame.to_parquet(folder / f"{name}.parquet")
        settings = load_settings("demo", [f"inputs.path={folder}", f"warehouse={root / 'warehouse'}", *QUICK])
        context = stages.validate_stage(settings, date(2016, 5, 19), "rebalance")
        training = training_identity(settings, context.training.as_of, context.training.training_reads)
        forecast = forecast_identity(settings, context.as_of, context.inputs.forecast_reads, "model")
        return training, forecast, run_identity(settings, forecast, context.inputs.fingerprint, "none")

    return identities


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_recomputes_only_the_stages_that_read_the_table(
    edit: str, identities: Callable[[str], tuple[str, str, str]]
) -> None:
    """A daily delivery of order lines must not train an identical model in every run."""
    before, after = identities(""), identities(edit)
    changed = "".join(letter for letter, old, new in zip("TFP", before, after, strict=True) if old != new)
    assert changed == EDITS[edit][0]


def test_a_model_is_not_trained_again_for_an_order_line(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = tmp_path / "inputs"
    settings = settings_for(write_tables(demo_tables, folder), *QUICK)
    first = stages.train_stage(stages.validate_stage(settings, AS_OF, "rebalance"))
    EDITS["an order line"][1](demo_tables)
    EDITS["a lane price"][1](demo_tables)
    write_tables(demo_tables, folder)
    second = stages.train_stage(stages.validate_stage(settings, AS_OF, "rebalance"))
    assert (first.is_new, second.is_new, second.identity) == (True, False, first.identity)


@pytest.mark.parametrize("column", ["unit_price_eur", "is_promoted", "snap", "temperature", "unit_cost_eur", "event"])
def test_a_value_outside_the_training_hash_changes_no_model(column: str) -> None:
    """The hash of the training data must be complete: a value outside it must not change a byte of the model."""
    settings, day = small_world.settings(), small_world.AS_OF
    tables = small_world.tables()
    tables["skus"]["unit_cost_eur"] = 1.0
    name = next(name for name, frame in tables.items() if column in frame)
    models = {}
    for seed in range(3):
        changed = {one: frame.copy() for one, frame in tables.items()}
        draw, frame = np.random.default_rng(seed), changed[name]
        beyond = day + timedelta(days=settings.horizon if name == "calendar" else 0)
        is_later = frame["date"] >= pd.Timestamp(beyond) if "date" in frame else frame["sku"].notna()
        if seed:
            frame.loc[is_later, column] = draw.permutation(frame[column].to_numpy())[: is_later.sum()]
        model = train(training_set(build_panel(changed, settings, day), settings), settings, day, recompute)
        models[read_hashes(changed, settings, day).training, repr(sorted(model.to_files().items()))] = seed
    assert len(models) == 1


def test_code_versions_ignore_comments_and_formatting() -> None:
    plain = 'def f(x):\n    "Say."\n    return x + 1\n'
    assert syntax(plain) == syntax('# why\ndef f( x ):\n    """Say it otherwise."""\n\n    return (x+1)\n')
    assert syntax(plain) != syntax(plain.replace("+ 1", "+ 2"))
    assert syntax("x = 'a'") != syntax("x = 'b'")
    assert syntax("x: 'a'\n") != syntax("x = 'a'\n")


def test_a_single_module_has_a_version() -> None:
    assert code_version("pipeline.fallback") != code_version("pipeline.run")
    with pytest.raises(ModuleNotFoundError):
        code_version("flows.no_such_module")
