"""Cuts that are kept and cuts that are searched on: nothing is lost, and bounds stay bounds."""

from __future__ import annotations

import numpy as np

from positioning.optimizer.parameters import RecourseParameters
from positioning.optimizer.recourse_function import CutPool


def tangents(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes and floors of the tangents of x² at ``points``, as rows slope · x + θ ≥ floor."""
    return -2.0 * points[:, None], -(points**2)


def pool_of(*points: float) -> CutPool:
    """Return a pool with one limit, x ≤ 50, and the tangents of one group, in order."""
    pool = CutPool(np.array([[-1.0]]), np.array([-50.0]), RecourseParameters())
    for point in points:
        pool.add(*tangents(np.array([point])))
    return pool


def value(pool: CutPool, x: float) -> float:
    """Return what the cuts searched on say of x."""
    rows = pool.rows()
    is_cut = rows.group >= 0
    return float((rows.floor[is_cut] - rows.slope[is_cut, 0] * x).max())


def test_cuts_no_answer_lies_on_are_left_out_and_the_limit_stays() -> None:
    pool = pool_of(1.0, 5.0, 9.0)
    for _ in range(100):
        assert not pool.recall(np.array([[9.0]]))
    rows = pool.rows()
    assert (rows.group == -1).sum() == 1
    assert (rows.group >= 0).sum() == 1
    assert value(pool, 1.0) <= 1.0


def test_an_answer_that_breaks_a_cut_left_out_brings_it_back() -> None:
    pool = pool_of(1.0, 5.0, 9.0)
    for _ in range(100):
        pool.recall(np.array([[9.0]]))
    assert value(pool, 1.0) < 1.0
    assert pool.recall(np.array([[1.0], [9.0]]))
    assert value(pool, 1.0) == 1.0
    assert not pool.recall(np.array([[1.0]]))


def test_the_latest_cuts_are_always_searched_on() -> None:
    """They stand for the cost of serving in the programme, which has no place to start from without them."""
    pool = pool_of(1.0)
    for _ in range(100):
        pool.recall(np.array([[40.0]]))
    rows = pool.rows()
    assert rows.group[rows.starting].tolist() == [0]
    assert pool.latest_summed()[1].tolist() == [-1.0]
