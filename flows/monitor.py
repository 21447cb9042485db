"""Monitoring as a Prefect flow: measure earlier forecasts and plans, record them, emit findings as events.

Deployed by ``prefect.yaml`` and called by the CLI. A finding is an event ``forestock.<kind>``; ``automations/`` says how
Prefect reacts to it. Not here: what is measured (``pipeline.monitor``), what counts as a finding (``monitoring.findings``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from prefect import flow, runtime
from prefect.events import emit_event

from flows.artifacts import let_packages_log
from foundation.errors import StageError
from foundation.settings import Settings
from monitoring.findings import Finding
from pipeline.configuration import load_settings
from pipeline.monitor import TOPIC, MonitoringResult, record_monitoring, run_monitoring, write_monitoring
from pipeline.results import reported

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MonitoringReport:
    """The outcome of monitoring; ``notes`` are sentences for the reader."""

    settings: Settings
    result: MonitoringResult
    notes: tuple[str, ...]


def _flow_run_name() -> str:
    return f"monitor-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="monitor", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=2 * 3600)
def monitor(
    config: str, as_of: date | None = None, overrides: Sequence[str] = (), today: date | None = None
) -> MonitoringReport:
    """Score earlier forecasts on later demand, measure input drift, and follow up plans and service.

    Raises ``ForestockError``, which carries an exit code.

    Args:
        config: A YAML file, or the name of a file in configs/.
        as_of: Demand before this date is known; None is the period after the last sales row.
        overrides: Changed settings, key=value.
        today: Date for the check of data freshness; None is the scheduled date of this run, else as_of.
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    with reported("monitor", settings, as_of):
        result = run_monitoring(settings, as_of, today or _scheduled_day())
        write_monitoring(settings, result)
    emit_findings(settings, result)
    return MonitoringReport(settings, result, (_record(settings, result),))


def emit_findings(settings: Settings, result: MonitoringResult) -> None:
    """Emit Prefect events: one per kind of finding for the pipeline, and one per finding about a segment.

    The resource ``forestock.pipeline.<name>`` is for reactions that concern the whole pipeline (train, notify),
    ``forestock.segment.<name>.…`` for those that concern a region's segment (fall back). Payload values are strings.
    """
    common = {"pipeline": settings.name, "as_of": result.as_of.isoformat()}
    kinds: dict[str, list[Finding]] = {}
    for finding in result.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, group in kinds.items():
        payload = common | {"kind": kind, "count": str(len(group)), "action": group[0].action}
        emit_event(group[0].event, resource=_resource("pipeline", settings.name), payload=payload)
    for finding in result.findings:
        if segment := finding.facts.get("segment"):
            place = f"{settings.name}.{finding.region}.{segment}"
            payload = {
                **common,
                "kind": finding.kind,
                "region": str(finding.region),
                "action": finding.action,
                **finding.facts,
            }
            emit_event(finding.event, resource=_resource("segment", place), payload=payload)


def _resource(label: str, name: str) -> dict[str, str]:
    return {"prefect.resource.id": f"forestock.{label}.{name}", "prefect.resource.name": name}


def _record(settings: Settings, result: MonitoringResult) -> str:
    """Record monitoring in MLflow and return a sentence about it, also if MLflow cannot be reached."""
    try:
        run_id = record_monitoring(settings, result)
    except StageError as error:
        log.warning("monitoring was not recorded: %s", error)
        return f"MLflow could not be reached ({error}); the result is in the warehouse."
    return f"MLflow: run {run_id} in the experiment {settings.name}-{TOPIC}."


def _scheduled_day() -> date | None:
    """Return the scheduled date of this run, in UTC; None for a manual run or one without a deployment."""
    if runtime.deployment.id is None or "auto-scheduled" not in (runtime.flow_run.tags or ()):
        return None
    moment = runtime.flow_run.scheduled_start_time
    return None if moment is None else date(moment.year, moment.month, moment.day)
