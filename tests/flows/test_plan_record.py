"""Plans and what-ifs in MLflow: one run per plan with its page and inputs, what-ifs as its children."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from foundation.settings import Settings, WhatIf
from foundation.store import files
from foundation.store.warehouse import Warehouse
from models.tracking.client import tracking_uri
from pipeline.runs import TOPIC, record_plan, record_what_if_runs
from pipeline.what_if import compare_with_record
from tests.flows.conftest import PLANNED as AS_OF


@pytest.fixture
def planned(planned_settings: Callable[..., Settings]) -> Settings:
    """Return the settings of a warehouse with a plan of AS_OF and its page."""
    return planned_settings()


def _runs(settings: Settings, stage: str) -> list[Run]:
    client = _client(settings)
    experiment = client.get_experiment_by_name(f"{settings.name}-{TOPIC}")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"tags.stage = '{stage}'"))


def _client(settings: Settings) -> MlflowClient:
    return MlflowClient(tracking_uri=tracking_uri(settings))


def _text(settings: Settings, run: Run, name: str, folder: Path) -> str:
    return files.read_text(_client(settings).download_artifacts(run.info.run_id, name, str(folder)))


def test_a_plan_is_a_run_with_its_figures_settings_inputs_and_page(planned: Settings, tmp_path: Path) -> None:
    run_id = record_plan(planned, AS_OF, {"prefect.flow_run_id": "7"})
    (run,) = _runs(planned, "plan")
    plan = Warehouse(planned).read("plan", AS_OF).iloc[0]
    assert run.info.run_id == run_id
    assert run.data.metrics["cost/total_eur"] == pytest.approx(plan["total_eur"])
    assert run.data.metrics["cost/saving_eur"] == pytest.approx(plan["total_eur_before"] - plan["total_eur"])
    assert {name.partition("/")[0] for name in run.data.metrics} == {"cost", "service", "optimizer", "carbon"}
    assert {"service/local_fill_rate", "optimizer/gap_rate", "carbon/kg_co2e"} <= set(run.data.metrics)
    assert run.data.params["positioning.scenarios"] == str(planned.positioning.scenarios)
    assert run.data.tags["plan_id"] == plan["plan_id"]
    assert run.data.tags["prefect.flow_run_id"] == "7"
    assert "Expected saving" in run.data.tags["mlflow.note.content"]
    assert [(given.dataset.name, given.tags[0].value) for given in run.inputs.dataset_inputs] == [(f"{planned.name}@{AS_OF}", "planning")]  # fmt: skip
    assert _text(planned, run, "plan.html", tmp_path) == files.read_text(
        files.joined(planned.warehouse, "pages", f"plan-{AS_OF}.html")
    )


def test_a_plan_recorded_again_keeps_its_run_and_updates_its_page(planned: Settings, tmp_path: Path) -> None:
    """A repeated run without changes must not look like a second plan."""
    first = record_plan(planned, AS_OF, {})
    files.write_text(files.joined(planned.warehouse, "pages", f"plan-{AS_OF}.html"), "the page with today's decisions")
    assert record_plan(planned, AS_OF, {}) == first
    (run,) = _runs(planned, "plan")
    assert _text(planned, run, "plan.html", tmp_path) == "the page with today's decisions"


def test_what_ifs_are_children_of_their_plan_of_record_with_their_differences(
    planned: Settings, tmp_path: Path
) -> None:
    changes = [WhatIf(name="nothing"), WhatIf(name="closed", closed_hubs=("ONT",))]
    done = compare_with_record(planned, changes, AS_OF)
    parent = record_what_if_runs(planned, AS_OF, done.page, ["nothing", "closed"])
    assert [run.info.run_id for run in _runs(planned, "plan")] == [parent]
    children = {run.data.tags["what_if"]: run for run in _runs(planned, "what-if")}
    assert set(children) == {"nothing", "closed"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent}
    assert children["nothing"].data.metrics["change/cost/total_eur"] == 0
    rows = done.what_if.set_index("what_if")
    worth = rows.loc["closed", "kept_total_eur"] - rows.loc["closed", "total_eur"]
    assert children["closed"].data.metrics["cost/reaction_eur"] == pytest.approx(worth)
    assert children["closed"].data.params["change.closed_hubs"] == '["ONT"]'
    assert _text(planned, children["closed"], "what-if.html", tmp_path) == files.read_text(done.page)
