"""Choosing columns under shared room."""

from __future__ import annotations

import numpy as np

from positioning.optimizer.master import build_pool, choose
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import Column
from tests.worlds.positioning_world import random_world


def test_columns_that_only_cost_are_not_chosen() -> None:
    """As where the least a supplier sells is more than anybody needs."""
    shared = random_world(1).problem().shared
    worse = Column(0, np.array([0]), np.array([6.0]), 101.34, np.zeros(len(shared.resources)))
    pool = build_pool([worse], {0: 100.0}, len(shared.resources))
    assert choose(pool, shared, np.zeros(len(shared.loads)), Parameters()).column == {}
