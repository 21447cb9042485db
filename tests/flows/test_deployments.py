"""``prefect.yaml`` and ``automations/`` against the flows they name and the schema of the installed Prefect."""

from __future__ import annotations

import importlib
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow, Task
from prefect.client.schemas.schedules import CronSchedule

from flows import nightly
from flows.automations import FOLDER, named_in, read, with_ids
from monitoring.findings import KINDS, Finding
from pipeline.configuration import load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
AUTOMATIONS = sorted(FOLDER.glob("*.yaml"))
EVENTS = {Finding(kind, "").event for kind in KINDS} | {
    "forestock.*",
    "forestock.replan-requested",
    "prefect.flow-run.Completed",
}


def _flow(deployment: dict[str, Any]) -> Flow[Any, Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    result = getattr(importlib.import_module(module), name)
    assert isinstance(result, Flow)
    return result


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_deployment_names_a_flow_and_its_parameters_and_has_valid_schedules(deployment: dict[str, Any]) -> None:
    schema = _flow(deployment).parameters
    assert set(deployment["parameters"]) <= set(schema.properties)
    for schedule in deployment["schedules"]:
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_the_form_of_a_deployment_describes_every_parameter(deployment: dict[str, Any]) -> None:
    """Prefect's form shows the description of each parameter; a name alone is not enough for a person on call."""
    properties = _flow(deployment).parameters.properties
    assert [name for name, parts in properties.items() if not parts.get("description")] == []


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_scheduled_deployment_has_a_timeout_and_runs_one_at_a_time(deployment: dict[str, Any]) -> None:
    """A run that hangs would otherwise hold the only slot and block every later run."""
    if deployment["schedules"]:
        assert _flow(deployment).timeout_seconds
        assert deployment["concurrency_limit"]["limit"] == 1


def test_every_stage_a_scheduler_needs_is_deployed() -> None:
    assert {deployment["name"] for deployment in DEPLOYMENTS} >= {
        "nightly", "weekly-training", "monitoring", "backfill", "review-page", "approval", "fall-back", "monthly-backtest", "what-if", "why",
    }  # fmt: skip


def test_only_reading_and_recording_are_retried_with_growing_waits() -> None:
    """A failed computation fails again; a restarting server answers within a minute."""
    tasks = {task.name: task for task in vars(nightly).values() if isinstance(task, Task)}
    assert {name for name, task in tasks.items() if task.retries} == {"validate", "record", "record_page"}
    delays = tasks["validate"].retry_delay_seconds
    assert isinstance(delays, list)
    assert delays == sorted(delays)
    assert 60 <= sum(delays) <= 120
    assert all(tasks[name].retry_jitter_factor for name in ("validate", "record", "record_page"))


@pytest.mark.parametrize("path", AUTOMATIONS, ids=lambda path: path.stem)
def test_an_automation_is_valid_and_expects_events_that_are_emitted(path: Path) -> None:
    parts = read(path)
    ids = {name: str(uuid.uuid4()) for key in ("deployment", "block") for name in named_in(parts, key)}
    built = with_ids(parts, ids)
    assert set(parts["trigger"]["expect"]) <= EVENTS
    assert len(built.actions) == len(parts["actions"])


@pytest.mark.parametrize("path", AUTOMATIONS, ids=lambda path: path.stem)
def test_an_automation_starts_existing_deployments_with_existing_parameters(path: Path) -> None:
    deployed = {}
    for deployment in DEPLOYMENTS:
        flow = _flow(deployment)
        deployed[f"{flow.name}/{deployment['name']}"] = set(flow.parameters.properties)
    for action in read(path)["actions"]:
        if "deployment" in action:
            assert set(action.get("parameters", ())) <= deployed[action["deployment"]]


def test_every_file_is_an_automation_of_its_own_name() -> None:
    names = [read(path)["name"] for path in AUTOMATIONS]
    assert len(set(names)) == len(names) == 5


def test_scheduled_runs_stop_at_missing_or_cut_data() -> None:
    deployments = {deployment["name"]: deployment for deployment in DEPLOYMENTS}
    for name in ("nightly", "weekly-training"):
        assert deployments[name]["parameters"]["overrides"] == ["inputs.on_warning=stop"]
    assert load_settings("production").inputs.on_warning == "stop"
    for path in AUTOMATIONS:  # parameters of an automation replace those of the deployment
        for action in read(path)["actions"]:
            overrides = action.get("parameters", {}).get("overrides", ["inputs.on_warning=stop"])
            assert action.get("deployment") != "nightly/nightly" or "inputs.on_warning=stop" in overrides


def test_a_deployment_that_deletes_is_off_by_default() -> None:
    (tidy,) = (deployment for deployment in DEPLOYMENTS if deployment["name"] == "tidy")
    assert [schedule["active"] for schedule in tidy["schedules"]] == [False]
    assert load_settings("demo").inputs.on_warning == "warn"
