"""Measure a plan of M5: time by step, memory, and both gaps, next to one cold linear program per SKU.

    python -m benchmarks.plan_m5 --data DIR [--warehouse DIR] [--skus 300 1000 3049 9147]

DIR contains the M5 tables. The benchmark uses the forecast in the warehouse if there is one. Otherwise, it makes a seasonal-naive
forecast once and stores it under ``--cache``. For fewer SKUs than M5 has, it takes every n-th SKU and scales hub capacities and the
size and cost of trucks in proportion. For more SKUs, it copies them with forecasts and stock changed randomly by up to a quarter, and
scales hub capacities and trucks per departure. The cold linear program of a SKU is the reference formulation, solved by HiGHS without a
warm start for a sample of SKUs; its time is scaled up.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import positioning
from features import build_panel, forecast_matrix
from foundation.configuration import load_settings
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from models.naive_forecast import naive_forecast
from positioning.inputs.problem import Problem, build_problem
from positioning.optimizer.highs import Model
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.workers import WorkerPool
from tests.oracle.sku_lp import Instance, build_program

Frames = dict[str, pd.DataFrame]
FORECASTS = ("forecast", "forecast_window", "forecast_dependence")
NETWORK = ("hubs", "lanes", "skus", "regions", "stock", "inbound", "supply", "promises")
CAPACITIES = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
COLD_SKUS = 60


def network_tables(folder: Path, as_of: date) -> Frames:
    """Return the tables of the network as known at ``as_of``."""
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in NETWORK}
    for name, frame in tables.items():
        tables[name] = frame.astype({c: "str" for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)})
    today = pd.Timestamp(as_of)
    snapshot = tables["stock"].loc[tables["stock"]["date"] <= today, "date"].max()
    tables["stock"] = tables["stock"][tables["stock"]["date"] == snapshot].reset_index(drop=True)
    tables["inbound"] = tables["inbound"][tables["inbound"]["as_of"] == snapshot].reset_index(drop=True)
    return tables


def forecasts(folder: Path, settings: Settings, as_of: date, cache: Path) -> Frames:
    """Return the forecast frames from the warehouse or from the cache; a seasonal-naive forecast fills the cache."""
    warehouse = Warehouse(settings)
    result = {name: warehouse.read(name, as_of) for name in FORECASTS}
    if len(result["forecast"]):
        return result
    kept = {name: cache / f"{as_of}-{name}.parquet" for name in FORECASTS}
    if not all(path.exists() for path in kept.values()):
        cache.mkdir(parents=True, exist_ok=True)
        for name, frame in _naive(folder, settings, as_of).items():
            frame.to_parquet(kept[name])
    return {name: pd.read_parquet(path) for name, path in kept.items()}


def _naive(folder: Path, settings: Settings, as_of: date) -> Frames:
    names = ("sales", "skus", "regions", "regional", "calendar", "prices")
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
    tables["sales"] = tables["sales"][tables["sales"]["date"] < pd.Timestamp(as_of)]
    forecast = settings.forecast.model_copy(update={"families": ("weekday",), "ignored_features": ()})
    plain = settings.model_copy(update={"forecast": forecast})
    panel = build_panel(tables, plain, as_of)
    return naive_forecast(panel.demand[:, : panel.n_history], forecast_matrix(panel, plain), settings, as_of)


def sized(tables: Frames, forecast: Frames, n_skus: int) -> tuple[Frames, Frames]:
    """Return the tables with about ``n_skus`` SKUs: a sample, or all SKUs and jittered copies."""
    names = sorted(tables["skus"]["sku"].unique())
    if n_skus < len(names):
        chosen = names[:: max(1, len(names) // n_skus)]
        keep = {name: frame[frame["sku"].isin(chosen)] if "sku" in frame else frame for name, frame in tables.items()}
        share = len(chosen) / len(names)
        lanes = keep["lanes"].assign(**{c: keep["lanes"][c] * share for c in ("load_l", "load_kg", "eur_per_load")})
        return _with_capacities(keep | {"lanes": lanes}, share), {
            n: f[f["sku"].isin(chosen)] for n, f in forecast.items()
        }
    copies = max(1, round(n_skus / len(names)))
    factor = np.random.default_rng(7).uniform(0.8, 1.25, (copies, len(names)))
    factor[0] = 1.0
    grown = {n: _copied(f, names, factor) if "sku" in f else f for n, f in tables.items()}
    lanes = grown["lanes"].assign(loads_per_departure=grown["lanes"]["loads_per_departure"] * copies)
    return _with_capacities(grown | {"lanes": lanes}, copies), {
        n: _copied(f, names, factor) for n, f in forecast.items()
    }


def _with_capacities(tables: Frames, factor: float) -> Frames:
    hubs = tables["hubs"]
    return tables | {"hubs": hubs.assign(**{name: hubs[name] * factor for name in CAPACITIES})}


def _copied(frame: pd.DataFrame, names: list[str], factor: np.ndarray) -> pd.DataFrame:
    """Return one copy of ``frame`` per factor, with renamed SKUs and scaled units and quantiles; stock stays whole."""
    place = frame["sku"].map({name: index for index, name in enumerate(names)}).to_numpy()
    scaled = [c for c in map(str, frame) if c in ("mean_units", "units_on_hand") or (c[0] == "q" and c[1:].isdigit())]
    parts = []
    for copy, by_sku in enumerate(factor):
        part = frame.assign(sku=frame["sku"] + (f"~{copy}" if copy else ""))
        for column in scaled:
            values = part[column] * by_sku[place]
            part[column] = np.floor(values) if column == "units_on_hand" else values
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def process_seconds(_: object, __: list[Any]) -> list[tuple[int, float]]:
    """Return the process a task runs in and its CPU seconds so far."""
    return [(os.getpid(), time.process_time())]


@contextmanager
def clocked() -> Iterator[dict[str, list[float]]]:
    """Yield calls, SKUs, wall seconds, and CPU seconds by task of the worker pool, filled while the block runs."""
    seconds: dict[str, list[float]] = defaultdict(lambda: [0.0] * 4)
    run = WorkerPool.run

    def cpu_of(self: WorkerPool, chunks: list[tuple[Any, ...]]) -> float:
        return sum(dict(run(self, process_seconds, [chunk[:1] for chunk in chunks])).values())

    def timed(self: WorkerPool, task: Any, chunks: list[tuple[Any, ...]]) -> list[Any]:
        cpu, started = cpu_of(self, chunks), time.perf_counter()
        answers = run(self, task, chunks)
        wall, cpu = time.perf_counter() - started, cpu_of(self, chunks) - cpu
        row = seconds[task.__name__]
        for index, amount in enumerate((1.0, sum(len(chunk[0]) for chunk in chunks), wall, cpu)):
            row[index] += amount
        return answers

    WorkerPool.run = timed  # type: ignore[method-assign]  # a benchmark measures calls from outside
    try:
        yield seconds
    finally:
        WorkerPool.run = run  # type: ignore[method-assign]  # restores the original method


def cold_seconds(problem: Problem) -> float:
    """Return CPU seconds to solve the program of every SKU without a warm start, scaled up from a sample."""
    cache, n_skus = SubproblemCache(problem, Parameters()), len(problem.catalog.skus)
    model = Model(presolve="off", solver="simplex")
    spent, sample = 0.0, range(0, n_skus, max(1, n_skus // COLD_SKUS))
    for sku in sample:
        subproblem = cache.subproblem(sku)
        program = build_program(
            Instance(subproblem, cache.demand_scenarios(subproblem), cache.arrival[:, subproblem.lanes])
        )
        model.highs.clearSolver()
        started = time.process_time()
        model.load(program)
        model.solve()
        spent += time.process_time() - started
    return spent / len(sample) * n_skus


def cpu_seconds() -> float:
    """Return CPU seconds of this process and of its child processes that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(row.ru_utime + row.ru_stime for row in used)


