"""What a training that was interrupted leaves behind: boosters that the next one need not grow again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import models
from features import build_panel, training_set
from flows.model_store import ModelStore
from models.model import DemandModel
from tests.small_world import AS_OF, settings, tables

TRAINING = "a-training"


class KilledError(Exception):
    """The end of a process, as far as its training is concerned."""


def trained(warehouse: Path, grown: list[str], killed_at: str = "") -> DemandModel:
    """Train in ``warehouse``; note in ``grown`` what is grown, and end before ``killed_at`` is."""
    own = settings()
    with ModelStore(str(warehouse)).drafts(TRAINING) as drafts:

        def noted(name: str, grow: Callable[[], str]) -> str:
            if name == killed_at:
                raise KilledError
            return drafts(name, lambda: (grown.append(name), grow())[1])

        model = models.train(training_set(build_panel(tables(), own, AS_OF), own), own, AS_OF, noted)
        ModelStore(str(warehouse)).keep(TRAINING, model)
    return model


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Return a warehouse whose training ended after its first booster."""
    with pytest.raises(KilledError):
        trained(tmp_path, [], killed_at="series-kept")
    return tmp_path


def test_training_goes_on_where_it_was_interrupted_and_gives_the_same_model(interrupted: Path, tmp_path: Path) -> None:
    grown: list[str] = []
    model = trained(interrupted, grown)
    assert "series-twin" not in grown
    assert "series-kept" in grown
    assert model.version == trained(tmp_path / "undisturbed", []).version


def test_a_damaged_draft_is_grown_again(interrupted: Path) -> None:
    """A disk that lost part of it must not make another model, nor stop the night."""
    draft = interrupted / "_models" / f"{TRAINING}.series-twin"
    draft.write_bytes(draft.read_bytes()[:-100])
    grown: list[str] = []
    trained(interrupted, grown)
    assert "series-twin" in grown


def test_no_draft_is_left_once_the_model_is_kept(interrupted: Path) -> None:
    trained(interrupted, [])
    assert [path.name for path in (interrupted / "_models").iterdir()] == [TRAINING]
