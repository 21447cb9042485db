"""The page holds all of the tables' rows, no markup from them, and no request to the network."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html import unescape
from typing import Any

import pytest

from foundation.settings import Settings
from review import plan_page
from tests.review.sample_plan import AS_OF, SamplePlan, sample_plan

HOSTILE = "</script><img src=x onerror=alert(1)>"


def _page(built: SamplePlan) -> str:
    return plan_page(built.tables, built.outputs, built.settings, built.as_of)


def _unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def _content(page: str) -> dict[str, Any]:
    result = re.search(r'<script type="application/json" id="content">(.*?)</script>', page, re.S)
    assert result is not None
    return json.loads(result[1])


def _listed(page: str) -> dict[str, Any]:
    return _unpacked(_content(page)["listed"])


def test_every_proposal_is_on_the_page_with_its_units_and_its_money() -> None:
    """No proposal is lost or counted twice."""
    built = sample_plan(n_skus=50, n_proposals=333)
    listed, transfer = _listed(_page(built)), built.outputs["transfer"]
    assert sorted(listed["id"]) == sorted(transfer["proposal_id"])
    assert sum(listed["units"]) == transfer["units"].sum()
    assert sum(listed["benefit_eur"]) == pytest.approx(transfer["benefit_eur"].sum())
    assert sum(listed["departures"]["lines"]) == 333


def test_proposals_of_this_run_come_first_then_by_benefit() -> None:
    listed = _listed(_page(sample_plan(n_proposals=40)))
    order = list(zip(listed["outlook"], [-benefit for benefit in listed["benefit_eur"]], strict=True))
    assert order == sorted(order)


def test_every_proposed_sku_opens_to_its_reason_stock_arrivals_service_and_curves() -> None:
    built = sample_plan(n_skus=60, n_proposals=90)
    content = _content(_page(built))
    listed = _unpacked(content["listed"])
    pieces = {sku: piece for pack in content["details"] for sku, piece in _unpacked(pack).items()}
    assert list(pieces) == listed["skus"]
    assert sum(len(piece["reasons"]) for piece in pieces.values()) == 90
    for piece in pieces.values():
        assert len(piece["hubs"]) == 3
        assert len(piece["inbound"]) == 1
        assert len(piece["service"]) == 2
        assert [len(curve[1]) for curve in piece["curves"]] == [28, 28]
        assert [len(curve[2]) for curve in piece["curves"]] == [14, 14]


def test_the_page_shows_the_replacement_of_a_refused_line() -> None:
    """Plans of earlier versions lack the column; their pages must open all the same."""
    built = sample_plan(n_skus=1, n_proposals=2)
    piece = _unpacked(_content(_page(built))["details"][0])["SKU_00000"]
    assert piece["instead"] == {
        "0": ["MID>EAST@2016-05-24 +4|EAST>WEST@2016-05-23 -2", 950, 0.9],
        "1": ["", 475, 0.9],
    }
    earlier = built.outputs["transfer"].drop(columns=["next_best", "loss_if_dropped_eur", "pays_rate"])
    without = plan_page(built.tables, built.outputs | {"transfer": earlier}, built.settings, AS_OF)
    assert _unpacked(_content(without)["details"][0])["SKU_00000"]["instead"] == {}


def test_a_sku_is_in_the_pack_the_page_looks_for_it_in() -> None:
    content = _content(_page(sample_plan(n_skus=60, n_proposals=90)))
    skus = _unpacked(content["listed"])["skus"]
    for place in (0, 23, 24, 59):
        assert skus[place] in _unpacked(content["details"][place // content["skus_per_pack"]])


def test_sales_history_ends_before_the_planning_date_and_is_ascending() -> None:
    built = sample_plan(n_skus=1, n_proposals=1)
    piece = _unpacked(_content(_page(built))["details"][0])["SKU_00000"]
    sales = built.tables["sales"].query("region == 'R1'").sort_values("date")["units_sold"].tolist()
    assert piece["curves"][0][1] == sales[-28:]


def test_missing_sales_are_zero_only_where_the_settings_say_so() -> None:
    built = sample_plan(n_skus=1, n_proposals=1)
    sales = built.tables["sales"]
    hole = built.tables | {"sales": sales[sales["date"] != "2016-05-20"]}
    unknown = Settings(horizon=14, forecast={"window_days": (7, 14)}, series={"missing_sales": "unknown"})
    drawn = [
        _unpacked(_content(plan_page(hole, built.outputs, s, AS_OF))["details"][0]) for s in (built.settings, unknown)
    ]
    assert [pieces["SKU_00000"]["curves"][0][1][-3] for pieces in drawn] == [0, None]


def test_curves_stop_at_their_budget_and_the_page_states_it() -> None:
    built = sample_plan(n_skus=60, n_proposals=90)
    settings = Settings(horizon=14, forecast={"window_days": (7, 14)}, review={"curves_mb": 0.0})
    content = _content(plan_page(built.tables, built.outputs, settings, AS_OF))
    assert _unpacked(content["listed"])["skus_with_curves"] == 0
    assert _unpacked(content["details"][0])["SKU_00000"]["curves"] is None


def test_text_from_tables_cannot_become_markup() -> None:
    """Reasons, owners and actions come from users' tables; none may run in the planner's browser."""
    page = _page(sample_plan(marked=HOSTILE))
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert HOSTILE in unescape(page)
    assert HOSTILE in json.dumps(_listed(page)["texts"])


def test_the_content_policy_allows_the_pages_script_and_no_request() -> None:
    page = _page(sample_plan())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in unescape(policy[1])
    assert "unsafe-eval" not in policy[1]
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", page) == []
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")


def test_the_same_plan_gives_the_same_page() -> None:
    assert _page(sample_plan(n_proposals=50)) == _page(sample_plan(n_proposals=50))


def test_a_run_without_proposals_or_plan_has_a_page() -> None:
    """A refused plan writes no proposal; the planner must see that rather than an error."""
    built = sample_plan()
    page = plan_page(built.tables, {}, built.settings, AS_OF)
    assert "There is no plan for this date." in page
    assert _listed(page)["id"] == []


def test_the_page_of_a_refused_plan_states_the_reason() -> None:
    """Figures of a plan that is not proposed must not be read as tonight's."""
    built = sample_plan()
    no_shipment = {name: built.outputs[name].iloc[:0] for name in ("transfer", "departure")}
    wide = {"plan": built.outputs["plan"].assign(gap_rate=0.16)}
    refused = plan_page(built.tables, built.outputs | no_shipment | wide, built.settings, AS_OF)
    assert "This plan was refused: no proposal was written" in refused
    assert "16.00% of the cost" in refused
    assert "was refused" not in _page(built)


