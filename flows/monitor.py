"""Monitoring as a Prefect flow: look back on earlier nights, write, record in MLflow, tell Prefect.

Deployed by ``prefect.yaml`` and called by the command line. Findings are events
``forestock.<kind>``; what is done about them stands in ``automations/``. Not here: what is looked
at (``pipeline.monitor``) or when something is a finding (``monitoring.findings``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from prefect import flow, runtime
from prefect.events import emit_event

from flows.artifacts import let_rooms_speak
from foundation.errors import StageError
from foundation.settings import Settings
from models.tracking.runs import Record, Tracker
from monitoring.accuracy import JUDGED, best_baseline, overall
from monitoring.findings import Finding
from pipeline.configuration import load_settings
from pipeline.monitor import Seen, look_back, write_seen
from pipeline.results import reported

log = logging.getLogger(__name__)

TOPIC = "monitoring"
NOTE = "What came of earlier forecasts and plans: one run per day of monitoring; `wape` beside `wape_baseline`, lower is better."


@dataclass(frozen=True)
class Monitored:
    """What monitoring has left behind; ``notes`` are sentences for a person."""

    settings: Settings
    seen: Seen
    notes: tuple[str, ...]


def _flow_run_name() -> str:
    return f"monitor-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="monitor", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=2 * 3600)
def monitor(
    config: str, as_of: date | None = None, overrides: Sequence[str] = (), today: date | None = None
) -> Monitored:
    """Score earlier forecasts on what was demanded since, watch the inputs, follow plans and service up.

    Raises ``ForestockError``s, each with its exit code.

    Args:
        config: A YAML file, or a name in configs/.
        as_of: Demand before this day is known; none means the period after the last sales row.
        overrides: Changed keys, key=value.
        today: The day freshness is judged by; none means the day a schedule meant this run for, else as_of.
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    with reported("monitor", settings, as_of):
        seen = look_back(settings, as_of, today or _scheduled_day())
        write_seen(settings, seen)
    tell(settings, seen)
    return Monitored(settings, seen, (_recorded(settings, seen),))


def tell(settings: Settings, seen: Seen) -> None:
    """Send what was found to Prefect: per kind an event of the pipeline, per segment one of the segment.

    ``forestock.pipeline.<name>`` is for what concerns the whole (train, notify), ``forestock.segment.<name>.…`` for what
    concerns one region's segment (fall back). Payloads are texts.
    """
    parts = {"pipeline": settings.name, "as_of": seen.as_of.isoformat()}
    kinds: dict[str, list[Finding]] = {}
    for finding in seen.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, result in kinds.items():
        payload = parts | {"kind": kind, "count": str(len(result)), "action": result[0].action}
        emit_event(result[0].event, resource=_resource("pipeline", settings.name), payload=payload)
    for finding in seen.findings:
        if segment := finding.facts.get("segment"):
            place = f"{settings.name}.{finding.region}.{segment}"
            payload = {
                **parts,
                "kind": finding.kind,
                "region": str(finding.region),
                "action": finding.action,
                **finding.facts,
            }
            emit_event(finding.event, resource=_resource("segment", place), payload=payload)


def _resource(label: str, name: str) -> dict[str, str]:
    return {"prefect.resource.id": f"forestock.{label}.{name}", "prefect.resource.name": name}


def record_of(settings: Settings, seen: Seen) -> Record:
    """Return the look back as a run for MLflow: the verdict first, headline figures, all tables."""
    metrics, verdict = _headline(seen.frames["accuracy"])
    lines = [f"* {finding.kind}: {finding.action}" for finding in seen.findings]
    tables = {f"{name}.json": _plain(frame) for name, frame in seen.frames.items() if len(frame)}
    return Record(
        name=f"monitor {seen.as_of}",
        moment=seen.as_of,
        note="\n\n".join([f"**{verdict}**", "\n".join(lines) or "Nothing needs a person."]),
        tags={
            "stage": TOPIC,
            "as_of": str(seen.as_of),
            "pipeline": settings.name,
            "inputs_fingerprint": seen.fingerprint,
        },
        params={f"monitoring.{name}": value for name, value in settings.monitoring.model_dump(mode="json").items()},
        metrics=metrics | {"findings": float(len(seen.findings))},
        tables=tables,
    )


def verdict_of(seen: Seen) -> str:
    """Return how the forecasts of the window did beside the best baseline, in one sentence."""
    return _headline(seen.frames["accuracy"])[1]


def _headline(accuracy: pd.DataFrame) -> tuple[dict[str, float], str]:
    if accuracy.empty:
        return {}, "No earlier forecast lies in the window."
    sums, baseline = overall(accuracy), best_baseline(accuracy)
    selected = sums.loc[JUDGED].astype(float).to_dict()
    metrics = {"wape": selected["wape_rate"], "bias": selected["bias_rate"], "coverage_950": selected["coverage_rate"]}
    verdict = f"WAPE {selected['wape_rate']:.3f}, bias {selected['bias_rate']:+.1%}, {selected['coverage_rate']:.0%} of actuals inside the 95 % interval"
    if baseline is None:
        return metrics, f"{verdict}; no baseline had enough history."
    other = sums.loc[baseline].astype(float).to_dict()
    metrics |= {"wape_baseline": other["wape_rate"], "bias_baseline": other["bias_rate"]}
    return metrics, f"{verdict}; {baseline.replace('_', ' ')} {other['wape_rate']:.3f}, {other['bias_rate']:+.1%}."


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of plain numbers and texts, as MLflow's tables take them."""
    dated = {str(name): frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    whole = {str(name): "float64" for name in frame.select_dtypes(["Int64", "boolean"])}
    return frame.assign(**dated).astype(whole)


def _recorded(settings: Settings, seen: Seen) -> str:
    try:
        run_id = Tracker(settings, TOPIC, NOTE).record(record_of(settings, seen))
    except StageError as error:
        log.warning("monitoring was not recorded: %s", error)
        return f"MLflow could not be used ({error}); the warehouse has the result."
    return f"MLflow: run {run_id} of the experiment {settings.name}-{TOPIC}."


def _scheduled_day() -> date | None:
    """Return the day a schedule meant this run for, in UTC; None for a run by hand or without a deployment."""
    if runtime.deployment.id is None or "auto-scheduled" not in (runtime.flow_run.tags or ()):
        return None
    moment = runtime.flow_run.scheduled_start_time
    return None if moment is None else date(moment.year, moment.month, moment.day)
