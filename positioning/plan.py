"""The plan of a run from tables to frames: build, optimize, explain, omit what is below the minimum benefit, report.

Here: the order of steps. Not here: any of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from foundation.assumptions import assumption_frame
from foundation.checkpoint import Checkpoints, recompute
from foundation.errors import StageError
from foundation.settings import Settings
from positioning.explain.attribution import Decision, Outcome, explain_chunk, judge_chunk
from positioning.explain.exceptions import PlanResults, exception_frame, has_stockout
from positioning.explain.lines import line_table, load_table, unworthy
from positioning.explain.tables import (
    departure_frame,
    fixed_terms,
    plan_frame,
    position_frame,
    service_frame,
    transfer_frame,
    unit_value_frame,
)
from positioning.explain.unmet_demand import Diagnosis, Remaining, diagnose_chunk, diagnosis_in_eur
from positioning.inputs.costs import KG
from positioning.inputs.problem import Problem, build_problem
from positioning.money import in_units, optimum_in_eur, outcome_in_eur, unit_eur
from positioning.optimizer.column_generation import Optimum, optimize
from positioning.optimizer.load_prices import marginal_prices
from positioning.optimizer.master import MasterSolution
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.tolerances import SolverTolerances
from positioning.optimizer.workers import WorkerPool, worker_pool


def plan(
    tables: dict[str, pd.DataFrame],
    forecasts: dict[str, pd.DataFrame],
    settings: Settings,
    as_of: date,
    checkpoints: Checkpoints = recompute,
) -> dict[str, pd.DataFrame]:
    """Return the frames ``position unit_value service transfer departure exception assumption plan`` of a run.

    The same inputs give the same rows, whatever their order and the number of processes. ``plan_id`` is a hash of the
    proposals; so is ``run_version``, until the caller replaces it.

    Parameters
    ----------
    tables
        Normalized input tables, cut to what is known at ``as_of``; ``earlier``, where it is there, holds earlier
        proposals with their decisions (columns of ``transfer``, and ``decided_on``).
    forecasts
        The frames ``forecast``, ``forecast_window``, and ``forecast_dependence``.
    settings
        The configuration.
    as_of
        Planning date.
    checkpoints
        Called with the name of an intermediate result and the function that computes it; may return the result of an
        interrupted plan of the same inputs.

    Raises
    ------
    InputError
        If a lane is impossible.
    StageError
        If a worker process is ended from outside, or the lower bound exceeds the plan's cost.

    """
    problem = build_problem(tables, forecasts, settings, as_of, tables.get("earlier"))
    parameters = Parameters().with_effort(settings.positioning.effort)
    return plan_problem(problem, parameters, _model_version(forecasts), checkpoints)


def plan_problem(
    problem: Problem, parameters: Parameters, model_version: str = "unknown", checkpoints: Checkpoints = recompute
) -> dict[str, pd.DataFrame]:
    """Return the frames of ``plan`` for a problem that is built already.

    Parameters
    ----------
    problem
        The problem, in EUR.
    parameters
        Parameters of the optimizer.
    model_version
        Version of the model behind the forecast, copied into the frames.
    checkpoints
        As in ``plan``. Checkpoints of other parameters must not be passed.

    """
    unit = unit_eur(problem)
    counted = in_units(problem, unit)
    with worker_pool(counted, len(problem.catalog.skus), parameters) as workers:
        optimum = optimize(counted, workers, checkpoints)
        outcomes, lines, omitted_eur = _explained((problem, counted, unit), optimum, workers)
        held_out = _held_out_benefit(problem, outcomes, workers) * unit
        diagnoses = _diagnoses(outcomes, workers, unit)
    optimum = optimum_in_eur(optimum, unit)
    planned = _Planned(outcomes, lines, optimum, omitted_eur, held_out)
    figures = _figures(problem, planned, parameters.tolerances)
    remaining = _remaining(problem, lines)
    plan_id = _plan_id(lines, problem.network.as_of)
    versions = {"plan_id": plan_id, "run_version": plan_id, "model_version": model_version}
    return {
        "position": position_frame(problem, outcomes),
        "unit_value": unit_value_frame(problem, outcomes),
        "service": service_frame(problem, outcomes),
        "transfer": transfer_frame(problem, outcomes, lines, pd.Series(remaining.slack), plan_id),
        "departure": departure_frame(problem, lines),
        "exception": exception_frame(
            problem, PlanResults(outcomes, diagnoses, optimum.choice.dual_prices, remaining, omitted_eur)
        ),
        "assumption": assumption_frame(problem.assumptions, problem.network.as_of),
        "plan": plan_frame(problem, outcomes, lines, figures | versions),
    }


def gate(frames: dict[str, pd.DataFrame], settings: Settings) -> tuple[str, ...]:
    """Return the reasons why a plan must not be proposed, one sentence each; empty where it may.

    Parameters
    ----------
    frames
        Frames of ``plan``.
    settings
        The configuration. A gap above ``positioning.max_gap_rate`` is refused, one equal to it passes; a plan that
        costs more than no shipments is refused.

    """
    row = frames["plan"].iloc[0]
    refusals = []
    most = settings.positioning.max_gap_rate
    if row["gap_rate"] > most:
        refusals.append(
            f"the plan is {row['gap_rate']:.2%} above its lower bound, more than positioning.max_gap_rate {most:.2%}"
        )
    terms = [abs(row[name]) for name in row.index if name.endswith(("_eur_before", "_eur_after"))]
    if row["total_eur"] > row["total_eur_before"] + SolverTolerances().sum_rate * sum(terms):
        refusals.append("the plan costs more than sending nothing")
    return tuple(refusals)


def _explained(
    money: tuple[Problem, Problem, float], optimum: Optimum, workers: WorkerPool
) -> tuple[list[Outcome], pd.DataFrame, float]:
    """Explain the plan, then drop unworthy lines until none is left; only their skus are looked at again.

    ``money`` is the problem in EUR, the problem that ``optimum`` and ``workers`` know, and its unit in EUR. The last
    value returned is what the lines dropped would save, EUR: the plan's cost less that of the cheapest before it.
    """
    problem, counted, unit = money
    chosen = optimum.choice.column
    no_shipment = np.zeros(0, dtype="int64")
    decisions = {
        sku: Decision(sku, chosen[sku].lanes, chosen[sku].units)
        if sku in chosen
        else Decision(sku, no_shipment, no_shipment * 1.0)
        for sku in range(len(problem.catalog.skus))
    }
    outcomes: dict[int, Outcome] = {}
    choice = optimum.choice
    parameters = workers.parameters
    prices, cheapest = marginal_prices(counted, choice, parameters), np.inf
    lines, again = pd.DataFrame(), sorted(decisions)
    for left in range(parameters.line_rounds, -1, -1):
        chunks = [([decisions[sku] for sku in chunk], prices) for chunk in workers.chunks_of(again)]
        outcomes |= {outcome.sku: outcome_in_eur(outcome, unit) for outcome in workers.run(explain_chunk, chunks)}
        lines = line_table(problem, [outcomes[sku] for sku in sorted(outcomes)])
        eur = _total_eur(problem, list(outcomes.values()), lines)
        cheapest = min(cheapest, eur)
        dropped = lines[unworthy(problem, lines)] if left else lines[lines["benefit_eur"] < 0]
        going = still_going(problem, choice, lines.drop(dropped.index))
        if not len(dropped) and (going == choice.loads).all():
            break
        again = sorted(set(dropped["sku_at"]))
        for sku in again:
            out = dropped.loc[dropped["sku_at"] == sku, "shipment"].to_numpy(dtype="int64")
            kept = ~np.isin(decisions[sku].lanes, out)
            decisions[sku] = replace(decisions[sku], lanes=decisions[sku].lanes[kept], units=decisions[sku].units[kept])
        if (going != choice.loads).any():
            choice = replace(choice, loads=going)
            prices, again = marginal_prices(counted, choice, parameters), sorted(set(lines["sku_at"]))
    return [outcomes[sku] for sku in sorted(outcomes)], lines, eur - cheapest


def _total_eur(problem: Problem, outcomes: list[Outcome], lines: pd.DataFrame) -> float:
    """Return the signed sum of all terms after the plan, loads included."""
    after = np.sum([outcome.after for outcome in outcomes], axis=0)[:KG].sum()
    return float(after + fixed_terms(problem, lines)[:KG].sum())


def still_going(problem: Problem, choice: MasterSolution, lines: pd.DataFrame) -> np.ndarray:
    """Return the loads of ``choice`` without those of departures that no line is left on."""
    used = set(lines["shipment"])
    is_used = np.array([load.shipment in used for load in problem.shared.loads], dtype=bool)
    return np.where(is_used, choice.loads, 0.0)


def _diagnoses(outcomes: list[Outcome], workers: WorkerPool, unit: float) -> dict[int, Diagnosis]:
    """Return the diagnosis of every SKU that keeps a stockout, in EUR."""
    short = {row.sku: Decision(row.sku, row.lanes, row.units) for row in outcomes if has_stockout(row).any()}
    chunks = [([short[sku] for sku in chunk],) for chunk in workers.chunks_of(sorted(short))]
    return {row.sku: diagnosis_in_eur(row, unit) for row in workers.run(diagnose_chunk, chunks)}


def _remaining(problem: Problem, lines: pd.DataFrame) -> Remaining:
    """Return what the lines, and the loads they pay for, leave of every shared resource."""
    loads = load_table(problem, lines).set_index("shipment")["loads"]
    slack = []
    for resource in problem.shared.resources:
        selected = lines[lines["shipment"].isin(resource.shipments)]
        use = resource.use[selected["sku_at"].to_numpy(dtype="int64")]
        loads_paid = float(loads.get(resource.load, 0.0)) if resource.load >= 0 else 1.0
        slack.append(resource.capacity * loads_paid - float((selected["units"].to_numpy(dtype="float64") * use).sum()))
    return Remaining(np.array(slack), dict(zip(loads.index.tolist(), loads.tolist(), strict=True)))


@dataclass(frozen=True)
class _Planned:
    """A plan before it becomes frames.

    Attributes
    ----------
    outcomes
        The explained plan of every SKU, EUR.
    lines
        Proposed lines, see ``line_table``.
    optimum
        Solution of the optimizer, EUR.
    omitted_eur
        Savings of the lines that are left out on purpose, EUR; gaps do not count them.
    held_out
        Savings in each held-out scenario without loads, (n_held_out,), EUR.

    """

    outcomes: list[Outcome]
    lines: pd.DataFrame
    optimum: Optimum
    omitted_eur: float
    held_out: np.ndarray


def _figures(problem: Problem, planned: _Planned, tolerances: SolverTolerances) -> dict[str, object]:
    """Return bound, gaps and sampling figures.

    Raises ``StageError`` where the bound lies above the plan's cost.
    """
    optimum, outcomes, lines = planned.optimum, planned.outcomes, planned.lines
    terms = np.sum([outcome.before for outcome in outcomes], axis=0)[:KG]
    before, fixed = float(terms.sum()), fixed_terms(problem, lines)[:KG].sum()
    after = _total_eur(problem, outcomes, lines)
    bound = optimum.bound_eur + before - sum(optimum.no_shipment_eur.values())
    unit, best = unit_eur(problem), after - planned.omitted_eur
    if bound > best + tolerances.sum_rate * float(np.abs(terms).sum()) + tolerances.bound_eur * unit:
        raise StageError(
            "rebalance",
            f"the lower bound {bound:.2f} lies above the plan's cost {best:.2f}: a defect, please report it",
        )
    bound = min(bound, best)
    gap, stake = (best - bound, before - bound) if best - bound > tolerances.no_gap_eur * unit else (0.0, 1.0)
    held_out = planned.held_out - fixed
    size = problem.settings.positioning.scenarios
    groups = [held_out[index : index + size].mean() for index in range(0, len(held_out) - size + 1, size)]
    return {
        "lower_bound_eur": bound,
        # Where goods are worth more at the end, the cost can be near nothing or below: then of what is at stake.
        "gap_rate": min(gap / max(after, stake), 1.0),
        "gap_of_benefit_rate": min(gap / stake, 1.0),
        "sampling_error_eur": float(np.std(groups, ddof=1)) if len(groups) > 1 else 0.0,
        "out_of_sample_benefit_eur": float(held_out.mean()),
    }


def _held_out_benefit(problem: Problem, outcomes: list[Outcome], workers: WorkerPool) -> np.ndarray:
    """Return what the plan saves in each held-out scenario, without loads, EUR."""
    moved = {row.sku: Decision(row.sku, row.lanes, row.units) for row in outcomes if len(row.lanes)}
    chunks = [([moved[sku] for sku in chunk],) for chunk in workers.chunks_of(sorted(moved))]
    none = np.zeros(problem.settings.positioning.out_of_sample_scenarios)
    return np.sum([none, *workers.run(judge_chunk, chunks)], axis=0)


def _plan_id(lines: pd.DataFrame, as_of: date) -> str:
    text = sorted(zip(lines["proposal_id"], lines["units"], strict=True))
    return hashlib.sha256(repr((as_of.isoformat(), text)).encode()).hexdigest()[:16]


def _model_version(forecasts: dict[str, pd.DataFrame]) -> str:
    rows = forecasts["forecast"]
    return str(rows["model_version"].iloc[0]) if "model_version" in rows and len(rows) else "unknown"
