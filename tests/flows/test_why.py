"""Attribution, from a plan and later data to tables; the notebook with the same analysis."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from forestock.cli.explore import check_named, print_attribution
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.attribution import AttributionRequest, run_attribution
from tests.conftest import Tables, built_once
from tests.conventions.repository import ROOT
from tests.flows.conftest import QUICK, Command, copy_built
from tests.flows.test_run import _play

AS_OF, UNTIL = date(2016, 5, 9), date(2016, 5, 23)


@pytest.fixture(scope="session")
def planned(_demo_cut: Tables, write_tables: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with inputs and a warehouse with a plan of AS_OF; one SKU has no stock at one of its hubs."""
    stock = _demo_cut["stock"].copy()
    stock.loc[(stock["hub"] == "ONT") & (stock["sku"] == "FOODS_3_586"), "units_on_hand"] = 0
    stock["units_reserved"] = 0
    days = pd.to_datetime(["2016-05-10", "2016-05-12"])
    returns = pd.DataFrame({"date": days, "region": "CA_1", "sku": "FOODS_3_586", "units_returned": [2.0, 1.0]})

    def build(folder: Path) -> None:
        write_tables({**_demo_cut, "stock": stock, "returns": returns}, folder / "inputs")
        _play(_settings(folder), AS_OF)

    return built_once(tmp_path_factory, "why", build)


def _settings(folder: Path) -> Settings:
    return load_settings("demo", [f"inputs.path={folder / 'inputs'}", f"warehouse={folder / 'warehouse'}", *QUICK])


@pytest.fixture
def happened(planned: Path, tmp_path: Path) -> Settings:
    """Return the settings of a copy of the warehouse."""
    copy_built(planned, tmp_path)
    return _settings(tmp_path)


def test_shares_of_every_hub_that_ran_out_are_written_and_add_up_to_one(happened: Settings) -> None:
    answer = run_attribution(happened, AttributionRequest(AS_OF))
    assert answer.until == UNTIL
    kept = Warehouse(happened).read("cause", AS_OF)
    pd.testing.assert_frame_equal(kept, answer.causes)
    stockout = kept[kept["question"] == "stockout"]
    assert stockout.groupby(["hub", "sku"])["share_rate"].sum().to_numpy() == pytest.approx(1.0)
    assert ("ONT", "FOODS_3_586") in set(stockout[["hub", "sku"]].itertuples(index=False, name=None))
    assert (stockout["eur"] >= 0).all()
    result = Warehouse(happened).read("return_finding", AS_OF)
    assert result.set_index(["kind", "place"]).loc[("sku", "FOODS_3_586"), "units_returned"] == 3.0


def test_a_repeated_attribution_gives_the_same_rows(happened: Settings) -> None:
    first = run_attribution(happened, AttributionRequest(AS_OF)).causes
    pd.testing.assert_frame_equal(run_attribution(happened, AttributionRequest(AS_OF)).causes, first, check_exact=True)


def test_the_printed_result_names_the_first_cause_within_80_columns(happened: Settings) -> None:
    console = Console(width=80, record=True, file=StringIO())
    print_attribution(run_attribution(happened, AttributionRequest(AS_OF)), ("ONT", "FOODS_3_586"), console)
    parts = console.export_text()
    assert "FOODS_3_586" in parts
    assert " stockouts: " in parts
    assert max(map(len, parts.splitlines())) <= 80


def test_a_plan_without_later_data_is_refused_with_the_remedy(happened: Settings) -> None:
    with pytest.raises(ConfigurationError, match="there is no data after"):
        run_attribution(happened, AttributionRequest(AS_OF, AS_OF))
    with pytest.raises(ConfigurationError, match="has no plan of 2016-05-01"):
        run_attribution(happened, AttributionRequest(date(2016, 5, 1)))


@pytest.mark.parametrize(("only", "message"), [(("NOPE", None), "--hub NOPE"), (("ONT", "NOPE"), "--sku NOPE")])
def test_an_unknown_hub_or_sku_is_refused(only: tuple[str, str | None], message: str) -> None:
    """With a mistyped name, "no hub ran out" would be misread as a result."""
    known = pd.DataFrame({"hub": ["ONT", "MCI"], "sku": ["FOODS_3_586"] * 2})
    check_named(known, ("ONT", "FOODS_3_586"))
    with pytest.raises(ConfigurationError, match=message):
        check_named(known, only)


def test_the_notebook_runs_to_its_end(happened: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    run_attribution(happened, AttributionRequest(AS_OF))
    monkeypatch.setattr(sys, "argv", ["why_out_of_stock.py", happened.warehouse])
    runpy.run_path(str(ROOT / "docs" / "why_out_of_stock.py"))
    assert " ran out of " in capsys.readouterr().out.splitlines()[-1]


def test_the_command_reports_a_missing_plan(cli: Command, tmp_path: Path) -> None:
    ended = cli("why", "--config", "demo", "--set", f"warehouse={tmp_path / 'nothing'}")
    assert ended.returncode == 2
    assert ended.stderr.strip().splitlines()[-1].startswith("error: there is no data after the plans in")
