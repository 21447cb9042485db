"""What refusing a line loses, against the whole night solved again as one programme with that line shut."""

from __future__ import annotations

import pytest

from tests.oracle.night_milp import solve_at_once
from tests.worlds.positioning_world import random_world


def _compared(seed: int) -> list[tuple[float, float, float]]:
    """Return, by line of a world with one sku: the loss told, that of the night solved again, the plan's gap (EUR)."""
    world = random_world(seed, n_skus=1)
    problem, frames = world.problem(), world.plan()
    row, best_eur = frames["plan"].iloc[0], solve_at_once(problem).eur
    lanes, gap_eur = problem.network.shipments.lane, row["total_eur"] - row["lower_bound_eur"]
    result = []
    for line in frames["transfer"].itertuples():
        lost_eur = solve_at_once(problem, shut=(0, lanes.index(line.lane))).eur - best_eur
        assert line.loss_if_refused_eur >= 0 or "would do as well" in line.reason
        result.append((line.loss_if_refused_eur, lost_eur, gap_eur))
    return result


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 60))])
def test_loss_if_refused_is_never_below_that_of_the_night_solved_again(seed: int) -> None:
    """Below means by more than the plan's own distance from its bound."""
    for told_eur, lost_eur, gap_eur in _compared(seed):
        assert told_eur >= lost_eur - gap_eur - 0.01


@pytest.mark.slow
def test_loss_if_refused_agrees_with_the_night_solved_again_on_four_lines_of_five() -> None:
    """The search for what stands in is local: now and then it misses a better way and tells too much."""
    rows = [row for seed in range(60) for row in _compared(seed)]
    agree = [abs(told_eur - lost_eur) <= gap_eur + 0.01 for told_eur, lost_eur, gap_eur in rows]
    assert len(rows) >= 20
    assert sum(agree) >= 0.8 * len(rows)
