"""The whole system as a scheduler runs it: PostgreSQL behind Prefect and MLflow, a process worker, every deployment.

The runs share one warehouse, and the tests follow each other like the days of a pipeline.
"""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName, FlowRunFilterTags
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.automations import FOLDER, install
from foundation.store.warehouse import Warehouse
from tests.services.conftest import Services, wait_until

pytestmark = pytest.mark.services
MONDAY = date(2016, 5, 23)
BACKFILL = [date(2016, 3, 28) + timedelta(weeks=week) for week in range(8)]


@pytest.fixture
def client(services: Services) -> Iterator[SyncPrefectClient]:
    """Return a client of the session's Prefect server."""
    with temporary_settings({PREFECT_API_URL: services.api}), get_client(sync_client=True) as opened:
        yield opened


def _started(client: SyncPrefectClient, deployment: str, parameters: Mapping[str, Any]) -> uuid.UUID:
    result = client.read_deployment_by_name(deployment)
    return client.create_flow_run_from_deployment(result.id, parameters=dict(parameters)).id


def _ended(client: SyncPrefectClient, run_id: uuid.UUID, services: Services) -> FlowRun:
    """Wait for the end of a run and return it; the worker's last lines are shown where it did not complete."""

    def has_ended() -> bool:
        state = client.read_flow_run(run_id).state
        return state is not None and state.type in TERMINAL_STATES

    wait_until(has_ended, "the run has not ended", 900)
    run = client.read_flow_run(run_id)
    assert run.state_name == "Completed", f"{run.state}\n{(services.home / 'worker.log').read_text()[-6000:]}"
    return run


def _runs(client: SyncPrefectClient, *, tag: str | None = None, like: str | None = None) -> list[FlowRun]:
    requested = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag]) if tag else None, name=FlowRunFilterName(like_=like) if like else None
    )
    return list(client.read_flow_runs(flow_run_filter=requested))


def test_the_nightly_deployment_runs_by_hand_and_is_recorded_in_both_databases(
    client: SyncPrefectClient, services: Services
) -> None:
    run = _ended(client, _started(client, "nightly/nightly", {"as_of": MONDAY.isoformat()}), services)
    assert run.name == f"nightly-{MONDAY}"
    assert Warehouse(str(services.warehouse)).dates("plan") == [MONDAY]
    state = services.postgres.query("prefect", f"select state_name from flow_run where id = '{run.id}'")  # noqa: S608 - an id of ours
    assert state == "Completed"
    assert services.postgres.query("mlflow", "select count(*) from model_versions where name = 'services'") == "1"
    assert list((services.home / "artifacts").rglob("MLmodel"))


def test_the_nightly_deployment_runs_by_its_own_schedule(client: SyncPrefectClient, services: Services) -> None:
    """Its cron fires once a day, too seldom for a test: an interval takes its place until a run has come."""
    result = client.read_deployment_by_name("nightly/nightly")
    assert [schedule.active for schedule in result.schedules] == [True]
    (added,) = client.create_deployment_schedules(result.id, [(IntervalSchedule(interval=timedelta(seconds=20)), True)])

    def is_done() -> bool:
        return any(run.state_name == "Completed" for run in _runs(client, tag="auto-scheduled"))

    wait_until(is_done, "no scheduled run has completed", 600)
    client.delete_deployment_schedule(result.id, added.id)
    for run in _runs(client, tag="auto-scheduled"):
        if run.state_name in ("Scheduled", "Late"):
            client.delete_flow_run(run.id)
    wait_until(lambda: not _active(client), "scheduled runs are still active", 600)
    assert Warehouse(str(services.warehouse)).dates("plan") == [MONDAY]


def _active(client: SyncPrefectClient) -> list[FlowRun]:
    return [run for run in _runs(client, like="nightly") if run.state_name in ("Running", "Pending")]


def test_a_parallel_backfill_plans_each_of_eight_dates_once(client: SyncPrefectClient, services: Services) -> None:
    dates = {"start": BACKFILL[0].isoformat(), "end": BACKFILL[-1].isoformat(), "every_days": 7, "parallel": 2}
    run = _ended(client, _started(client, "backfill/backfill", {"dates": dates}), services)
    warehouse = Warehouse(str(services.warehouse))
    assert set(warehouse.dates("plan")) >= set(BACKFILL)
    assert all(len(warehouse.read("plan", day)) == 1 for day in BACKFILL)
    runs = [one for one in _runs(client, like="nightly-2016") if one.name in {f"nightly-{day}" for day in BACKFILL}]
    assert run.state_name == "Completed"
    assert len(runs) == len(BACKFILL)
    assert _most_at_once(runs) == 2
    models = services.postgres.query("mlflow", "select count(*) from model_versions")
    assert int(models) >= len(BACKFILL)
    _ended(client, _started(client, "backfill/backfill", {"dates": dates}), services)
    assert services.postgres.query("mlflow", "select count(*) from model_versions") == models