def test_the_headline_states_the_limits_of_the_gap() -> None:
    page = _page(sample_plan())
    assert "€400" in page
    assert "0.40%" in page
    assert "does not certify the forecast" in page


def test_money_is_in_the_configured_currency() -> None:
    built = sample_plan()
    page = plan_page(
        built.tables, built.outputs, Settings(currency="CHF", horizon=14, forecast={"window_days": (7, 14)}), AS_OF
    )
    assert "CHF 400" in page
    assert "€" not in page


def test_cut_offs_are_on_the_clock_of_the_origin() -> None:
    """A planner in the east must not read a western cut-off as their own; a supplier has no clock, its hub has."""
    built = sample_plan(n_proposals=3)
    texts = " ".join(_listed(_page(built))["texts"])
    assert "Mon, May 23, 2016 12:00 EDT" in texts
    assert "Mon, May 23, 2016 11:00 CDT" in texts


def test_keys_held_as_categories_make_the_same_page() -> None:
    """Long tables hold their keys as categories, of which a plan may use only some."""
    built = sample_plan(n_proposals=9)
    keys = {"sku", "region", "hub", "origin", "destination"}
    coded = [
        {name: frame.astype(dict.fromkeys(keys & set(frame.columns), "category")) for name, frame in frames.items()}
        for frames in (built.tables, built.outputs)
    ]
    assert plan_page(coded[0], coded[1], built.settings, AS_OF) == _page(built)
