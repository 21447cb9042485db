"""KPIs are found without a list, those of Forestock and those of installed packages."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from positioning.simulation.engine import NoShipments, play
from positioning.simulation.kpi import Replayed, all_kpis, registered_kpis
from positioning.simulation.ledger import summary
from review.replay import ReplayPage, replay_page
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.replay_worlds import Scripted, game, tables

HOW_TO = "add-a-kpi"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of the how-to page."""
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path / "packages", code_blocks(HOW_TO, "python")[0], project, monkeypatch)


def test_the_how_to_page_adds_a_kpi_that_a_replay_computes_and_its_page_shows(installed: None) -> None:
    world = tables({("A", "tea"): 3}, {("X", "tea"): [0, 1], ("Y", "tea"): [0, 0]})
    played = game(world, 2)
    ledgers = [play(played, policy) for policy in (NoShipments(), Scripted((0, "tea", "A>B", 3), (0, "tea", "S>A", 1)))]
    kpis = pd.DataFrame([all_kpis(Replayed(ledger, played.network, np.ones((1, 2)))) for ledger in ledgers])
    assert kpis["bought_rate"].tolist() == [pytest.approx(float("nan"), nan_ok=True), 0.25]
    figures = pd.concat([summary(ledgers, dict.fromkeys((False, True), np.zeros(1)), "scripted"), kpis], axis=1)
    page = unescape(replay_page(ReplayPage("R", "EUR", {}, figures, registered_kpis(), (0.0, 0.0), {}, ())))
    assert "Units bought ÷ units shipped" in page
    assert "25%" in page


def test_the_test_on_the_how_to_page_passes(installed: None) -> None:
    assert page_test(HOW_TO)() is None  # its own assertions passed


def test_kpis_have_the_order_of_pages_and_are_documented() -> None:
    names = [kpi.name for kpi in registered_kpis()]
    assert names[:3] == ["unit_fill_rate", "local_fill_rate", "promise_hit_rate"]
    documented = (Path(__file__).parents[2] / "docs" / "replay.md").read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in documented] == []
