"""Best-first branching on the shipments of one sku, compiled: whole packs, smallest sizes, charges for loads.

The programme is an outline of the sku: serving demand costs the largest of known cuts. Where it is open
whether a shipment is used, its charge is due in proportion, a most-th part per unit, which is never more
than is due. Any open node's bound is valid, so stopping early only makes the bound weaker. Not here:
finding cuts (``positioning.outline``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from positioning.cuts import WHOLE, Offer, Rows, bound, by_cuts, dictionary, may_fit, rounded
from positioning.simplex import Dictionary, add_cost, settle

_EUR_PER_UNIT_OFF = 2.0


class Nodes(NamedTuple):
    """All nodes of a search: bounds of x, which charges are paid, the relaxed answer and its cost; is it open."""

    lower: np.ndarray
    upper: np.ndarray
    is_paid: np.ndarray
    x: np.ndarray
    eur: np.ndarray
    is_open: np.ndarray


class Branched(NamedTuple):
    """A lower bound, the relaxed answer (L,) and its cost, and the plan (L,) that is cheapest by the cuts.

    ``met`` (n, L) are the relaxed answers of all nodes, the root first.
    """

    bound_eur: float
    root: np.ndarray
    root_eur: float
    plan: np.ndarray
    met: np.ndarray


@njit(cache=True, nogil=True)
def branch(rows: Rows, offer: Offer, best_known: float, share: float, n_nodes: int) -> Branched:
    """Minimise asked · x + Σ charges of what is used + Σ_k θ_k over whole packs x, subject to ``rows``.

    Stops when the bound is within ``share`` of what is at stake of ``best_known``, the cost of a known plan, or of a
    better one by the cuts, or after ``n_nodes``.
    """
    now, bounds = dictionary(rows, offer)
    nodes = _nodes(2 * n_nodes + 1, offer.most)
    plan, plan_eur, is_paid = np.zeros(len(offer.most)), np.inf, np.zeros(len(offer.most), np.bool_)
    count, first, at, best, closed = 1, 0, 0, best_known, np.inf
    while True:
        for child in range(first, count):
            _pay(now, offer, is_paid, nodes.is_paid[child])
            nodes.eur[child] = max(_solve(rows, offer, now, bounds, (nodes, child)), nodes.eur[at])
            if nodes.eur[child] >= best:
                closed = min(closed, nodes.eur[child])
                continue
            nodes.is_open[child] = True
            whole = rounded(nodes.x[child], rows, offer)
            eur = by_cuts(whole, rows, offer)
            if eur < plan_eur:
                plan, plan_eur, best = whole, eur, min(best, eur)
        at = _least(nodes, count)
        if at < 0 or count > n_nodes or nodes.eur[at] >= best - max(1e-6, share * (best_known - nodes.eur[0])):
            break
        nodes.is_open[at] = False
        lane = _worst(nodes.x[at], nodes.is_paid[at], offer)
        first, count = count, _split(nodes, at, lane, offer, count) if lane >= 0 else count
        if lane < 0:
            closed = min(closed, nodes.eur[at])
    bound_eur = min(closed, best, nodes.eur[at] if at >= 0 else np.inf)
    return Branched(bound_eur, nodes.x[0], nodes.eur[0], plan, nodes.x[:count])


@njit(cache=True, nogil=True)
def _nodes(size: int, most: np.ndarray) -> Nodes:
    n = len(most)
    nodes = Nodes(
        np.zeros((size, n)), np.zeros((size, n)), np.zeros((size, n), np.bool_), np.zeros((size, n)),
        np.full(size, -np.inf), np.zeros(size, np.bool_),
    )  # fmt: skip
    nodes.upper[0] = most
    return nodes


@njit(cache=True, nogil=True)
def _pay(now: Dictionary, offer: Offer, is_paid: np.ndarray, wanted: np.ndarray) -> None:
    """Let charges be due in proportion where they are not paid in full."""
    for j in range(len(is_paid)):
        if is_paid[j] != wanted[j]:
            add_cost(now, j, -offer.part[j] if wanted[j] else offer.part[j])
            is_paid[j] = wanted[j]


@njit(cache=True, nogil=True)
def _solve(rows: Rows, offer: Offer, now: Dictionary, bounds: np.ndarray, node: tuple[Nodes, int]) -> float:
    """Solve a node's relaxation, write its answer and return its bound: infinite when nothing fits."""
    nodes, at = node
    n = len(offer.most)
    bounds[0, :n], bounds[1, :n] = nodes.lower[at], nodes.upper[at]
    is_solved, value = settle(now, bounds)
    _read(nodes.x[at], now, bounds, value)
    if not is_solved:
        return -np.inf if may_fit(rows, nodes.lower[at], nodes.upper[at]) else np.inf
    rest = offer.asked + np.where(nodes.is_paid[at], 0.0, offer.part)
    return offer.charges[nodes.is_paid[at]].sum() + bound(rows, now, rest, bounds)


