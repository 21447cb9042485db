"""A nightly run as a flow run: its runs and artifacts in Prefect, unavailable services, several dates.

One temporary server and one planned date for the file; most tests start from copies of that date's warehouse. Stages are
tested without Prefect (``test_run``).
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
from prefect.client.schemas.objects import Artifact, FlowRun
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
from pipeline.completed import completed_run_by_mark
from pipeline.configuration import load_settings
from pipeline.results import RefusedError, Result
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
    """Return overrides that make the demo small and quick, with inputs and warehouse in ``folder``."""
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


def _artifacts(key: str) -> list[Artifact]:
    async def read() -> list[Artifact]:
        async with get_client() as client:
            return await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))

    return asyncio.run(read())


def _artifact_types(key: str) -> set[str | None]:
    return {artifact.type for artifact in _artifacts(key)}


def test_a_nightly_run_writes_a_plan_a_page_a_record_and_a_named_run(first_run: tuple[Path, Result]) -> None:
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
    assert _artifact_types("demo-page") == {"markdown"}  # Prefect stores a link as Markdown
    links = [artifact.data for artifact in _artifacts("demo-page")]
    assert links[-1] == f"[Plan of {MONDAY} in the workspace](http://127.0.0.1:8050/?as_of={MONDAY})"


def test_what_if_and_why_publish_artifacts_on_their_runs(overrides: Overrides) -> None:
    """As deployments, both have no terminal; ``why`` needs days after the plan."""
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
    """The plan must not wait for its record in MLflow."""
    result: Result = nightly("demo", MONDAY, [*overrides, "tracking_uri=http://127.0.0.1:9"])
    assert result.planned is not None
    assert any("MLflow could not be reached" in note for note in result.notes)


def test_bad_input_fails_the_run_at_once_with_its_own_error(
    empty_overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """A retry cannot correct a file, so the run fails at once, with the original error."""
    del demo_tables["lanes"]
    write_tables(demo_tables, tmp_path / "bad")
    with pytest.raises(InputError, match="lanes"):
        nightly("demo", MONDAY, [*empty_overrides, f"inputs.path={tmp_path / 'bad'}"])
    assert not (tmp_path / "warehouse" / "plan").exists()


def test_an_unavailable_source_is_retried_and_a_fault_in_data_is_not(
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


def test_the_review_flow_rewrites_the_page_and_reports_a_missing_plan(
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
    """By default a Wednesday uses Monday's model, as its nightly run did."""
    wednesday = date(2016, 5, 18)
    run_backfill("demo", Span(wednesday, wednesday), empty_overrides)
    plan = Warehouse(load_settings("demo", empty_overrides)).read("plan", wednesday)
    assert "20160516" in plan["model_version"].iloc[0]
    run_backfill("demo", Span(wednesday, wednesday, is_retrained=True), empty_overrides)
    plan = Warehouse(load_settings("demo", empty_overrides)).read("plan", wednesday)
    assert "20160518" in plan["model_version"].iloc[0]


def test_a_refused_plan_fails_the_run_and_keeps_its_page(
    overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """With loads at a fortieth of their cost some pay, and the bound uses fractions of them."""
    write_tables(demo_tables | {"lanes": with_cheap_trucks(demo_tables["lanes"], 40.0)}, tmp_path / "inputs")
    with pytest.raises(RefusedError, match="max_gap_rate") as refusal:
        nightly("demo", MONDAY, [*overrides, "positioning.max_gap_rate=0.0"])
    assert refusal.value.exit_code == 4
    assert refusal.value.result.page is not None


def test_a_plan_refused_by_rebalance_replaces_the_page_of_the_previous_plan(
    overrides: Overrides, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """`forestock rebalance` writes no page; the page of the previous plan would still show its savings."""
    write_tables(demo_tables | {"lanes": with_cheap_trucks(demo_tables["lanes"], 40.0)}, tmp_path / "inputs")
    page = Path(str(nightly("demo", MONDAY, overrides).page))
    assert "max_gap_rate" not in page.read_text("utf-8")
    with pytest.raises(RefusedError):
        nightly("demo", MONDAY, [*overrides, "positioning.max_gap_rate=0.0"], until="rebalance")
    assert "max_gap_rate" in page.read_text("utf-8")


def test_a_backfill_resumes_and_names_failed_dates(overrides: Overrides, capsys: pytest.CaptureFixture[str]) -> None:
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
    lanes.write_bytes(lanes.read_bytes())  # rewritten: only its content shows that it is unchanged
    assert completed_run_by_mark(settings, planned) is None
    assert backfill.run_past_date("demo", planned, overrides, False).outcome == "done before"
    with pytest.raises(StageError, match="1 of 1 runs failed: 2016-03-21"):
        run_backfill("demo", Span(date(2016, 3, 21), date(2016, 3, 21)), overrides)
