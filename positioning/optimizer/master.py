"""Choosing one column per sku under what all skus share, with whole loads.

Here: the master program over columns, its dual prices, and the repair to one whole column each.
Not here: making columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, hstack, vstack

from positioning.inputs.capacity import Shared
from positioning.optimizer.highs import NO_COLUMNS, WHOLE, LinearProgram, Model
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import Column, SkuShipments


@dataclass(frozen=True)
class Pool:
    """The columns of the restricted master problem, n of them.

    Attributes
    ----------
    columns
        Columns, by SKU.
    gain_eur
        Cost without shipments less the column's cost, (n,); positive is better.
    sku
        Position of the SKU, (n,).
    uses
        What the column takes of each resource, (n, n_resources).

    """

    columns: tuple[Column, ...]
    gain_eur: np.ndarray
    sku: np.ndarray
    uses: np.ndarray


@dataclass(frozen=True)
class MasterSolution:
    """Columns and loads of a plan.

    Attributes
    ----------
    column
        Chosen column by SKU; a SKU without one sends nothing.
    loads
        Whole loads by entry of ``shared.loads``, (n_loads,).
    dual_prices
        Dual price of each resource, (n_resources,), with these loads and columns that may be split.

    """

    column: dict[int, Column]
    loads: np.ndarray
    dual_prices: np.ndarray


def build_pool(columns: list[Column], no_shipment_eur: dict[int, float], n_resources: int) -> Pool:
    """Put columns together, dropping repeated ones; order is by sku, then as found."""
    kept: dict[tuple[int, bytes, bytes], Column] = {}
    for column in sorted(columns, key=lambda column: column.sku):
        kept.setdefault((column.sku, column.lanes.tobytes(), column.units.tobytes()), column)
    chosen = tuple(kept.values())
    gain = np.array([no_shipment_eur[column.sku] - column.eur for column in chosen])
    uses = np.array([column.uses for column in chosen]).reshape(len(chosen), n_resources)
    return Pool(chosen, gain, np.array([column.sku for column in chosen], dtype="int64"), uses)


def choose(pool: Pool, shared: Shared, loads: np.ndarray, parameters: Parameters) -> MasterSolution:
    """Give every sku one column that fits when ``loads``, by entry of ``shared.loads``, are those that go.

    A price is what one more unit of room is worth on these loads, columns split: nothing where there is room left.
    """
    if not pool.columns:
        return MasterSolution({}, np.zeros(len(shared.loads)), np.zeros(len(shared.resources)))
    master = Master(pool, paid(shared, loads), parameters)
    relaxed = master.solve()
    chosen = _whole_columns(master, relaxed)
    columns = {int(pool.sku[index]): pool.columns[index] for index in chosen}
    return MasterSolution(columns, loads, relaxed.dual_prices)


def split_shipments(pool: Pool, shared: Shared, loads: np.ndarray, parameters: Parameters) -> tuple[SkuShipments, ...]:
    """Return the mean units of every SKU that the relaxed master splits between columns, or one and nothing, on ``loads``."""
    if not pool.columns:
        return ()
    shares, whole = Master(pool, paid(shared, loads), parameters).solve().shares, parameters.master.whole_share
    mixed: dict[int, np.ndarray] = {}
    for index in np.flatnonzero((shares > whole) & (shares < 1.0 - whole)):
        column = pool.columns[index]
        units = mixed.setdefault(column.sku, np.zeros(shared.binds.shape[1]))
        units[column.lanes] += shares[index] * column.units
    return tuple(SkuShipments(sku, mixed[sku]) for sku in sorted(mixed))


@dataclass(frozen=True)
class InteriorSolution:
    """An optimal solution of the relaxed master from the interior of the optimal ones.

    Attributes
    ----------
    dual_prices
        Dual price of each resource, (n_resources,).
    linking_duals
        Dual of the linking constraint of each SKU and shipment, (n_skus, n_shipments).
    loads
        Loads by entry of ``shared.loads``, which may be split, (n_loads,).
    gain_eur
        Gain over no shipments, less the cost of loads.

    """

    dual_prices: np.ndarray
    linking_duals: np.ndarray
    loads: np.ndarray
    gain_eur: float


def interior_solution(pool: Pool, shared: Shared, n_skus: int, parameters: Parameters) -> InteriorSolution:
    """Return prices, charges and loads of the relaxed master with ties, from an interior point.

    A corner of the best prices lays a load's cost on few skus; the middle spreads it over all who would
    use the load, which is where column generation is quick (Gondzio, Gonzalez-Brevis & Munari, "New
    developments in the primal-dual column generation technique", EJOR 224 (2013)).
    """
    linking_duals = np.zeros((n_skus, shared.binds.shape[1]))
    if not pool.columns:
        return InteriorSolution(np.zeros(len(shared.resources)), linking_duals, np.zeros(len(shared.loads)), 0.0)
    master = Master(pool, shared, parameters, linking_rows(pool, shared))
    solution = master.solve(presolve="off", solver="ipm", run_crossover="off")
    for (sku, index), dual in zip(master.linking.keys, solution.linking_duals, strict=True):
        linking_duals[sku, shared.loads[index].shipment] = dual
    return InteriorSolution(solution.dual_prices, linking_duals, solution.loads, -solution.eur)


def whole_loads(
    pool: Pool, shared: Shared, start: np.ndarray, doubtful: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Return the whole loads that go, (n_loads,), by adding and dropping loads one by one while the gain grows.

    Parameters
    ----------
    pool
        Columns, which may be split.
    shared
        Resources and loads.
    start
        Loads to start from, (n_loads,).
    doubtful
        Which loads may change, (n_loads,).
    parameters
        When to stop.

    """
    if not pool.columns:
        return np.zeros(len(shared.loads))
    load_eur = np.array([load.eur for load in shared.loads])
    master = Master(pool, paid(shared, start), parameters)
    model = Model(parameters.solver, presolve="off")
    model.load(master.program)

    def gain_eur(loads: np.ndarray) -> float:
        model.set_upper_sides(master.resource_rows.start, shared.capacity_with(loads))
        return -model.solve().eur - float(loads @ load_eur)

    best, best_eur = start, gain_eur(start)
    for _ in range(parameters.master.turns):
        before = best_eur
        for index in np.flatnonzero(doubtful):
            for change in (1.0, -1.0):
                loads = best.copy()
                loads[index] += change
                if not 0.0 <= loads[index] <= shared.loads[index].most:
                    continue
                eur = gain_eur(loads)
                if eur > best_eur + parameters.master.least_gain_eur:
                    best, best_eur = loads, eur
        if best_eur <= before:
            break
    return best


def paid(shared: Shared, loads: np.ndarray) -> Shared:
    """Return the shared limits with the capacity of ``loads`` available and all other loads closed."""
    capacity = shared.capacity_with(loads)
    rows = tuple(replace(row, capacity=capacity[index], load=-1) for index, row in enumerate(shared.resources))
    return replace(shared, resources=rows, loads=())


def relaxed_master(pool: Pool, shared: Shared, parameters: Parameters) -> tuple[np.ndarray, float]:
    """Return what one more unit of each shared capacity is worth if columns and loads may be split, and the gain in EUR."""
    if not pool.columns:
        return np.zeros(len(shared.resources)), 0.0
    solution = Master(pool, shared, parameters).solve()
    return solution.dual_prices, -solution.eur


@dataclass(frozen=True)
class LinkingRows:
    """Rows Σ share of columns of a SKU that use a load ≤ loads.

    Attributes
    ----------
    keys
        SKU and entry of ``shared.loads`` of each row.
    row, column
        Row and column of each entry, (n,).

    """

    keys: tuple[tuple[int, int], ...]
    row: np.ndarray
    column: np.ndarray


_NO_LINKING = LinkingRows((), np.zeros(0, "int64"), np.zeros(0, "int64"))


def linking_rows(pool: Pool, shared: Shared) -> LinkingRows:
    """Return the ties of every sku to the loads its columns use."""
    place = {load.shipment: index for index, load in enumerate(shared.loads)}
    result: dict[tuple[int, int], int] = {}
    entries = []
    for index, column in enumerate(pool.columns):
        for shipment in column.lanes:
            if int(shipment) in place:
                row = result.setdefault((column.sku, place[int(shipment)]), len(result))
                entries.append((row, index))
    if not entries:
        return _NO_LINKING
    rows, columns = (np.array(part, dtype="int64") for part in zip(*entries, strict=True))
    return LinkingRows(tuple(result), rows, columns)


@dataclass(frozen=True)
class MasterValues:
    """Values of a solved master, each block of rows and columns by name.

    Attributes
    ----------
    eur
        Cost of loads less the gain of columns, EUR.
    shares
        Share of each column, (n_columns,), in [0, 1].
    loads
        Loads by entry of ``shared.loads``.
    sku_duals, linking_duals, dual_prices
        Dual prices, at least 0, of the rows of SKUs, the linking rows and the resources; 0 where columns are whole.

    """

    eur: float
    shares: np.ndarray
    loads: np.ndarray
    sku_duals: np.ndarray
    linking_duals: np.ndarray
    dual_prices: np.ndarray


class Master:
    """The restricted master problem over a pool of columns; it alone knows the order of its rows and columns.

    Rows: ``one_each[sku]``: Σ share ≤ 1; ``uses[sku,load]``: Σ share of columns that use the load ≤ loads; one row per
    resource: Σ use × share ≤ capacity, or, for loads, Σ use × share ≤ loads × size. Columns: shares, then loads.

    Parameters
    ----------
    pool
        Columns; at least one.
    shared
        Resources and loads.
    parameters
        Limits of its solves.
    linking
        Linking rows; none by default.

    References
    ----------
    Dantzig & Wolfe, "Decomposition principle for linear programs", Operations Research 8 (1960).

    """

    def __init__(self, pool: Pool, shared: Shared, parameters: Parameters, linking: LinkingRows | None = None) -> None:
        self.parameters = parameters
        self.pool, self.shared, self.linking = pool, shared, linking or _NO_LINKING
        self.skus, self.sku_row = np.unique(pool.sku, return_inverse=True)
        n_skus, n_linking, n_resources = len(self.skus), len(self.linking.keys), len(shared.resources)
        self.sku_rows = slice(0, n_skus)
        self.linking_rows = slice(n_skus, n_skus + n_linking)
        self.resource_rows = slice(n_skus + n_linking, n_skus + n_linking + n_resources)
        self.program = self._program()

    @property
    def row_names(self) -> list[str]:
        """Names of all rows."""
        names = [f"one_each[{sku}]" for sku in self.skus]
        names += [f"uses[{sku},{index}]" for sku, index in self.linking.keys]
        return names + [resource.name for resource in self.shared.resources]

    def solve(self, *, is_whole: bool = False, **options: object) -> MasterValues:
        """Solve the master, with whole shares where ``is_whole``; ``options`` are those of HiGHS.

        Raises ``RuntimeError`` without a solution that can be used.
        """
        limits = {"mip_rel_gap": self.parameters.master.mip_gap_rate, "mip_max_nodes": self.parameters.master.nodes}
        model = Model(self.parameters.solver, **{"presolve": "on", **limits, **options})  # type: ignore[arg-type]  # options of HiGHS
        model.load(self.program)
        n = len(self.pool.columns)
        if is_whole:
            model.set_kinds(dict.fromkeys(range(n), WHOLE))
        solution = model.solve()
        duals = np.maximum(-solution.duals, 0.0)
        return MasterValues(
            solution.eur, solution.values[:n], solution.values[n:],
            duals[self.sku_rows], duals[self.linking_rows], duals[self.resource_rows],
        )  # fmt: skip

    def _program(self) -> LinearProgram:
        pool, shared, n = self.pool, self.shared, len(self.pool.columns)
        one_each = csc_array((np.ones(n), (self.sku_row, np.arange(n))), shape=(len(self.skus), n + len(shared.loads)))
        matrix = csc_array(vstack([one_each, self._linking_part(), self._resource_part()], format="csc"))
        capacity = np.array([0.0 if row.load >= 0 else row.capacity for row in shared.resources])
        upper = np.concatenate([np.ones(len(self.skus)), np.zeros(len(self.linking.keys)), capacity])
        cost = np.concatenate([-pool.gain_eur, [load.eur for load in shared.loads]])
        most = np.concatenate([np.ones(n), [load.most for load in shared.loads]])
        return LinearProgram(NO_COLUMNS, cost, most, matrix, np.full(len(upper), -np.inf), upper, 0.0, ())

    def _linking_part(self) -> csc_array:
        linking, n = self.linking, len(self.pool.columns)
        rows = np.arange(len(linking.keys))
        loads = np.array([n + index for _, index in linking.keys], dtype="int64")
        values = np.concatenate([np.ones(len(linking.row)), -np.ones(len(rows))])
        entries = (np.concatenate([linking.row, rows]), np.concatenate([linking.column, loads]))
        return csc_array((values, entries), shape=(len(rows), n + len(self.shared.loads)))

    def _resource_part(self) -> csc_array:
        resources, loads = self.shared.resources, self.shared.loads
        place = {load.shipment: index for index, load in enumerate(loads)}
        sized = [(row, place[r.load], -r.capacity) for row, r in enumerate(resources) if r.load >= 0]
        rows, columns, sizes = (
            (np.array(part) for part in zip(*sized, strict=True)) if sized else (np.zeros(0, int),) * 3
        )
        load_part = csc_array((sizes.astype("float64"), (rows, columns)), shape=(len(resources), len(loads)))
        return hstack([csc_array(self.pool.uses.T), load_part], format="csc")


def _whole_columns(master: Master, relaxed: MasterValues) -> list[int]:
    """Return one whole column at most per SKU, as places in the pool of ``master``, which has no loads to choose.

    ``relaxed``, the solution with split columns, tells which columns could be in a best choice: those of small reduced
    cost. Among them a MILP chooses; then better ones that fit are taken, by gain.
    """
    pool, shared, parameters = master.pool, master.shared, master.parameters.master
    regret = relaxed.sku_duals[master.sku_row] + pool.uses @ relaxed.dual_prices - pool.gain_eur
    near = np.flatnonzero((relaxed.shares > parameters.whole_share) | (regret <= parameters.regret_eur))
    if not len(near):
        return []
    few = Pool(tuple(pool.columns[index] for index in near), pool.gain_eur[near], pool.sku[near], pool.uses[near])
    shares = Master(few, shared, master.parameters).solve(is_whole=True).shares
    capacity = np.array([row.capacity for row in shared.resources])
    return _swapped(pool, near[shares > 0.5], capacity, parameters.sweeps)


def _swapped(pool: Pool, taken: np.ndarray, capacity: np.ndarray, sweeps: int) -> list[int]:
    """Swap columns for better ones of the same sku that fit, highest cost first, a few times over."""
    chosen = {int(pool.sku[index]): int(index) for index in taken}
    used = pool.uses[list(chosen.values())].sum(axis=0)
    by_gain = np.lexsort((np.arange(len(pool.columns)), -pool.gain_eur))
    for _ in range(sweeps):
        is_changed = False
        for index in by_gain:
            sku = int(pool.sku[index])
            now = chosen.get(sku)
            gain = pool.gain_eur[index] - (pool.gain_eur[now] if now is not None else 0.0)
            if gain <= 1e-9:
                continue
            after = used + pool.uses[index] - (pool.uses[now] if now is not None else 0.0)
            if (after <= capacity + 1e-6).all():
                chosen[sku], used, is_changed = int(index), after, True
        if not is_changed:
            break
    return [chosen[sku] for sku in sorted(chosen)]
