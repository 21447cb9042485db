"""The linear program of one SKU: columns, and each constraint as one small named function.

Column names are ``send``, ``serve``, ``keep``, ``end`` and ``later``; row names are the functions'
names; both carry the places they are about, so a written ``.lp`` file reads as the maths page does
(``docs/positioning.md``). Not here: solving it, and the resources that SKUs share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import csc_array

from positioning.inputs.costs import TERM, total
from positioning.inputs.subproblem import N_RANKS, Subproblem
from positioning.optimizer.highs import Columns, LinearProgram, Names, Rows

INF = float("inf")


@dataclass(frozen=True)
class Instance:
    """The problem of an SKU on demand scenarios ``paths`` (S, R, B) with ``arrival`` buckets (S, L)."""

    problem: Subproblem
    paths: np.ndarray
    arrival: np.ndarray

    @property
    def n_paths(self) -> int:
        """Number of demand scenarios."""
        return len(self.paths)


def build_program(instance: Instance, constraints: tuple[Constraint, ...] | None = None) -> LinearProgram:
    """Put columns and constraints (all by default) of one SKU together."""
    problem = instance.problem
    n_buckets, n_hubs = len(problem.bucket_days), len(problem.hubs)
    columns = Columns(
        len(problem.lanes), len(problem.deliveries) * n_buckets, n_hubs * n_buckets, n_hubs * N_RANKS,
        len(problem.later), instance.n_paths,
    )  # fmt: skip
    blocks = tuple(constraint(instance, columns) for constraint in constraints or CONSTRAINTS)
    matrix, lower, upper = stack(blocks, columns.count)
    cost, most = _cost(instance, columns), _most(problem, columns)
    offset = float(total(problem.lost_terms) * instance.paths.sum() / instance.n_paths)
    return LinearProgram(columns, cost, most, matrix, lower, upper, offset, blocks)


def gives(instance: Instance, columns: Columns) -> Rows:
    """gives[hub]: Σ send out ≤ usable. No hub gives more than it has, less its minimum."""
    problem = instance.problem
    out = np.flatnonzero(~problem.is_supply)
    n_hubs = len(problem.hubs)
    return Rows(
        problem.origin[out], out, np.ones(len(out)), np.full(n_hubs, -INF), problem.limits.give,
        lambda names: [f"gives[{hub}]" for hub in names.hubs],
    )  # fmt: skip


def available(instance: Instance, columns: Columns) -> Rows:
    """available[supplier]: Σ send from the supplier ≤ what it can give."""
    problem = instance.problem
    orders = np.flatnonzero(problem.is_supply)
    n_suppliers = len(problem.limits.available)
    return Rows(
        problem.origin[orders], orders, np.ones(len(orders)), np.full(n_suppliers, -INF), problem.limits.available,
        lambda names: [f"available[{supplier}]" for supplier in names.suppliers],
    )  # fmt: skip


def receives(instance: Instance, columns: Columns) -> Rows:
    """receives[hub]: Σ send in ≤ the hub's most units of the sku less stock and confirmed arrivals."""
    problem = instance.problem
    n_hubs = len(problem.hubs)
    return Rows(
        problem.destination, np.arange(columns.n_send), np.ones(columns.n_send), np.full(n_hubs, -INF), problem.limits.receive,
        lambda names: [f"receives[{hub}]" for hub in names.hubs],
    )  # fmt: skip


