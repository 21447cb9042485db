"""Where transfers are free, no SKU is sent in a cycle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pytest

from positioning.inputs.subproblem import Subproblem, build_subproblem
from positioning.optimizer.pricing import without_cycles
from tests.worlds.positioning_world import World, delivery, sku, transfer


def free_world(seed: int) -> World:
    """Return skus with much stock at hubs between which every transfer is free, some with a minimum move."""
    draw = np.random.default_rng(seed)
    hubs, names = [f"H{index}" for index in range(int(draw.integers(2, 5)))], [f"k{index}" for index in range(4)]
    lanes = [
        delivery(hub, f"R{to}", float(draw.uniform(0.0, 3.0)))
        for index, hub in enumerate(hubs)
        for to in range(3)
        if index == to or draw.random() < 0.3
    ]
    lanes += [transfer(a, b, 0.0, int(draw.integers(0, 4))) for a in hubs for b in hubs if a != b]
    return World(
        skus=[sku(name, pack_units=int(draw.integers(1, 4)), holding_eur_per_unit_day=float(draw.choice([0.0, 0.05]))) for name in names],
        hubs=[{"hub": hub} for hub in hubs], lanes=lanes,
        stock={(hub, name): int(draw.choice([0, 5, 60])) for hub in hubs for name in names},
        demand={(name, f"R{to}"): float(draw.uniform(0, 3)) for name in names for to in range(3)},
        positioning={"scenarios": 6, "buckets": 3, "min_move_units": int(draw.choice([1, 5]))},
    )  # fmt: skip


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 100))])
def test_no_sku_is_sent_in_a_cycle(seed: int) -> None:
    lines = free_world(seed).plan()["transfer"]
    for _, sent in lines.groupby("sku"):
        sources = defaultdict(set)
        for origin, destination in zip(sent["origin"], sent["destination"], strict=True):
            sources[destination].add(origin)
        assert not _has_cycle(sources)


def _has_cycle(sources: Mapping[str, set[str]]) -> bool:
    try:
        TopologicalSorter(sources).prepare()
    except CycleError:
        return True
    return False


@pytest.mark.parametrize("seed", range(20))
def test_removing_cycles_keeps_the_net_flow_of_hubs_without_minimum_moves(seed: int) -> None:
    draw, problem = np.random.default_rng(seed), free_world(seed).problem()
    for index in range(len(problem.catalog.skus)):
        subproblem = build_subproblem(problem, index)
        packs = draw.integers(0, 4, len(subproblem.lanes))
        units = np.where(packs * subproblem.limits.pack >= subproblem.limits.least, packs * subproblem.limits.pack, 0.0)
        if not subproblem.limits.allow(units):
            continue
        for left in without_cycles(subproblem, units):
            assert subproblem.limits.allow(left)
            assert (left <= units).all()
            assert ((left == 0) | (left >= subproblem.limits.least)).all()
            if (subproblem.limits.least == subproblem.limits.pack).all():
                assert (_gain(subproblem, left) == _gain(subproblem, units)).all()


def _gain(subproblem: Subproblem, units: np.ndarray) -> np.ndarray:
    n = len(subproblem.hubs)
    return np.bincount(subproblem.destination, units, minlength=n) - np.bincount(subproblem.origin, units, minlength=n)
