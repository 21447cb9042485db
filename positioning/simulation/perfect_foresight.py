"""The perfect-foresight benchmark: no policy can cost less on the realized demand.

Per SKU, a linear program in hindsight (HiGHS): it knows all demand, chooses the units on every
departure that the planning dates decide, and who serves whom. It is a relaxation of the game, so its value
bounds every policy's: packs, least orders, stock minima and shared capacities are left out, loads are
paid by the share a unit takes of a full one, and routing is free. Not here: any decision in time.

Index sets: h hubs, r regions, t periods, d departures (lane, planning date) with arrival period a(d).
Variables, all ≥ 0: ``stock[h,t]`` at the end of t, ``move[d]``, ``serve[h,r,t]`` where demand > 0.

    balance[h,t]:  stock[h,t] − stock[h,t−1] + Σ_r serve[h,r,t] + Σ_{d out of h in t} move[d]
                   − Σ_{d into h, a(d) = t} move[d] = arriving[h,t]
    demand[r,t]:   Σ_h serve[h,r,t] ≤ demand[r,t]
    supply[s]:     Σ_{d from s} move[d] ≤ available[s]
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csc_array

from positioning.optimizer.highs import NO_COLUMNS, LinearProgram, Model
from positioning.simulation.admission import departures
from positioning.simulation.engine import Game
from positioning.simulation.ledger import load_eur_per_unit, purchase_eur


@dataclass(frozen=True)
class Moves:
    """Departures that the lower bound may use, D of them.

    Attributes
    ----------
    lane
        Position of the lane, (D,).
    ship_period, arrival_period
        Periods of departure and arrival, (D,).
    eur
        Cost of a unit, EUR, (K, D): transport, share of the load, handling, churn, and carbon; infinite where not
        allowed.
    goods_eur
        Purchase price of a unit above its value when it is left, EUR, (K, D).

    """

    lane: np.ndarray
    ship_period: np.ndarray
    arrival_period: np.ndarray
    eur: np.ndarray
    goods_eur: np.ndarray


def bound_eur(game: Game, *, with_goods: bool, threads: int = 1) -> np.ndarray:
    """Return each SKU's least possible cost in hindsight, (K,), on the terms of ``Ledger.value_eur``.

    The sum bounds every policy's value. The value of one SKU may be below its bound by the share that
    other SKUs pay of shared loads. ``threads`` divide the SKUs.
    """
    moves = open_moves(game)
    skus = range(len(game.network.skus.index))
    with ThreadPoolExecutor(threads) as pool:
        values = list(pool.map(lambda sku: _solve(game, moves, sku, with_goods=with_goods), skus))
    return np.array(values)


def open_moves(game: Game) -> Moves:
    """Return every departure that a planning date of the replay decides."""
    network = game.network
    lanes, skus, prices = network.lanes, network.skus, game.prices
    result = [
        departures(network, period, game.ready_minutes, game.opening.arriving.shape[2]) for period in game.decisions
    ]
    lane = [np.flatnonzero(leaving.is_decided) for leaving in result]
    size = [len(part) for part in lane]
    index = np.concatenate([*lane, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    arrival = np.concatenate([*(leaving.arrival_period[part] for leaving, part in zip(result, lane, strict=True)), np.zeros(0)])  # fmt: skip
    all_skus = np.arange(len(skus.index))
    eur = lanes.unit_eur + load_eur_per_unit(lanes, skus.volume_l, skus.mass_kg)
    eur = eur + lanes.kg_co2e * prices.carbon_eur_per_kg
    eur = eur + np.where(lanes.is_supply, 0.0, prices.handling_eur_per_unit + prices.churn_eur_per_unit)
    bought = np.stack([purchase_eur(all_skus, np.full(len(all_skus), one), network) for one in range(len(lanes.index))], axis=1)  # fmt: skip
    left = skus.unit_cost_eur[:, None] * prices.terminal_value_rate
    goods = np.where(lanes.is_supply[None, :], bought - left, 0.0)
    eur = np.where(lanes.is_allowed, eur, np.inf)
    return Moves(index, np.repeat(np.array(game.decisions, dtype=np.int64), size), arrival.astype(np.int64), eur[:, index], goods[:, index])  # fmt: skip


def _solve(game: Game, moves: Moves, sku: int, *, with_goods: bool) -> float:
    """Return the least cost of one SKU."""
    network, opening = game.network, game.opening
    demand = game.demand.ahead[sku]
    cost = network.skus.unit_cost_eur[sku]
    written_down = cost * (1.0 - game.prices.terminal_value_rate) if with_goods else 0.0
    constant = float(demand.sum() * network.skus.lost_sale_eur[sku])
    if with_goods:
        constant += written_down * float(opening.on_hand[sku].sum() + opening.arriving[sku].sum())
    program = _program(game, moves, sku, written_down if with_goods else None)
    return constant + _minimum(*program)


def _program(
    game: Game, moves: Moves, sku: int, written_down: float | None
) -> tuple[np.ndarray, sparse.csc_array, np.ndarray, np.ndarray]:
    """Return costs, rows and row bounds of one SKU's program; columns stock, move, serve.

    Lost sales are a constant less what serving saves, so serving has the saving as a credit.
    """
    network = game.network
    periods = network.periods
    serve_hub, serve_region, serve_period = _serves(game, sku)
    used = np.flatnonzero(np.isfinite(moves.eur[sku]))
    move_eur = moves.eur[sku, used] + (moves.goods_eur[sku, used] if written_down is not None else 0.0)
    delivery = network.delivery
    carriage = delivery.cost_eur[sku] + delivery.late_eur[sku] + delivery.kg_co2e[sku] * game.prices.carbon_eur_per_kg
    gain = network.skus.lost_sale_eur[sku] + (written_down or 0.0)
    stock_eur = np.repeat(network.hubs.holding_eur[sku] + network.hubs.storage_eur[sku], periods)
    costs = np.concatenate([stock_eur, move_eur, carriage[serve_hub, serve_region] - gain])
    rows = [_balance(game, (moves, used), (serve_hub, serve_period)), _demanded(game, sku, len(used), (serve_region, serve_period))]  # fmt: skip
    lower, upper = _sides(game, sku)
    supplied = _supplied(game, (moves, used), len(serve_hub))
    matrix = sparse.vstack([*rows, supplied]).tocsc()
    available = game.opening.available[:, sku]
    return costs, matrix, np.concatenate([lower, np.full(len(available), -np.inf)]), np.concatenate([upper, available])


def _serves(game: Game, sku: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hub, region and period of every way to serve a demand of the SKU."""
    network = game.network
    lanes = np.isfinite(network.delivery.cost_eur[sku])
    can = lanes[:, :, None] & (game.demand.ahead[sku] > 0)[None] & network.hubs.is_open[:, None, :]
    hub, region, period = np.nonzero(can)
    return hub, region, period


