"""Findings appear beyond their limits and state the action to take."""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.settings import Monitoring
from monitoring import findings

LIMITS = Monitoring()
TODAY = date(2016, 5, 23)


def _cell(method: str, wape: float, bias: float = 0.0, **others: object) -> dict[str, object]:
    parts = {"method": method, "region": "N", "segment": "FOOD", "n_periods": 100, "actual_units": 100.0}
    parts |= {"forecast_units": 100 * (1 + bias), "bias_rate": bias, "wape_rate": wape, "coverage_rate": 0.95}
    return parts | {"is_sustained": True} | others


def _kinds(*cells: dict[str, object]) -> list[str]:
    return [finding.kind for finding in findings.forecast_findings(pd.DataFrame(cells), LIMITS)]


def test_a_good_forecast_is_not_reported() -> None:
    assert _kinds(_cell("forestock", 0.4, 0.1), _cell("naive", 0.5)) == []


def test_bias_is_reported_beyond_the_limit_and_only_when_it_lasts() -> None:
    assert _kinds(_cell("forestock", 0.4, -0.2), _cell("naive", 0.5)) == ["forecast_biased"]
    assert _kinds(_cell("forestock", 0.4, -0.2, is_sustained=False), _cell("naive", 0.5)) == []


def test_a_better_baseline_and_narrow_intervals_are_reported_with_the_segment() -> None:
    rows = pd.DataFrame([_cell("forestock", 0.6, coverage_rate=0.7), _cell("naive", 0.5)])
    worse, narrow = findings.forecast_findings(rows, LIMITS)
    assert (worse.event, narrow.event) == ("forestock.forecast-worse-than-baseline", "forestock.intervals-too-narrow")
    assert worse.facts["segment"] == narrow.facts["segment"] == "FOOD"


def test_too_little_demand_gives_no_finding() -> None:
    assert _kinds(_cell("forestock", 2.0, 1.0, actual_units=3.0), _cell("naive", 0.5)) == []


def test_stale_sales_and_stale_stock_are_separate_findings() -> None:
    result = findings.stale_data({"N": date(2016, 5, 22), "S": date(2016, 5, 10)}, date(2016, 5, 9), TODAY, LIMITS)
    assert [(one.region, one.facts["table"], one.facts["age_days"]) for one in result] == [
        ("S", "sales", "12"), (None, "stock", "14"),
    ]  # fmt: skip


def test_an_arrival_due_today_is_not_overdue() -> None:
    days = pd.to_datetime(["2016-05-20", "2016-05-22", "2016-05-23"])
    inbound = pd.DataFrame({"hub": "H", "units": [5, 6, 7], "arrival_date": days})
    (one,) = findings.overdue_arrivals(inbound, TODAY)
    assert (one.hub, one.units, one.facts["lines"], one.facts["since"]) == ("H", 11.0, "2", "2016-05-20")


def test_drift_is_reported_once_for_all_columns_and_never_for_usual_values() -> None:
    rows = pd.DataFrame({
        "table": "regional", "column": ["a", "b", "c"], "stability_index": [0.5, 0.5, 0.1],
        "usual_stability_index": [0.1, 0.6, None],
    })  # fmt: skip
    (one,) = findings.drifted_inputs(rows, LIMITS)
    assert one.facts["columns"] == "regional.a"


def test_findings_of_one_place_become_one_row() -> None:
    """The table's grain is kind, hub, region and SKU; two segments of one place share a row, with a sentence each."""
    rows = pd.DataFrame(
        [_cell("forestock", 0.4, 0.3), _cell("forestock", 0.4, 0.3, segment="TOYS"), _cell("naive", 0.5)]
    )
    built = findings.exception_rows(findings.forecast_findings(rows, LIMITS))
    assert len(built) == 1
    assert built["units"].iloc[0] == 60
    assert all(name in built["action"].iloc[0] for name in ("FOOD", "TOYS"))
    assert findings.exception_rows([]).empty