def balance(instance: Instance, columns: Columns) -> Rows:
    """balance[hub,bucket,path]: kept before + arrivals + in = out + served + kept (or left, at the end)."""
    problem, n_paths = instance.problem, instance.n_paths
    width = len(problem.bucket_days) + 1
    n_hubs, n_rows = len(problem.hubs), len(problem.hubs) * width
    entries = _Entries(n_paths, n_rows)
    bucket, hub = np.tile(np.arange(width - 1), n_hubs), np.repeat(np.arange(n_hubs), width - 1)
    entries.add(hub * width + bucket, columns.keep(hub * (width - 1) + bucket), 1.0)
    entries.add(hub * width + bucket + 1, columns.keep(hub * (width - 1) + bucket), -1.0)
    lane, when = (
        np.repeat(np.arange(len(problem.deliveries)), width - 1),
        np.tile(np.arange(width - 1), len(problem.deliveries)),
    )
    entries.add(problem.delivery_hub[lane] * width + when, columns.serve(lane * (width - 1) + when), 1.0)
    rank = np.arange(n_hubs * N_RANKS)
    entries.add(rank // N_RANKS * width + width - 1, columns.end(rank), 1.0)
    later = np.arange(len(problem.later))
    lanes, leaves, arrives = problem.later[:, 0], problem.later[:, 1], problem.later[:, 2]
    entries.add(problem.destination[lanes] * width + arrives, columns.later(later), -1.0)
    moved = ~problem.is_supply[lanes]
    entries.add((problem.origin[lanes] * width + leaves)[moved], columns.later(later[moved]), 1.0)
    sent = np.tile(np.arange(columns.n_send), (n_paths, 1))
    entries.add_by_path(problem.destination[None, :] * width + instance.arrival, sent, -1.0)
    out = np.flatnonzero(~problem.is_supply)
    entries.add(problem.origin[out] * width, sent[:, out], 1.0)
    stock = problem.arrivals.copy()
    stock[:, 0] += problem.usable
    units = np.tile(stock.ravel(), n_paths)
    paths, buckets = range(n_paths), range(width)
    return entries.rows(
        units, units, lambda names: [f"balance[{h},b{b},s{s}]" for s, h, b in product(paths, names.hubs, buckets)]
    )


def demand(instance: Instance, columns: Columns) -> Rows:
    """demand[region,bucket,path]: Σ served ≤ demand. What is not served is lost."""
    problem = instance.problem
    n_buckets = len(problem.bucket_days)
    entries = _Entries(instance.n_paths, len(problem.regions) * n_buckets)
    lane, bucket = np.divmod(np.arange(columns.n_serve), max(n_buckets, 1))
    entries.add(problem.delivery_region[lane] * n_buckets + bucket, columns.serve(np.arange(columns.n_serve)), 1.0)
    requested = instance.paths.reshape(instance.n_paths, -1).ravel()
    paths, buckets = range(instance.n_paths), range(n_buckets)
    return entries.rows(
        np.full(len(requested), -INF), requested,
        lambda names: [f"demand[{r},b{b},s{s}]" for s, r, b in product(paths, names.regions, buckets)],
    )  # fmt: skip


def later_orders(instance: Instance, columns: Columns) -> Rows:
    """later_orders[supplier,path]: Σ later orders + Σ orders of tonight ≤ what the supplier can give."""
    problem = instance.problem
    n_suppliers = len(problem.limits.available)
    entries = _Entries(instance.n_paths, n_suppliers)
    orders = np.flatnonzero(problem.is_supply)
    later = np.flatnonzero(problem.is_supply[problem.later[:, 0]])
    if len(later):
        entries.add(problem.origin[problem.later[later, 0]], columns.later(later), 1.0)
        entries.add(problem.origin[orders], np.tile(orders, (instance.n_paths, 1)), 1.0)
    upper = np.tile(problem.limits.available if len(later) else np.full(n_suppliers, INF), instance.n_paths)
    paths = range(instance.n_paths)
    return entries.rows(
        np.full(len(upper), -INF),
        upper,
        lambda names: [f"later_orders[{p},s{s}]" for s, p in product(paths, names.suppliers)],
    )


Constraint = Callable[[Instance, Columns], Rows]
CONSTRAINTS: tuple[Constraint, ...] = (gives, available, receives, balance, demand, later_orders)


def stack(blocks: tuple[Rows, ...], n_columns: int) -> tuple[csc_array, np.ndarray, np.ndarray]:
    """Put blocks of rows under one another: matrix, lower and upper bounds."""
    starts = np.cumsum([0, *[len(block.lower) for block in blocks]])
    rows = np.concatenate([block.row + start for block, start in zip(blocks, starts[:-1], strict=True)])
    columns = np.concatenate([block.column for block in blocks])
    values = np.concatenate([block.value for block in blocks])
    matrix = csc_array((values, (rows, columns)), shape=(int(starts[-1]), n_columns))
    return matrix, np.concatenate([b.lower for b in blocks]), np.concatenate([b.upper for b in blocks])


class _Entries:
    """Collects entries of rows that repeat on every path."""

    def __init__(self, n_paths: int, n_rows: int) -> None:
        self._n_paths, self._n_rows = n_paths, n_rows
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, rows: np.ndarray, columns: np.ndarray, value: float) -> None:
        """Add ``value`` at local ``rows`` (n,) and ``columns`` (n_paths, n)."""
        self.add_by_path(np.tile(rows, (self._n_paths, 1)), columns, value)

    def add_by_path(self, rows: np.ndarray, columns: np.ndarray, value: float) -> None:
        """Add ``value`` at local ``rows`` and ``columns``, both (n_paths, n)."""
        shifted = rows + self._n_rows * np.arange(self._n_paths)[:, None]
        self._parts.append((shifted.ravel(), columns.ravel(), np.full(columns.size, value)))

    def rows(self, lower: np.ndarray, upper: np.ndarray, names: Callable[[Names], list[str]]) -> Rows:
        """Return the rows collected."""
        if not self._parts:
            return Rows(np.zeros(0, "int64"), np.zeros(0, "int64"), np.zeros(0), lower, upper, names)
        row, column, value = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return Rows(row, column, value, lower, upper, names)