def _balance(game: Game, moves: tuple[Moves, np.ndarray], serves: tuple[np.ndarray, np.ndarray]) -> sparse.coo_array:
    """Rows balance[h,t]: what stands, leaves and is served is what stood and arrived."""
    network, (all_moves, used) = game.network, moves
    hubs, periods = len(network.hubs.index), network.periods
    size = hubs * periods
    lane = all_moves.lane[used]
    ship, arrival = all_moves.ship_period[used], all_moves.arrival_period[used]
    out, into = ~network.lanes.is_supply[lane], arrival < periods
    cells = np.arange(size)
    carried = cells[cells % periods > 0]
    columns = size + np.arange(len(used))
    row = [cells, carried, network.lanes.origin[lane[out]] * periods + ship[out], network.lanes.destination[lane[into]] * periods + arrival[into], serves[0] * periods + serves[1]]  # fmt: skip
    column = [cells, carried - 1, columns[out], columns[into], size + len(used) + np.arange(len(serves[0]))]
    sign = [np.full(len(part), value) for part, value in zip(row, (1.0, -1.0, 1.0, -1.0, 1.0), strict=True)]
    shape = (size, size + len(used) + len(serves[0]))
    return sparse.coo_array((np.concatenate(sign), (np.concatenate(row), np.concatenate(column))), shape=shape)


def _demanded(game: Game, sku: int, n_moves: int, serves: tuple[np.ndarray, np.ndarray]) -> sparse.coo_array:
    """Rows demand[r,t], one for each positive demand: what is served is at most what is asked."""
    number = np.cumsum((game.demand.ahead[sku] > 0).ravel()) - 1
    periods = game.network.periods
    first = len(game.network.hubs.index) * periods + n_moves
    row = number[serves[0] * periods + serves[1]]
    shape = (int((game.demand.ahead[sku] > 0).sum()), first + len(row))
    return sparse.coo_array((np.ones(len(row)), (row, first + np.arange(len(row)))), shape=shape)


def _supplied(game: Game, moves: tuple[Moves, np.ndarray], n_serves: int) -> sparse.coo_array:
    """Rows supply[s]: what is bought is at most what the supplier has."""
    network, (all_moves, used) = game.network, moves
    lane = all_moves.lane[used]
    bought = network.lanes.is_supply[lane]
    first = len(network.hubs.index) * network.periods
    index = (network.lanes.origin[lane[bought]], first + np.flatnonzero(bought))
    shape = (len(network.supply.index), first + len(used) + n_serves)
    return sparse.coo_array((np.ones(int(bought.sum())), index), shape=shape)


def _sides(game: Game, sku: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper sides of the balance and demand rows."""
    arriving = game.opening.arriving[sku, :, : game.network.periods].astype(float)
    arriving[:, 0] += game.opening.on_hand[sku]
    demand = game.demand.ahead[sku]
    request = demand[demand > 0].astype(float)
    return np.concatenate([arriving.ravel(), np.full(len(request), -np.inf)]), np.concatenate(
        [arriving.ravel(), request]
    )


def _minimum(costs: np.ndarray, matrix: sparse.csc_array, lower: np.ndarray, upper: np.ndarray) -> float:
    """Return the minimum of costs·x under lower ≤ matrix·x ≤ upper, x ≥ 0; −inf where it has none.

    It has none where a supplier sells without limit below the value of what is left.
    """
    program = LinearProgram(NO_COLUMNS, costs, np.full(len(costs), np.inf), csc_array(matrix), lower, upper, 0.0, ())
    model = Model(may_be_unbounded=True)
    model.load(program)
    solution = model.try_solve()
    if solution is not None:
        return solution.eur
    if model.is_unbounded:
        return -np.inf
    raise RuntimeError(f"the program of the perfect-foresight benchmark ended with {model.status}")
