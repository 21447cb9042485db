"""The sentence that summarizes a run."""

from __future__ import annotations

import pandas as pd
import pytest

from foundation.wording import Money
from pipeline.summary import Summary
from review.plan.summary import Headline, Service

SERVICE = Service(1_000.0, 0.9, 0.8, 50.0, 20.0)


def summary_of(n_proposals: int, n_outlook: int, decided: str = "") -> Summary:
    plan = pd.Series({"total_eur_before": 77_000.0, "total_eur": 74_784.0})
    return Summary(
        title="", money=Money("EUR"), model_version="", figures=Headline(plan, [], SERVICE, SERVICE), expected_units={},
        proposals=None, n_proposals=n_proposals, proposed_eur=1_500.0, n_outlook=n_outlook, decided=decided, findings=(),
        refusals=(), notes=(), places={},
    )  # fmt: skip


def test_existing_decisions_are_stated() -> None:
    parts = summary_of(3, 2, "1 approved, 1 released").verdict
    assert parts.endswith("expected cost. Decided so far: 1 approved, 1 released.")


@pytest.mark.parametrize(
    ("n_proposals", "n_outlook", "begins"),
    [
        (3, 2, "3 proposals save €1,500; with the expected shipments of later dates, the plan saves €2,216 of"),
        (1, 0, "1 proposal saves €2,216 of"),
        (0, 4, "No proposal needs a decision on this date"),
        (0, 0, "0 proposals"),
    ],
)
def test_a_plan_with_only_outlook_lines_claims_no_proposals(n_proposals: int, n_outlook: int, begins: str) -> None:
    assert summary_of(n_proposals, n_outlook).verdict.startswith(begins)