def _cost(instance: Instance, columns: Columns) -> np.ndarray:
    """Cost of each column; served units save the lost sale that ``offset`` charges for all demand."""
    problem = instance.problem
    keeping = total(problem.keeping)
    serve = total(problem.delivery_terms)[:, None] + keeping[problem.delivery_hub][:, None] * problem.served_days
    serve = serve - problem.lost_terms[TERM["lost_sales"]]
    path = np.concatenate([
        serve.ravel(), (keeping[:, None] * problem.bucket_days[None, :]).ravel(),
        -problem.end_value.ravel(), total(problem.later_terms),
    ])  # fmt: skip
    return np.concatenate([total(problem.shipment_terms), np.tile(path / instance.n_paths, instance.n_paths)])


def _most(problem: Subproblem, columns: Columns) -> np.ndarray:
    """Upper bounds: shipments as allowed, ranks of units left as they have room, closed hubs serve nothing."""
    serve = np.where(problem.is_served, INF, 0.0)
    path = np.concatenate([
        serve.ravel(), np.full(columns.n_keep, INF), problem.end_capacity.ravel(), np.full(columns.n_later, INF),
    ])  # fmt: skip
    return np.concatenate([problem.limits.most, np.tile(path, columns.n_paths)])


def row_names(program: LinearProgram, names: Names) -> list[str]:
    """Return human-readable names of all rows."""
    return [name for block in program.blocks for name in block.names(names)]


def column_names(problem: Subproblem, columns: Columns, names: Names) -> list[str]:
    """Return human-readable names of all columns."""
    buckets = range(len(problem.bucket_days))
    text = [f"send[{lane}]" for lane in names.shipments]
    for s in range(columns.n_paths):
        text += [f"serve[{d},b{b},s{s}]" for d, b in product(names.deliveries, buckets)]
        text += [f"keep[{h},b{b},s{s}]" for h, b in product(names.hubs, buckets)]
        text += [f"end[{h},r{g},s{s}]" for h, g in product(names.hubs, range(N_RANKS))]
        text += [f"later[{names.shipments[lane]},b{b},s{s}]" for lane, _, b in problem.later]
    return text
