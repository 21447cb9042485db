"""Checkpoints of an interrupted training or plan, from which the next one resumes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import models
import positioning
from features import build_panel, training_set
from models.demand_model import DemandModel
from pipeline.artifacts import kept_checkpoints
from tests.worlds.positioning_world import AS_OF as WORLD_AS_OF
from tests.worlds.positioning_world import random_world
from tests.worlds.small_world import AS_OF, settings, tables

TRAINING = "a-training"


class KilledError(Exception):
    """Stands for the end of a process during training."""


def trained(warehouse: Path, grown: list[str], killed_at: str = "") -> DemandModel:
    """Train in ``warehouse``; note in ``grown`` what is grown, and end before ``killed_at`` is."""
    specified = settings()
    with kept_checkpoints(str(warehouse), TRAINING) as checkpoints:

        def noted(name: str, grow: Callable[[], str]) -> str:
            if name == killed_at:
                raise KilledError
            return checkpoints(name, lambda: (grown.append(name), grow())[1])

        return models.train(training_set(build_panel(tables(), specified, AS_OF), specified), specified, AS_OF, noted)


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Return a warehouse whose training ended after its first booster."""
    with pytest.raises(KilledError):
        trained(tmp_path, [], killed_at="series-final")
    return tmp_path


def test_an_interrupted_training_resumes_and_gives_the_same_model(interrupted: Path, tmp_path: Path) -> None:
    grown: list[str] = []
    model = trained(interrupted, grown)
    assert "series-calibration" not in grown
    assert "series-final" in grown
    assert model.version == trained(tmp_path / "undisturbed", []).version


def test_a_damaged_checkpoint_is_recomputed(interrupted: Path) -> None:
    """A damaged file must neither change the model nor stop the run."""
    checkpoint = interrupted / f"{TRAINING}.series-calibration"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    grown: list[str] = []
    trained(interrupted, grown)
    assert "series-calibration" in grown


def test_a_checkpoint_that_is_not_text_is_recomputed(interrupted: Path) -> None:
    (interrupted / f"{TRAINING}.series-calibration").write_bytes(b"\xff\xfe\x00\n\xff")
    grown: list[str] = []
    trained(interrupted, grown)
    assert "series-calibration" in grown


def test_a_checkpoint_removed_by_a_concurrent_run_is_recomputed(interrupted: Path) -> None:
    """Two runs of one date see the same checkpoints; the one that ends first removes them."""
    grown: list[str] = []
    with kept_checkpoints(str(interrupted), TRAINING) as checkpoints:
        trained(interrupted, [])
        assert checkpoints("series-calibration", lambda: (grown.append("calibration"), "a text")[1]) == "a text"
    assert grown == ["calibration"]


def test_checkpoints_without_a_resumed_run_are_removed_after_a_month(interrupted: Path) -> None:
    left, recent = interrupted / "another.series-calibration", interrupted / "a-third.series-calibration"
    for path, days in ((left, 31), (recent, 29)):
        path.write_text("x")
        written = time.time() - days * 86_400
        os.utime(path, (written, written))
    trained(interrupted, [])
    assert [path.name for path in interrupted.iterdir()] == [recent.name]


def test_checkpoints_are_removed_once_the_model_is_written(interrupted: Path) -> None:
    assert [path.name for path in interrupted.iterdir()] == [f"{TRAINING}.series-calibration"]
    trained(interrupted, [])
    assert not list(interrupted.iterdir())


@pytest.mark.parametrize("seed", [1, 4])
def test_a_plan_resumed_from_its_loads_is_identical(seed: int, tmp_path: Path) -> None:
    """The order of answers in a process must not decide between plans of equal cost."""
    world, built = random_world(seed), []

    def kept(name: str, make: Callable[[], str]) -> str:
        path = tmp_path / name
        if not path.exists():
            built.append(name)
            path.write_text(make())
        return path.read_text()

    first, second = (
        positioning.plan(world.tables(), world.forecasts(), world.settings, WORLD_AS_OF, kept) for _ in range(2)
    )
    assert built == ["loads"]
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, second[name], check_exact=True, obj=name)
