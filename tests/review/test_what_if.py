"""Two plans side by side: every line of either, ranked by the change of money, and the page that shows them."""

from __future__ import annotations

import re
from html import unescape

import pandas as pd
import pytest

from foundation.settings import Settings, WhatIf
from review.what_if import (
    WhatIfPage,
    described,
    line_differences,
    place_differences,
    ranked_lines,
    what_if_page,
    what_if_summary,
)
from tests.conventions.repository import ROOT
from tests.review.sample_plan import AS_OF, sample_plan

HOSTILE = "</style><script>alert(1)</script>"


def _plans() -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Return a plan of six lines and one that drops the first, halves the second, doubles the third, adds one."""
    record, other = sample_plan(n_proposals=6).outputs, sample_plan(n_proposals=7).outputs
    lines = other["transfer"].iloc[1:].copy()
    lines["units"] = lines["units"].where(~lines["proposal_id"].str.endswith("1"), lines["units"] // 2)
    lines["units"] = lines["units"].where(~lines["proposal_id"].str.endswith("2"), lines["units"] * 2)
    lines.loc[lines["proposal_id"].str.endswith("2"), "benefit_eur"] += 5000
    position = other["position"].assign(units_in=other["position"]["units_in"] + 7)
    return record, other | {"transfer": lines, "position": position}


def _page(record: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame], name: str = "more-trucks") -> str:
    return what_if_page(_shown(record, other, name), Settings())


def _shown(record: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame], name: str) -> WhatIfPage:
    row = other["plan"].assign(what_if=name, changes='{"closed_hubs": ["EAST"]}', kept_total_eur=612.5, total_eur=480.0)
    rows = [frame.assign(what_if=name) for frame in (line_differences(record, other), place_differences(record, other))]
    return WhatIfPage(AS_OF, record["plan"], row, *rows, ("A note.",))


def test_the_summary_has_the_pages_figures_and_no_markup_of_its_own() -> None:
    """It is a run's description and artifact: a name from a configuration must not break its table."""
    parts = what_if_summary(_shown(*_plans(), "more|trucks"), Settings())
    assert "* **more\\|trucks**: EAST closed" in parts
    assert "| Expected cost with the plan | €500 | €480 (−€20) |" in parts
    assert "* A note." in parts


def test_every_line_of_either_plan_is_there_once_with_how_it_differs() -> None:
    record, other = _plans()
    lines = line_differences(record, other).set_index("proposal_id")
    assert sorted(lines.index) == sorted({*record["transfer"]["proposal_id"], *other["transfer"]["proposal_id"]})
    parts = [lines.loc[f"{number:016x}", "difference"] for number in range(7)]
    assert parts == ["dropped", "less", "more", "same", "same", "same", "new"]
    assert lines["units"].sum() == other["transfer"]["units"].sum()
    assert lines["units_of_record"].sum() == record["transfer"]["units"].sum()
    assert lines.loc["0" * 16, "reason"] == record["transfer"]["reason"].iloc[0]


def test_benefits_of_both_plans_add_up_over_the_lines() -> None:
    record, other = _plans()
    lines = line_differences(record, other)
    assert lines["benefit_eur"].sum() == pytest.approx(other["transfer"]["benefit_eur"].sum())
    assert lines["benefit_eur_of_record"].sum() == pytest.approx(record["transfer"]["benefit_eur"].sum())


def test_lines_are_ranked_by_the_change_of_money_and_same_ones_are_left_out() -> None:
    ranked = ranked_lines(line_differences(*_plans()))
    assert list(ranked["difference"]) == ["more", "dropped", "new", "less"]
    assert list(ranked["size_eur"]) == sorted(ranked["size_eur"], reverse=True)


def test_figures_of_places_are_sums_over_skus() -> None:
    record, other = _plans()
    places = place_differences(record, other).set_index(["kind", "place", "kpi"])
    position = record["position"]
    assert places.loc[("hub", "EAST", "units_in"), "kpi_value_of_record"] == position.loc[position["hub"] == "EAST", "units_in"].sum()  # fmt: skip
    assert places.loc[("hub", "EAST", "units_in"), "kpi_value"] == places.loc[("hub", "EAST", "units_in"), "kpi_value_of_record"] + 21  # fmt: skip
    assert places.loc[("region", "R1", "lost_units"), "kpi_value"] == 3.0


def test_two_plans_without_lines_are_the_same() -> None:
    empty = {name: frame.iloc[:0] if name == "transfer" else frame for name, frame in sample_plan().outputs.items()}
    assert line_differences(empty, empty).empty
    assert "Both plans are the same, line by line." in _page(empty, empty)


def test_the_page_puts_money_service_carbon_and_gap_beside_the_plan_of_record() -> None:
    page = unescape(_page(*_plans()))
    figures = re.search(r'aria-label="Figures side by side">(.*?)</table>', page, re.S)
    assert figures is not None
    for text in ("Plan of record", "more-trucks", "EAST closed", "€500", "€480", "−€20", "unchanged", "€132", "Lost units", "Optimality gap", "0.40"):  # fmt: skip
        assert text in figures[1], text


def test_text_from_tables_is_escaped_and_the_page_runs_no_script() -> None:
    built = sample_plan(n_skus=2, n_proposals=3, marked=HOSTILE).outputs
    page = _page(built, built | {"transfer": built["transfer"].iloc[:1]})
    assert "<script" not in page
    assert "alert(1)" in page
    assert "default-src 'none'" in page


def test_changes_are_described_in_words() -> None:
    text = described(
        '{"closed_hubs": ["ONT"], "demand_factor": {"CA_1": 1.3}, "positioning": {"carbon_eur_per_t": 200}}'
    )
    assert text == "ONT closed; CA_1: demand × 1.3; carbon_eur_per_t = 200"


@pytest.mark.parametrize("key", [key for key in WhatIf.model_fields if key != "name"])
def test_every_key_of_a_what_if_is_explained(key: str) -> None:
    assert f"`{key}`" in (ROOT / "docs" / "what-if.md").read_text("utf-8")
