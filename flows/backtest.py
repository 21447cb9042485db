"""The backtest as a Prefect flow: origins one after another, the summary, MLflow; and two configurations compared.

Deployed and called by the command line like the nightly flow. Not here: what an origin does (``pipeline.backtest``),
what is recorded (``pipeline.backtest_report``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE

from foundation.errors import ConfigurationError, GateError, StageError
from foundation.settings import Settings
from foundation.store import files
from models.backtest import Decision, GivenScales, decide, stability, summarise
from models.tracking.runs import Tracker
from pipeline import run as stages
from pipeline.backtest import (
    Challenge,
    Examined,
    Plan,
    Truth,
    accept_truth,
    examine,
    known_on,
    origins_of,
    read_weights,
)
from pipeline.backtest_report import NOTE, TOPIC, Backtest, gather, page_of, pictures_of, record_of
from pipeline.configuration import load_settings
from pipeline.results import reported
from review.backtest import backtest_page

log = logging.getLogger(__name__)

_BACKTEST_SECONDS = 24 * 3600
Step = Callable[[Settings, date, Truth, GivenScales | None], Examined]


@dataclass(frozen=True)
class Recorded:
    """A backtest that is written down: its run (empty where MLflow is away) and its report."""

    backtest: Backtest
    run_id: str
    page: str


@dataclass(frozen=True)
class Result:
    """What a backtest has left behind; ``decision`` and ``challenger`` where there was one to compare."""

    recorded: Recorded
    challenger: Recorded | None = None
    decision: Decision | None = None
    promoted_version: str = ""


class RefusedPromotionError(GateError):
    """The gate refused to promote the challenger; ``result`` is what was recorded."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result


def _flow_run_name() -> str:
    parts = runtime.flow_run.parameters["plan"]  # a mapping where a deployment gave it
    plan = parts if isinstance(parts, Plan) else Plan(**parts)
    return f"backtest-{plan.count}-origins-{plan.end or 'latest'}"


@flow(name="backtest", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=_BACKTEST_SECONDS)
def backtest(config: str, plan: Plan, overrides: Sequence[str] = (), challenge: Challenge | None = None) -> Result:
    """Judge a configuration by rolling origins, and a challenger on the same ones where there is one.

    Raises ``ConfigurationError`` and ``InputError`` before anything is computed; ``GateError`` where a promotion
    was asked for and the gate refuses it (both backtests are recorded then).

    Args:
        config: A YAML file, or a name in configs/.
        plan: How many origins, how far apart, up to which day.
        overrides: Changed keys, key=value.
        challenge: What is judged beside it on the same origins.
    """
    request = challenge or Challenge()
    settings = load_settings(config, overrides)
    given = None if request.weights is None else read_weights(request.weights)
    selected = run(settings, plan, given, "champion" if request.has_challenger else "", origin_task)
    recorded = write_down(selected, _run_tags())
    if not request.has_challenger:
        return Result(recorded)
    other = run(challenger_settings(config, overrides, request), plan, given, "challenger", origin_task)
    return compare(recorded, other, request)


def examine_origin(settings: Settings, origin: date, truth: Truth, given: GivenScales | None) -> Examined:
    """Forecast one origin with what was known then and score it."""
    with reported(f"origin {origin}", settings, origin):
        return examine(known_on(settings, origin), truth, given)


origin_task = task(task_run_name="origin-{origin}", cache_policy=NO_CACHE, persist_result=False)(examine_origin)


def run(settings: Settings, plan: Plan, given: GivenScales | None, label: str, step: Step = examine_origin) -> Backtest:
    """Return the backtest of one configuration, ``step`` by origin; ``label`` names it beside another one."""
    truth = accept_truth(settings, plan)
    days = origins_of(settings, plan, truth)
    examined = [step(settings, day, truth, given) for day in days]
    summary = summarise([one.judged for one in examined])
    pairs = [stability(a.trace, b.trace) for a, b in pairwise(examined)]
    with reported("explain", settings, days[-1]):
        evidence = gather(known_on(settings, days[-1]), truth, summary.series)
    return Backtest(settings, plan, truth, tuple(examined), summary, _mean_of(pairs), evidence, label)


