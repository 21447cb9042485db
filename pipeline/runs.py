"""A plan as an MLflow run with its figures, settings and page; what-ifs of its date as child runs; runs compared.

Not here: writing to MLflow (``models.tracking.runs``), the training's run (``pipeline.run``), what the page shows (``review``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from models.tracking.client import Dataset
from models.tracking.runs import Record, Run, Runs, Tracker, in_sections
from pipeline.artifacts import recorded
from pipeline.results import page_of
from positioning.simulation.kpi import registered_kpis
from review import plan_summary
from review.experiment import BacktestRun, ExperimentPage, ReplayRun, experiment_page
from review.plan.summary import top_proposals

TOPIC = "plans"
NOTE = (
    "One run per plan with its figures, settings and review page; what-ifs of its date are child runs. "
    "`optimizer/gap_rate` certifies the optimizer on its demand scenarios, not the forecast; see docs/positioning.md."
)
_TABLES = ("plan", "service", "exception", "assumption", "transfer")


def record_plan(settings: Settings, as_of: date, tags: Mapping[str, str]) -> str:
    """Record the plan of ``as_of`` with its page and return the run's id; the page of a recorded plan is replaced.

    Raises ``StageError`` if MLflow cannot be reached.
    """
    tracker = Tracker(settings, TOPIC, NOTE)
    plan_id = str(Warehouse(settings).read("plan", as_of)["plan_id"].iloc[-1])
    run_id = _run_of(tracker, plan_id)
    if run_id is None:
        return tracker.record(_plan(settings, as_of, tags))
    for name, text in _texts(settings, as_of).items():
        tracker.keep_text(run_id, text, name)
    return run_id


def record_what_if_runs(settings: Settings, as_of: date, page: str, names: Sequence[str]) -> str:
    """Record the what-ifs called ``names`` with their page as children of the plan of record's run; return that run's id.

    The plan is recorded first if it is not recorded. Raises ``StageError`` if MLflow cannot be reached.
    """
    tracker, warehouse = Tracker(settings, TOPIC, NOTE), Warehouse(settings)
    plan, rows, lines = (warehouse.read(name, as_of) for name in ("plan", "what_if", "what_if_line"))
    parent = _run_of(tracker, str(plan["plan_id"].iloc[-1])) or tracker.record(_plan(settings, as_of, {}))
    for _, row in rows[rows["what_if"].isin(names)].iterrows():
        changed = lines[(lines["what_if"] == row["what_if"]) & (lines["difference"] != "same")]
        tracker.record(_what_if(settings, plan.iloc[-1], row, changed, files.read_text(page)), parent)
    return parent


def _run_of(tracker: Tracker, plan_id: str) -> str | None:
    return tracker.find({"plan_id": plan_id, "stage": "plan"})


def _plan(settings: Settings, as_of: date, tags: Mapping[str, str]) -> Record:
    outputs = {name: Warehouse(settings).read(name, as_of) for name in _TABLES}
    row = outputs["plan"].iloc[-1]
    best = top_proposals(outputs["transfer"], settings)
    return Record(
        name=f"plan {as_of}",
        moment=as_of,
        note=plan_summary(outputs, settings, as_of),
        tags={"stage": "plan", **_identity(settings, row), **tags},
        params=_params("positioning", settings.positioning.model_dump(mode="json")),
        metrics=_metrics(row),
        tables={"best_proposals.json": pd.DataFrame(best)} if best else {},
        texts=_texts(settings, as_of),
        dataset=_inputs(settings, as_of),
        dataset_use="planning",
    )


def _texts(settings: Settings, as_of: date) -> dict[str, str]:
    page = page_of(settings, as_of)
    return {"plan.html": files.read_text(page)} if files.exists(page) else {}


def _what_if(settings: Settings, plan: pd.Series, row: pd.Series, changed: pd.DataFrame, page: str) -> Record:
    """Return one what-if: its figures, each also as ``change/…`` against the plan of record, and the lines that differ."""
    before, after = _metrics(plan), _metrics(row)
    reaction = float(row["kept_total_eur"]) - float(row["total_eur"])
    differences = {f"change/{name}": after[name] - before[name] for name in after if name in before}
    shown = [
        "kind",
        "sku",
        "lane",
        "departure_id",
        "difference",
        "units_of_record",
        "units",
        "benefit_eur_of_record",
        "benefit_eur",
    ]
    return Record(
        name=f"what-if {row['what_if']}",
        moment=plan["as_of"].date(),
        note=f"The date {plan['as_of'].date()} planned again with `{row['changes']}` and compared with its plan of record. See docs/what-if.md.",
        tags={"stage": "what-if", "what_if": row["what_if"], "plan_id_of_record": row["plan_id_of_record"], **_identity(settings, row)},
        params=_params("change", json.loads(row["changes"])),
        metrics={**after, **differences, **in_sections({"reaction_eur": reaction})},
        tables={"changed_lines.json": changed[shown].astype({"units_of_record": "float64", "units": "float64"})} if len(changed) else {},
        texts={"what-if.html": page},
    )  # fmt: skip


def _identity(settings: Settings, row: pd.Series) -> dict[str, str]:
    parts = {name: str(row[name]) for name in ("plan_id", "run_version", "model_version")}
    return parts | {"as_of": str(row["as_of"].date()), "pipeline": settings.name}


def _params(section: str, values: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{section}.{name}": value if isinstance(value, str) else json.dumps(value) for name, value in values.items()
    }


def _metrics(row: pd.Series) -> dict[str, float]:
    """Return the numbers of a row of ``plan`` or ``what_if`` and the savings, in sections."""
    result = {
        str(name): float(value) for name, value in row.items() if isinstance(value, int | float) and pd.notna(value)
    }
    return in_sections(result | {"saving_eur": result["total_eur_before"] - result["total_eur"]})


def _inputs(settings: Settings, as_of: date) -> Dataset | None:
    """Return the inputs of the plan with a sample of the stock; None if their snapshot no longer exists."""
    parts = recorded(settings, as_of, "plan")
    if not parts or not snapshot.is_kept(parts["inputs"]):
        return None
    stock = snapshot.read(parts["inputs"], only=["stock"])["stock"]
    plain = {
        str(name): "str" if kind == "category" else "float64"
        for name, kind in stock.dtypes.items()
        if kind in ("category", "Int64")
    }
    head = stock.head(1000).astype(plain)
    return Dataset(f"{settings.name}@{as_of}", parts["fingerprint"], parts["inputs"], head)


log = logging.getLogger(__name__)


def compare_recorded_runs(settings: Settings, count: int) -> str:
    """Write the page that compares the ``count`` newest backtests and replays and return its place.

    MLflow gets a copy in the newest backtest and in the newest replay. Raises ``ConfigurationError`` if neither is recorded
    and ``StageError`` if MLflow cannot be reached.
    """
    stores = {topic: Runs(settings, topic) for topic in ("backtest", "simulation")}
    result = {topic: store.latest(count) for topic, store in stores.items()}
    if not any(result.values()):
        raise ConfigurationError(
            f"no backtest or replay of {settings.name} is recorded; use forestock backtest or simulate first"
        )
    backtests = [_backtest(stores["backtest"], run) for run in result["backtest"]]
    replays = [_replay(stores["simulation"], run) for run in result["simulation"]]
    text = experiment_page(ExperimentPage(settings.name, settings.currency, backtests, replays, registered_kpis()))
    for topic, runs in result.items():
        if runs:
            stores[topic].keep_text(runs[0], text, "runs.html")
    log.info("%d backtests and %d replays compared", len(backtests), len(replays))
    return files.write_text(files.joined(settings.warehouse, "pages", "runs.html"), text)


def _backtest(store: Runs, run: Run) -> BacktestRun:
    tables = [store.table(run, f"tables/{name}.json") for name in ("levels", "segments", "coverage")]
    return BacktestRun(run.name, run.params, run.metrics, *tables)


def _replay(store: Runs, run: Run) -> ReplayRun:
    policies, days = (store.table(run, f"{name}.json") for name in ("policies", "days"))
    bound = run.metrics.get(
        "cost/bound_eur", run.metrics.get("bound_eur", float("nan"))
    )  # earlier runs have no sections
    return ReplayRun(run.name, run.params, bound, policies, days)
