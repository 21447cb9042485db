"""Runs side by side: what differs between them, and the judged method's figures of each."""

from __future__ import annotations

from html import unescape
from typing import Any

import pandas as pd

from positioning.simulation.kpis.service import FILL_RATE
from review.experiment import (
    BacktestRun,
    ExperimentPage,
    ReplayRun,
    bias_map,
    experiment_page,
    level_lines,
    replay_lines,
)
from tests.review.test_replay import _days, _figures


def _levels(score: float) -> pd.DataFrame:
    rows = [
        (1, "total", "forestock", score),
        (2, "sku", "forestock", score + 0.2),
        (1, "total", "seasonal_naive", 9.0),
        (2, "sku", "seasonal_naive", 9.0),
    ]
    return pd.DataFrame(rows, columns=["number", "level", "method", "wrmsse"]).assign(
        wspl=lambda frame: frame["wrmsse"] / 2
    )


def _segments(bias: float) -> pd.DataFrame:
    rows = [("region", "CA", 10.0, bias), ("region", "WI", 90.0, -bias)]
    frame = pd.DataFrame(rows, columns=["kind", "segment", "actual_units", "bias"])
    return frame.assign(method="forestock", wape=0.5)


def _coverage() -> pd.DataFrame:
    rows = [(days, level, level - 0.01) for days in (1, 28) for level in (0.1, 0.5, 0.9)]
    return pd.DataFrame(rows, columns=["sum_days", "level", "coverage_randomised"]).assign(method="forestock")


def _run(name: str, score: float, **params: Any) -> BacktestRun:
    given = {"origins": "4", **params}
    return BacktestRun(name, given, {"wrmsse": score, "bias": 0.02}, _levels(score), _segments(0.04), _coverage())


def _replay(name: str, kinds: str) -> ReplayRun:
    return ReplayRun(name, {"kinds": kinds}, 500.0, _figures(), _days())


PAGE = ExperimentPage("demo", "EUR", [_run("new", 0.61, **{"forecast.lightgbm.trees": "250"}), _run("old", 0.7, **{"forecast.lightgbm.trees": "60"})], [_replay("one", "transfer"), _replay("two", "supply")], (FILL_RATE,))  # fmt: skip


def test_only_differences_between_runs_are_listed() -> None:
    text = unescape(experiment_page(PAGE))
    assert "forecast.lightgbm.trees" in text
    assert ">origins<" not in text
    assert ">kinds<" in text


def test_figures_of_every_run_stand_side_by_side() -> None:
    text = unescape(experiment_page(PAGE)).replace("\N{NO-BREAK SPACE}", " ")
    for parts in (
        "0.610",
        "0.700",
        "1 total",
        "0.810",
        "0.900",
        "region: WI",
        "50.0% / −4.0%",
        "€600 (base stock: €800)",
        "70.0% (base stock: 60.0%)",
    ):
        assert parts in text, parts
    assert text.index("region: WI") < text.index("region: CA"), "most demanded first"
    assert "9.000" not in text, "baselines belong to a run's own report"


def test_a_page_makes_no_requests_and_escapes_names() -> None:
    page = experiment_page(ExperimentPage("demo", "EUR", [_run("<script>alert(1)</script>", 1.0)], []))
    assert "<script" not in page
    assert "No finished replay is recorded." in page


def test_pictures_have_a_line_or_a_column_per_run() -> None:
    lines = level_lines({"A": _levels(0.6), "B": _levels(0.7)}).axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [[0.6, 0.8], [0.7, 0.8999999999999999]]
    shown = bias_map({"A": _segments(0.04), "B": _segments(0.08)}).axes[0].get_images()[0].get_array()
    assert shown.tolist() == [[-4.0, -8.0], [4.0, 8.0]]
    lines = replay_lines({"1": _days(), "2": _days()}, {"1": 30.0, "2": 40.0}).axes[0].get_lines()
    assert len(lines) == 2 * (_days()["policy"].nunique() + 1)
    assert {tuple(line.get_ydata()) for line in lines if "bound" in str(line.get_label())} == {
        (30.0, 30.0),
        (40.0, 40.0),
    }