def write_down(found: Backtest, tags: Mapping[str, str]) -> Recorded:
    """Write the report into the warehouse and everything into MLflow; without MLflow the report is there all the same."""
    settings = found.settings
    with reported("record", settings, found.truth.as_of):
        pictures = pictures_of(found)
        text = backtest_page(page_of(found, pictures))
        name = f"backtest-{found.label or settings.name}-{found.truth.as_of}.html"
        page = files.write_text(files.joined(settings.warehouse, "pages", name), text)
    try:
        return Recorded(found, Tracker(settings, TOPIC, NOTE).record(record_of(found, tags, pictures, text)), page)
    except StageError as error:
        log.warning("the backtest was not recorded: %s", error)
        return Recorded(found, "", page)


def challenger_settings(config: str, overrides: Sequence[str], asked: Challenge) -> Settings:
    """Return the challenger's settings; raises ``ConfigurationError`` where the two cannot be compared."""
    champion = load_settings(config, overrides)
    challenger = load_settings(asked.config or config, [*overrides, *asked.changes])
    for key in ("frequency", "horizon"):
        selected, other = getattr(champion, key), getattr(challenger, key)
        if selected != other:
            raise ConfigurationError(
                f"{key}: the challenger's is {other}, the champion's {selected}; they must be the same"
            )
    # one warehouse, one experiment: what is compared stands side by side
    same = {"name": champion.name, "warehouse": champion.warehouse, "tracking_uri": champion.tracking_uri}
    return challenger.model_copy(update=same)


def compare(mine: Recorded, other: Backtest, asked: Challenge) -> Result:
    """Return the decision between a recorded backtest and a challenger's on the same origins, recording both sides.

    Raises ``RefusedPromotionError`` where a promotion was asked for and the gate refuses it.
    """
    tables = (mine.backtest.summary.origins, other.summary.origins)
    champion, challenger = (table[table["method"] == table["method"].iloc[0]] for table in tables)
    decision = decide(champion, challenger)
    changes = ", ".join(asked.changes) or str(asked.config)
    tags = {"gate": "promoted" if decision.is_promoted else "refused", "gate_reason": decision.reason}
    tags |= {"compared_with": mine.run_id, "challenger_changes": changes}
    recorded = write_down(other, {**_run_tags(), **tags})
    if mine.run_id:
        Tracker(other.settings, TOPIC, NOTE).tag(mine.run_id, {**tags, "compared_with": recorded.run_id})
    log.info("%s", decision.reason)
    if not asked.is_promoting:
        return Result(mine, recorded, decision)
    if not decision.is_promoted:
        raise RefusedPromotionError(Result(mine, recorded, decision), decision.reason)
    return Result(mine, recorded, decision, promote(recorded, decision))


def promote(recorded: Recorded, decision: Decision) -> str:
    """Register the last model of a backtest and make it the champion, with the reason; return its version."""
    settings, last = recorded.backtest.settings, recorded.backtest.origins[-1]
    night = known_on(settings, last.origin)
    trained = stages.train_stage(night)
    stages.record_stage(night, trained, {"backtest_run": recorded.run_id})
    return Tracker(settings, TOPIC, NOTE).promote(trained.identity, decision.reason, recorded.run_id)


def _mean_of(pairs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every figure over the pairs that have it."""
    result = {}
    for name in pairs[0] if pairs else ():
        values = [pair[name] for pair in pairs if np.isfinite(pair[name])]
        if values:
            result[name] = float(np.mean(values))
    return result


def _run_tags() -> dict[str, str]:
    """Return the tags that lead from MLflow to Prefect; none outside a flow run."""
    return {"prefect.flow_run_id": str(runtime.flow_run.id)} if runtime.flow_run.id else {}