def _most_at_once(runs: list[FlowRun]) -> int:
    moments = [(run.start_time, 1) for run in runs] + [(run.end_time, -1) for run in runs]
    now = most = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most


def test_monitoring_reports_findings_to_prefect_and_an_automation_responds(
    client: SyncPrefectClient, services: Services
) -> None:
    """Events must reach the server, and an event from another system must start a new run."""
    with temporary_settings({PREFECT_API_URL: services.api}):
        parts = install(sorted(FOLDER.glob("*.yaml")))
        again = install(sorted(FOLDER.glob("*.yaml")))
    assert (
        sum(sentence.endswith(("created", "replaced")) for sentence in parts) == 3
    )  # the worker's start installs them
    assert sum(sentence.endswith("replaced") for sentence in again) == 3
    assert (
        sum("skipped, because block" in sentence for sentence in parts) == 2
    )  # they notify by a block that is not there
    loud = {"overrides": ["monitoring.min_scored_units=1000000"], "today": "2016-06-20"}  # stale data alone
    _ended(client, _started(client, "monitor/monitoring", loud), services)
    wait_until(lambda: _count(services, "forestock.data-stale") > 0, "the event has not arrived", 120)
    before = {run.id for run in _runs(client, tag="nightly")}
    services.prefect("event", "emit", "forestock.replan-requested", "--resource-id", "forestock.pipeline.services")

    def has_answered() -> bool:
        new = [run for run in _runs(client, tag="nightly") if run.id not in before and "auto-scheduled" not in run.tags]
        return any(run.state_name == "Completed" for run in new)

    wait_until(has_answered, "no date was planned again", 600)


def _count(services: Services, event: str) -> int:
    return int(services.postgres.query("prefect", f"select count(*) from events where event = '{event}'"))  # noqa: S608 - a name of ours


def test_a_run_waits_for_a_planner_and_continues_with_the_answer(client: SyncPrefectClient, services: Services) -> None:
    parameters = {"as_of": BACKFILL[-1].isoformat(), "needs_approval": True}
    _ended(client, _started(client, "nightly/nightly", parameters), services)
    waiting = f"approval-{BACKFILL[-1]}"

    def is_suspended() -> bool:
        return any(run.state_name == "Suspended" for run in _runs(client, like=waiting))

    wait_until(is_suspended, "no run waits for input", 300)
    (run,) = _runs(client, like=waiting)
    warehouse = Warehouse(str(services.warehouse))
    assert warehouse.read("decision").empty
    client.resume_flow_run(
        run.id, run_input={"decision": "reject", "everything": True, "by": "ann", "reason": "the count was wrong"}
    )
    done = _ended(client, run.id, services)
    decided = warehouse.read("decision")
    assert set(decided["status"]) == {"rejected"}
    assert set(decided["by"]) == {"ann"}
    states = [state.name for state in client.read_flow_run_states(done.id)]
    assert states.index("Suspended") < states.index("Resuming") < states.index("Completed"), states


def test_a_run_survives_a_minute_without_the_database(client: SyncPrefectClient, services: Services) -> None:
    """Prefect's clients wait for the server, the server reconnects; the run reports that MLflow is away and makes the plan."""
    run_id = _started(client, "nightly/nightly", {"as_of": BACKFILL[0].isoformat(), "redo": "everything"})

    def is_running() -> bool:
        return client.read_flow_run(run_id).state_name == "Running"

    wait_until(is_running, "the run has not started", 300)
    services.postgres.stop()
    with pytest.raises(OSError):  # noqa: PT011 - any way of not answering will do
        urllib.request.urlopen(f"{services.api}/ready", timeout=5).read()  # noqa: S310 - an address of this machine
    time.sleep(60)
    services.postgres.start()
    _ended(client, run_id, services)
    assert len(Warehouse(str(services.warehouse)).read("plan", BACKFILL[0])) == 1


def test_no_run_parameter_and_no_log_line_has_a_password(services: Services) -> None:
    """The receivers' token and the databases' passwords stand in the environment alone."""
    parts = services.postgres.query("prefect", "select coalesce(string_agg(parameters::text, ' '), '') from flow_run")
    assert "postgresql" not in json.dumps(parts)
    assert services.postgres.query("prefect", "select count(*) from log where message like '%postgresql+%'") == "0"
