"""What a proposal says of being refused: what would stand in, what that recovers, and how often the line pays."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from positioning.inputs.capacity import Load
from positioning.optimizer.master import MasterSolution
from positioning.plan import still_going
from tests.worlds.positioning_world import random_world

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replacement_never_loses_more_than_no_replacement(seed: int) -> None:
    lines = random_world(seed, n_skus=2).plan()["transfer"]
    assert (lines["loss_if_refused_eur"] <= lines["loss_if_dropped_eur"] + 0.011).all()
    no_shipment = lines[lines["next_best"] == ""]
    assert no_shipment["loss_if_refused_eur"].to_numpy() == pytest.approx(
        no_shipment["loss_if_dropped_eur"].to_numpy(), abs=0.011
    )
    assert lines["pays_rate"].between(0.0, 1.0).all()


def test_replacements_are_other_departures_in_whole_units_largest_first() -> None:
    plans = [random_world(seed, n_skus=1).plan()["transfer"] for seed in (10, 11, 12, 37, 38)]
    text = [line for lines in plans for line in lines.itertuples() if line.next_best]
    assert text
    for line in text:
        changes = [re.fullmatch(r"(\S+@\d{4}-\d\d-\d\d) ([+-]\d+)", part) for part in line.next_best.split("|")]
        assert all(change and change[1] != line.departure_id for change in changes)
        amounts = [abs(int(change[2])) for change in changes if change]
        assert amounts == sorted(amounts, reverse=True)


def test_a_line_that_pays_on_every_path_loses_when_dropped() -> None:
    plans = [random_world(seed, n_skus=2).plan()["transfer"] for seed in SEEDS]
    sure = [line.loss_if_dropped_eur for lines in plans for line in lines.itertuples() if line.pays_rate == 1.0]
    assert sure
    assert min(sure) > -0.01


def test_a_truck_without_lines_carries_no_replacement() -> None:
    """Its cost would be due again, so a refused line must not look better off on it."""
    problem = SimpleNamespace(
        shared=SimpleNamespace(loads=(Load(3, 50.0, 2.0), Load(5, 80.0, 1.0), Load(6, 80.0, 1.0)))
    )
    choice = MasterSolution({}, np.array([2.0, 1.0, 0.0]), np.zeros(0), np.zeros((0, 0)))
    left = pd.DataFrame({"shipment": [3, 3]})
    assert still_going(problem, choice, left).tolist() == [2.0, 0.0, 0.0]  # type: ignore[arg-type]  # all it reads
