"""What-ifs from a plan of record to tables and a page; the plan of record stays unchanged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import ConfigurationError
from foundation.settings import Settings, WhatIf
from foundation.store import files
from foundation.store.warehouse import Warehouse
from pipeline import run
from pipeline.configuration import load_settings
from pipeline.what_if import TABLES, WhatIfRequest, compare_with_record, date_of_record, requested_changes
from tests.flows.conftest import PLANNED as AS_OF
from tests.flows.conftest import Command

CONFIGURED = "what_if=[{name: lost, lost_lanes: [SUP>MCI]}, {name: carbon, positioning: {carbon_eur_per_t: 200}}]"


@pytest.fixture
def planned(planned_settings: Callable[..., Settings]) -> Settings:
    """Return the settings of a warehouse that holds a plan of AS_OF."""
    return planned_settings(CONFIGURED)


def _tables(settings: Settings, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    return {name: Warehouse(settings).read(name, AS_OF) for name in names}


def test_a_what_if_is_compared_with_the_plan_of_record_without_changing_it(planned: Settings) -> None:
    before = _tables(planned, run.PLAN_TABLES)
    done = compare_with_record(planned, [*planned.what_if, WhatIf(name="nothing")], AS_OF)
    for name, frame in _tables(planned, run.PLAN_TABLES).items():
        pd.testing.assert_frame_equal(frame, before[name], check_exact=True)
    assert not [note for note in done.notes if "another forecast" in note]
    rows = done.what_if.set_index("what_if")
    assert list(rows.index) == ["carbon", "lost", "nothing"]
    record = before["plan"].iloc[0]
    assert rows.loc["nothing", "total_eur"] == record["total_eur"]
    assert rows.loc["nothing", "kept_total_eur"] == pytest.approx(record["total_eur"])
    assert rows.loc["carbon", "carbon_eur_after"] > 0
    lines = Warehouse(planned).read("what_if_line", AS_OF)
    assert set(lines.loc[lines["what_if"] == "nothing", "difference"]) <= {"same"}
    assert (lines.loc[lines["lane"] == "SUP>MCI"].query("what_if == 'lost'")["units"] == 0).all()
    page = files.read_text(done.page)
    assert all(f">{name}</h2>" in page for name in rows.index)


def test_a_what_if_replaces_only_the_one_of_its_name(planned: Settings) -> None:
    compare_with_record(planned, planned.what_if, AS_OF)
    first = _tables(planned, TABLES)
    compare_with_record(planned, [WhatIf(name="lost", closed_hubs=("ONT",))], AS_OF)
    again = _tables(planned, TABLES)
    assert set(again["what_if"]["what_if"]) == {"lost", "carbon"}
    for name in TABLES:
        kept = [frame[frame["what_if"] == "carbon"].reset_index(drop=True) for frame in (first[name], again[name])]
        pd.testing.assert_frame_equal(*kept, check_exact=True)
    assert "ONT" in again["what_if"].set_index("what_if").loc["lost", "changes"]


def test_the_same_what_if_twice_gives_the_same_rows(planned: Settings) -> None:
    compare_with_record(planned, planned.what_if, AS_OF)
    first = _tables(planned, TABLES)
    compare_with_record(planned, planned.what_if, AS_OF)
    for name, frame in _tables(planned, TABLES).items():
        pd.testing.assert_frame_equal(frame, first[name], check_exact=True)


def test_what_ifs_in_a_configuration_change_no_identity(planned: Settings) -> None:
    """A what-if of a closed hub must not train a new model."""
    context = run.validate_stage(planned.model_copy(update={"what_if": ()}), AS_OF, "rebalance")
    assert not run.train_stage(context).is_new
    assert not run.forecast_stage(context, run.train_stage(context)).is_new


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("what_if=[{name: a, closed_hub: [ONT]}]", "did you mean 'closed_hubs'"),
        ("what_if=[{name: a}, {name: a}]", "two have the same name"),
        ("what_if=[{name: a, positioning: {carbon_eur: 3}}]", "what_if a: positioning.carbon_eur"),
        ("what_if=[{name: a, demand_factor: {CA_1: -1}}]", "demand_factor"),
    ],
)
def test_a_wrong_what_if_is_refused_with_the_configuration(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings("demo", [override])


def test_requested_what_ifs_are_selected_and_unknown_ones_refused(tmp_path: Path) -> None:
    settings = load_settings("demo", [CONFIGURED, f"warehouse={tmp_path}"])
    assert [change.name for change in requested_changes(settings, WhatIfRequest())] == ["lost", "carbon"]
    assert [change.name for change in requested_changes(settings, WhatIfRequest(names=("carbon",)))] == ["carbon"]
    (change,) = requested_changes(
        settings, WhatIfRequest(names=("custom",), changes=("demand_factor={CA_1: 1.3}", "positioning.scenarios=5"))
    )
    assert change == WhatIf(name="custom", demand_factor={"CA_1": 1.3}, positioning={"scenarios": 5})
    with pytest.raises(ConfigurationError, match="did you mean 'carbon'"):
        requested_changes(settings, WhatIfRequest(names=("carbn",)))
    with pytest.raises(ConfigurationError, match=r"positioning\.senarios"):
        requested_changes(settings, WhatIfRequest(changes=("positioning.senarios=5",)))
    with pytest.raises(ConfigurationError, match="has no plan of any date"):
        date_of_record(settings, None)


def test_the_command_reports_a_fault_of_a_change(cli: Command) -> None:
    ended = cli("what-if", "--config", "demo", "--change", "closed_hub=[ONT]")
    assert ended.returncode == 2
    assert ended.stderr.strip() == "error: closed_hub: unknown key (did you mean 'closed_hubs'?) (in --change)"