def planned(tables: Frames, forecast: Frames, settings: Settings, as_of: date) -> None:
    """Plan, and print time, memory, and gaps."""
    with clocked() as seconds:
        wall, cpu = time.perf_counter(), cpu_seconds()
        frames = positioning.plan(tables, forecast, settings, as_of)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    row, problem = frames["plan"].iloc[0], build_problem(tables, forecast, settings, as_of, None)
    cold, n_skus = cold_seconds(problem), len(problem.catalog.skus)
    memory = [resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    lines = frames["transfer"]
    saved = row["total_eur_before"] - row["total_eur"]
    print(f"\n{n_skus} SKUs: {wall:.0f} s wall, {cpu:.0f} s CPU, {1000 * cpu / n_skus:.1f} ms CPU per SKU")
    passes = seconds["price_chunk"][3]
    print(
        f"  one cold program per SKU: {cold:.0f} s CPU; all passes take {passes / cold:.2f} of it",
        end="; ",
    )
    print(f"the whole plan {cpu / cold:.2f}")
    print(
        f"  memory: {memory[0]:.2f} GB here, {memory[1]:.2f} GB in the largest worker process (peaks of the whole run)"
    )
    print(f"  gap {row['gap_rate']:.2%} of the cost, {row['gap_of_benefit_rate']:.2%} of the possible savings")
    print(f"  {len(lines)} lines, {frames['departure']['loads'].sum():.0f} loads, {saved:,.0f} saved;", end=" ")
    print(f"{row['out_of_sample_benefit_eur']:,.0f} ± {row['sampling_error_eur']:,.0f} on held-out scenarios")
    print(f"  sum of benefits minus savings of the plan: {lines['benefit_eur'].sum() - saved:+.4f}", end="; ")
    print(f"{(lines['loss_if_refused_eur'] < 0).sum()} lines with a negative loss if refused")
    for name, (calls, skus, spent, used) in seconds.items():
        print(f"  {name:20} {calls:4.0f} calls {skus:7.0f} SKUs {spent:7.1f} s wall {used:7.1f} s CPU")


def main() -> None:
    """Read the command line and plan every requested size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2016, 5, 23))
    parser.add_argument("--warehouse", default="warehouse/m5", help="warehouse with a forecast of that date")
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/results/runs/plan_m5"))
    parser.add_argument("--skus", type=int, nargs="*", default=[3049])
    parser.add_argument("--set", action="append", default=[], dest="changes")
    request = parser.parse_args()
    settings = load_settings("m5", [f"warehouse={request.warehouse}", *request.changes])
    tables = network_tables(request.data, request.as_of)
    forecast = forecasts(request.data, settings, request.as_of, request.cache)
    for n_skus in request.skus:
        planned(*sized(tables, forecast, n_skus), settings, request.as_of)


if __name__ == "__main__":
    main()
