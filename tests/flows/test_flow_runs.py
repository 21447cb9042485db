"""A nightly run as a flow run: what Prefect shows of it, what happens when a service does not answer, several dates.

One temporary server and one planned date for the file; most tests go on from copies of that date's warehouse. What a stage
does is tested without Prefect (``test_run``).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed
from prefect.testing.utilities import prefect_test_harness

from flows import backfill
from flows.attribution import why
from flows.nightly import nightly, waiting_may_help
from flows.review_page import review
from flows.servers import free_port
from flows.what_if import what_if
from forestock.cli.run import run_backfill
from foundation.errors import ConfigurationError, InputError, StageError
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse
from pipeline.attribution import AttributionRequest
from pipeline.backfill import Span
from pipeline.configuration import load_settings
from pipeline.results import RefusedError, Result
from pipeline.run import completed_run_by_mark
from pipeline.what_if import WhatIfRequest
from tests.conftest import Tables
from tests.flows.conftest import QUICK, with_cheap_trucks

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]
MONDAY = date(2016, 5, 23)
Overrides = list[str]


@pytest.fixture(scope="session")
def server() -> Iterator[None]:
    """Run Prefect's temporary server for the session."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


def _overrides(folder: Path) -> Overrides:
    """Return what makes the demo small and quick, with inputs and warehouse in ``folder``."""
    return [
        *QUICK,
        f"inputs.path={folder / 'inputs'}",
        f"warehouse={folder / 'warehouse'}",
        "positioning.max_gap_rate=1.0",
    ]


