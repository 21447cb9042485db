"""One sku with its ways and its demand ahead, judged exactly; single packs more or less while that pays.

Here: evaluation and the local search on one sku. Not here: the search for its best plan (``recourse_function``) and what
skus share (prices stand in for it).
"""

from __future__ import annotations

import numpy as np

from positioning.inputs.limits import SkuLimits
from positioning.optimizer.parameters import LocalSearchParameters
from positioning.optimizer.recourse import PricedSubproblem, slope


def improve(priced: PricedSubproblem, units: np.ndarray, parameters: LocalSearchParameters) -> tuple[np.ndarray, float]:
    """Add or take back packs while the cost with dual prices falls; return units (L,) and the cost without them.

    Shipments are tried in the order of the gain that the slopes predict. Each is evaluated exactly.

    Parameters
    ----------
    priced
        The SKU with its dual prices.
    units
        Units to start from, (L,).
    parameters
        When to stop.

    """
    best = units
    recourse = priced.solve_recourse(best)
    best_eur = float(recourse.scenario_eur.mean()) + priced.sending_eur(best)
    misses, tried = 0, {tuple(best)}
    for _ in range(parameters.tries):
        move = _promising(priced, best, slope(priced, recourse), tried, parameters.least_gain_eur)
        if move is None or misses >= parameters.misses:
            break
        tried.add(tuple(move))
        result = priced.solve_recourse(move)
        eur = float(result.scenario_eur.mean()) + priced.sending_eur(move)
        if eur + priced.dual_price @ move < best_eur + priced.dual_price @ best - parameters.least_gain_eur:
            best, best_eur, recourse, misses = move, eur, result, 0
        else:
            misses += 1
    return best, best_eur


def _promising(
    priced: PricedSubproblem,
    units: np.ndarray,
    slopes: np.ndarray,
    tried: set[tuple[float, ...]],
    least_gain_eur: float,
) -> np.ndarray | None:
    """Return the untried neighbor with the largest estimated gain, or None if no neighbor has one."""
    limits = priced.problem.limits
    best, promised = None, least_gain_eur
    for lane in range(len(units)):
        for target in (_more(limits, units, lane), _fewer(limits, units, lane)):
            change = target - units[lane]
            # Taking back costs at most what the slope says: a kink may promise nothing yet pay.
            gain = -slopes[lane] * change if change > 0 else abs(slopes[lane] * change) + 2.0 * least_gain_eur
            if change and gain > promised:
                move = units.copy()
                move[lane] = target
                if tuple(move) not in tried and limits.allow(move):
                    best, promised = move, gain
    return best


def _more(limits: SkuLimits, units: np.ndarray, lane: int) -> float:
    return float(limits.least[lane] if units[lane] == 0 else units[lane] + limits.pack[lane])


def _fewer(limits: SkuLimits, units: np.ndarray, lane: int) -> float:
    fewer = units[lane] - limits.pack[lane]
    return float(fewer if fewer >= limits.least[lane] else 0.0)