@njit(cache=True, nogil=True)
def _read(x: np.ndarray, now: Dictionary, bounds: np.ndarray, value: np.ndarray) -> None:
    """Write the values of shipments into ``x``."""
    n = len(x)
    for j in range(len(now.nonbasic)):
        if now.nonbasic[j] < n:
            x[now.nonbasic[j]] = bounds[1 if now.at_upper[j] else 0, now.nonbasic[j]]
    for row in range(len(now.basic)):
        if now.basic[row] < n:
            x[now.basic[row]] = min(max(value[row], bounds[0, now.basic[row]]), bounds[1, now.basic[row]])
    for j in range(n):
        if x[j] < WHOLE:
            x[j] = 0.0


@njit(cache=True, nogil=True)
def _least(nodes: Nodes, count: int) -> int:
    """Return the open node of least bound, −1 when none is open."""
    at = -1
    for node in range(count):
        if nodes.is_open[node] and (at < 0 or nodes.eur[node] < nodes.eur[at]):
            at = node
    return at


@njit(cache=True, nogil=True)
def _worst(x: np.ndarray, is_paid: np.ndarray, offer: Offer) -> int:
    """Return the shipment whose answer is furthest from allowed, −1 when all are allowed."""
    worst, most = -1, 1e-9
    for j in range(len(x)):
        if x[j] <= WHOLE:
            continue
        off = abs(x[j] / offer.pack[j] - np.round(x[j] / offer.pack[j])) * offer.pack[j]
        if x[j] < offer.least[j] - WHOLE:
            off = min(x[j], offer.least[j] - x[j])
        elif off <= 1e-5 * offer.pack[j]:
            off = 0.0
        score = off * _EUR_PER_UNIT_OFF + (0.0 if is_paid[j] else offer.charges[j] - offer.part[j] * x[j])
        if score > most:
            worst, most = j, score
    return worst


@njit(cache=True, nogil=True)
def _split(nodes: Nodes, at: int, lane: int, offer: Offer, count: int) -> int:
    """Add a node's children: the shipment shut or at least the smallest size; if paid, a pack down or a pack up."""
    low = np.floor(nodes.x[at, lane] / offer.pack[lane] + 1e-9) * offer.pack[lane]
    for side in range(2):
        nodes.lower[count], nodes.upper[count], nodes.is_paid[count] = (
            nodes.lower[at], nodes.upper[at], nodes.is_paid[at],
        )  # fmt: skip
        if side == 0:
            nodes.upper[count, lane] = low if nodes.is_paid[at, lane] else 0.0
        else:
            least = low + offer.pack[lane] if nodes.is_paid[at, lane] else offer.least[lane]
            nodes.lower[count, lane] = max(nodes.lower[at, lane], least)
            nodes.is_paid[count, lane] = True
        if nodes.lower[count, lane] <= nodes.upper[count, lane] + 1e-9:
            count += 1
    return count