@pytest.fixture(scope="module")
def first_run(server: None, _demo_cut: Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Return a folder with inputs and the warehouse of one nightly run, and what the run returned; tests copy the folder."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "inputs").mkdir()
    for name, frame in _demo_cut.items():
        frame.to_parquet(folder / "inputs" / f"{name}.parquet")
    return folder, nightly("demo", None, _overrides(folder))


@pytest.fixture
def overrides(first_run: tuple[Path, Result], tmp_path: Path) -> Overrides:
    """Return settings of the test's own inputs, with a warehouse that holds the first run."""
    shutil.copytree(first_run[0], tmp_path, dirs_exist_ok=True)
    return _overrides(tmp_path)


@pytest.fixture
def empty_overrides(server: None, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path) -> Overrides:
    """Return settings of the test's own inputs, with an empty warehouse."""
    write_tables(demo_tables, tmp_path / "inputs")
    return _overrides(tmp_path)


def _runs() -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return list(client.read_flow_runs())


def _artifact_types(key: str) -> set[str | None]:
    async def read() -> set[str | None]:
        async with get_client() as client:
            result = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
            return {artifact.type for artifact in result}

    return asyncio.run(read())


def test_a_run_leaves_a_plan_a_page_a_record_and_a_named_run(first_run: tuple[Path, Result]) -> None:
    _, result = first_run
    warehouse = Warehouse(result.context.settings)
    assert result.context.as_of == MONDAY
    assert warehouse.dates("forecast") == warehouse.dates("plan") == [MONDAY]
    assert result.page is not None
    assert "<html" in Path(result.page).read_text()
    assert any(note.startswith("MLflow: demo version 1") for note in result.notes)
    run = next(run for run in _runs() if run.name == f"nightly-{MONDAY}")
    assert run.state_name == "Completed"
    assert {"demo", "2016-05-23"} <= set(run.tags)
    assert any("of the experiment demo-plans has the page" in note for note in result.notes)
    assert _artifact_types("demo-summary") == {"markdown"}
    assert _artifact_types("demo-page") == {"markdown"}  # what Prefect makes of a link


def test_a_what_if_and_a_why_leave_their_answers_on_their_runs(overrides: Overrides) -> None:
    """Run as deployments, both have no terminal to print to; ``why`` needs days that lie after the plan."""
    day = date(2016, 5, 9)
    nightly("demo", day, overrides)
    done = what_if("demo", WhatIfRequest(day, (), ("lost_lanes=[SUP>MCI]",)), overrides)
    assert any(note.startswith("MLflow: children of run ") for note in done.notes)
    text = why("demo", AttributionRequest(day), overrides)
    assert "Stockouts, costliest first" in text or "No hub had a stockout" in text
    for topic in ("what-if", "why"):
        assert _artifact_types(f"demo-{topic}") == {"markdown"}
        assert any(run.name == f"{topic}-{day}" and run.state_name == "Completed" for run in _runs())


@pytest.mark.slow
def test_a_run_plans_when_mlflow_is_away(overrides: Overrides) -> None:
    """The record is for people; a planner's morning must not wait for it."""
    result: Result = nightly("demo", MONDAY, [*overrides, "tracking_uri=http://127.0.0.1:9"])
    assert result.planned is not None
    assert any("MLflow could not be used" in note for note in result.notes)


def test_bad_input_fails_the_run_at_once_with_its_own_error(
    empty_overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """Waiting does not mend a file, so it is not tried again; and no stage hides which error it was."""
    del demo_tables["lanes"]
    write_tables(demo_tables, tmp_path / "bad")
    with pytest.raises(InputError, match="lanes"):
        nightly("demo", MONDAY, [*empty_overrides, f"inputs.path={tmp_path / 'bad'}"])
    assert not (tmp_path / "warehouse" / "plan").exists()


def test_a_source_that_does_not_answer_is_asked_again_and_a_fault_in_data_is_not(
    empty_overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    del demo_tables["lanes"]
    write_tables(demo_tables, tmp_path / "bad")
    away = f"inputs.path=postgresql+psycopg://ann:s3cret@127.0.0.1:{free_port()}/db"
    for place, may_help in ((away, True), (f"inputs.path={tmp_path / 'bad'}", False)):
        with pytest.raises(InputError) as fault:
            snapshot.accept(load_settings("demo", [*empty_overrides, place]), MONDAY, "rebalance")
        assert waiting_may_help(None, None, Failed(data=fault.value)) is may_help
        assert "s3cret" not in str(fault.value)


def test_the_page_is_written_again_as_a_flow_and_a_plan_that_is_not_there_is_named(
    overrides: Overrides, first_run: tuple[Path, Result], tmp_path: Path
) -> None:
    folder, first = first_run
    page = tmp_path / Path(str(first.page)).relative_to(folder)
    page.unlink()
    assert review("demo", None, overrides) == str(page)
    assert "<html" in page.read_text("utf-8")
    with pytest.raises(ConfigurationError, match="no plan of 2016-05-16; there are plans of 2016-05-23"):
        review("demo", date(2016, 5, 16), overrides)


@pytest.mark.slow
def test_a_backfill_retrains_on_each_planning_date_if_requested(empty_overrides: Overrides) -> None:
    """Else a Wednesday uses Monday's model, the one it would have used then."""
    wednesday = date(2016, 5, 18)
    run_backfill("demo", Span(wednesday, wednesday), empty_overrides)
    plan = Warehouse(load_settings("demo", empty_overrides)).read("plan", wednesday)
    assert "20160516" in plan["model_version"].iloc[0]
    run_backfill("demo", Span(wednesday, wednesday, is_retrained=True), empty_overrides)
    plan = Warehouse(load_settings("demo", empty_overrides)).read("plan", wednesday)
    assert "20160518" in plan["model_version"].iloc[0]


def test_a_refused_plan_fails_the_run_and_brings_what_was_kept(
    overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """With trucks at a fortieth of their cost some go, and the bound may split them."""
    write_tables(demo_tables | {"lanes": with_cheap_trucks(demo_tables["lanes"], 40.0)}, tmp_path / "inputs")
    with pytest.raises(RefusedError, match="max_gap_rate") as refusal:
        nightly("demo", MONDAY, [*overrides, "positioning.max_gap_rate=0.0"])
    assert refusal.value.exit_code == 4
    assert refusal.value.result.page is not None


def test_a_plan_refused_without_its_page_asked_for_leaves_no_page_of_another(
    overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """`forestock rebalance` makes no page; the one of the plan before would go on promising its saving."""
    write_tables(demo_tables | {"lanes": with_cheap_trucks(demo_tables["lanes"], 40.0)}, tmp_path / "inputs")
    page = Path(str(nightly("demo", MONDAY, overrides).page))
    assert "max_gap_rate" not in page.read_text("utf-8")
    with pytest.raises(RefusedError):
        nightly("demo", MONDAY, [*overrides, "positioning.max_gap_rate=0.0"], until="rebalance")
    assert "max_gap_rate" in page.read_text("utf-8")


def test_a_backfill_goes_on_where_it_stopped_and_names_what_failed(
    overrides: Overrides, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run has planned 2016-05-23; 2016-03-21 lies before the first stock snapshot, so that it fails."""
    planned = date(2016, 5, 16)
    span = Span(planned, MONDAY, 7)
    run_backfill("demo", span, overrides)
    assert capsys.readouterr().out.count("planned") == 1
    again = [backfill.run_past_date("demo", as_of, overrides, False) for as_of in (date(2016, 3, 21), planned)]
    assert [report.outcome for report in again] == ["failed", "done before"]
    assert "stock" in again[0].message
    settings = load_settings("demo", overrides)
    assert completed_run_by_mark(settings, planned) is not None
    assert completed_run_by_mark(load_settings("demo", [*overrides, "positioning.seed=2"]), planned) is None
    lanes = Path(settings.inputs.path) / "lanes.parquet"
    lanes.write_bytes(lanes.read_bytes())  # written anew: only reading can tell that it is the same
    assert completed_run_by_mark(settings, planned) is None
    assert backfill.run_past_date("demo", planned, overrides, False).outcome == "done before"
    with pytest.raises(StageError, match="1 of 1 runs failed: 2016-03-21"):
        run_backfill("demo", Span(date(2016, 3, 21), date(2016, 3, 21)), overrides)
