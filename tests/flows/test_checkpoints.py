"""What an interrupted training or plan leaves behind: work that the next one need not do again."""

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
    """The end of a process, as far as its training is concerned."""


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


def test_training_goes_on_where_it_was_interrupted_and_gives_the_same_model(interrupted: Path, tmp_path: Path) -> None:
    grown: list[str] = []
    model = trained(interrupted, grown)
    assert "series-calibration" not in grown
    assert "series-final" in grown
    assert model.version == trained(tmp_path / "undisturbed", []).version


def test_a_damaged_checkpoint_is_grown_again(interrupted: Path) -> None:
    """A disk that lost part of it must not make another model, nor stop the night."""
    checkpoint = interrupted / f"{TRAINING}.series-calibration"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    grown: list[str] = []
    trained(interrupted, grown)
    assert "series-calibration" in grown


def test_a_checkpoint_of_bytes_that_are_no_text_is_grown_again(interrupted: Path) -> None:
    (interrupted / f"{TRAINING}.series-calibration").write_bytes(b"\xff\xfe\x00\n\xff")
    grown: list[str] = []
    trained(interrupted, grown)
    assert "series-calibration" in grown


def test_a_checkpoint_that_another_run_of_the_same_has_removed_meanwhile_is_grown_again(interrupted: Path) -> None:
    """Two runs of one date see the same checkpoints; the one that ends first removes them."""
    grown: list[str] = []
    with kept_checkpoints(str(interrupted), TRAINING) as checkpoints:
        trained(interrupted, [])
        assert checkpoints("series-calibration", lambda: (grown.append("twin"), "a text")[1]) == "a text"
    assert grown == ["twin"]


def test_checkpoints_without_a_resumed_run_are_removed_after_a_month(interrupted: Path) -> None:
    left, recent = interrupted / "another.series-calibration", interrupted / "a-third.series-calibration"
    for path, days in ((left, 31), (recent, 29)):
        path.write_text("x")
        written = time.time() - days * 86_400
        os.utime(path, (written, written))
    trained(interrupted, [])
    assert [path.name for path in interrupted.iterdir()] == [recent.name]


def test_no_checkpoint_is_left_once_the_model_is_made(interrupted: Path) -> None:
    assert [path.name for path in interrupted.iterdir()] == [f"{TRAINING}.series-calibration"]
    trained(interrupted, [])
    assert not list(interrupted.iterdir())


@pytest.mark.parametrize("seed", [1, 4])
def test_a_plan_goes_on_from_its_loads_and_is_the_same_to_the_last_digit(seed: int, tmp_path: Path) -> None:
    """Which answers a process has seen must not decide between plans of equal worth."""
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
