"""``forestock init --from SYSTEM``: exports in the system's own form pass validation, sum up exactly, and give a plan."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.configuration import load_settings
from foundation.settings import Settings
from foundation.store.snapshot import validate_inputs
from foundation.store.warehouse import Warehouse
from foundation.validation.validate import ValidationResult
from pipeline import run
from pipeline.network import build_network
from pipeline.new_project.starters import STARTERS
from tests.conventions.repository import ROOT
from tests.worlds.system_exports import HUBS, SKUS, SYSTEMS, orders, sold

_QUICK = (
    "forecast.model=recent_mean", "positioning.processes=1", "positioning.out_of_sample_scenarios=50", "positioning.scenarios=10",
    "positioning.max_gap_rate=1",
)  # fmt: skip
_RETURNS = {"odoo", "erpnext"}


def _project(system: str, folder: Path, *overrides: str) -> Settings:
    """Make the project, put the exports into it, and build its network; only the places of the hubs are given."""
    project = folder / "shop"
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["init", str(project), "--from", system])
    assert shown.exit_code == 0, shown.output
    for file in STARTERS[system].exports:
        assert f"exports/{file}" in shown.output
    SYSTEMS[system](project / "exports")
    hubs = [f"{hub} - S" if system == "erpnext" else hub for hub in HUBS]
    places = f"network.hubs={{{hubs[0]}: DE, {hubs[1]}: AT}}"
    if system == "frepple":
        places = f"network.regions={{Germany: DE, Austria: AT, Poland: PL}},{places}"
    settings = load_settings(project / "forestock.yaml", [*_split(places), *overrides])
    build_network(settings)
    return settings


def _split(places: str) -> list[str]:
    regions, _, hubs = places.partition(",network.hubs")
    return [regions, f"network.hubs{hubs}"] if hubs else [places]


def _validated(settings: Settings) -> ValidationResult:
    return validate_inputs(settings, None, "rebalance")


@pytest.mark.parametrize("system", SYSTEMS)
def test_exports_pass_validation_and_sum_up_exactly(system: str, tmp_path: Path) -> None:
    result = _validated(_project(system, tmp_path))
    assert (result.stops, [str(fault) for fault in result.faults]) == (False, [])
    assert str(result.as_of) == "2024-06-03"
    sales, skus, stock, inbound = (result.tables.get(name) for name in ("sales", "skus", "stock", "inbound"))
    assert sales is not None
    assert sales.groupby("sku", observed=True)["units_sold"].sum().rename(index=str).to_dict() == sold()
    assert skus is not None
    assert set(skus["sku"]) == set(SKUS)
    assert skus["unit_cost_eur"].tolist() == [5.0] * 5
    assert skus["mass_kg"].tolist() == [0.5] * 5
    assert stock is not None
    by_hub = stock.groupby("hub", observed=True)["units_on_hand"].sum()
    assert sorted(by_hub.tolist()) == [3 * 5, 400 * 5]
    if system == "shopify":
        assert inbound is None
    else:
        assert inbound is not None
        assert inbound.loc[inbound["sku"] == "A-100", "units"].tolist() == [6]
        assert inbound["arrival_date"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2024-06-05"]
    n_returns = sum(units < 0 for *_, lines in orders() for _, units in lines) if system in _RETURNS else 0
    assert len(result.tables.get("returns", ())) == n_returns


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_exports_give_a_plan_that_fills_the_empty_hub(system: str, tmp_path: Path, empty_store: Path) -> None:
    settings = _project(system, tmp_path, *_QUICK)
    Path(settings.warehouse).mkdir(parents=True)
    shutil.copy(empty_store, settings.warehouse)
    stages = run.validate_stage(settings, None, "rebalance")
    try:
        run.rebalance_stage(stages, run.forecast_stage(stages, run.train_stage(stages)))
    finally:
        run.release(stages)
    proposals = Warehouse(settings).read("transfer")
    assert len(proposals) > 0
    assert {str(place)[:6] for place in proposals["destination"]} == {"Berlin"}
    assert proposals["benefit_eur"].sum() > 0


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_guide_describes_every_file_and_field(system: str) -> None:
    text = (ROOT / "docs" / "how-to" / "start-from-another-system.md").read_text("utf-8")
    starter = STARTERS[system]
    section = text.partition(f"\n## {starter.title}\n")[2].partition("\n## ")[0]
    for file in starter.exports:
        assert f"`{file}`" in section
    settings = load_settings_of(starter.mapping)
    for mapping in settings.inputs.tables.values():
        for field in (*mapping.columns, *mapping.where, *mapping.where_not, *mapping.fill_down):
            assert f"`{field}`" in section, field


def load_settings_of(mapping: str) -> Settings:
    """Return settings whose inputs are read by the lines of a mapping."""
    import yaml

    return Settings.model_validate({"inputs": {"path": "data", **yaml.safe_load(f"inputs:\n{mapping}")["inputs"]}})
