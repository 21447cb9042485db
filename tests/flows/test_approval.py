"""What a planner is asked and what an answer does; that the flow waits for it is tested with services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from flows.approval import ApprovalForm, apply_form, form_text, initial_values
from foundation.errors import InputError
from foundation.settings import Settings
from pipeline import run
from pipeline.decisions import open_plan
from tests.conftest import Tables
from tests.flows.conftest import QUICK

NIGHT = date(2016, 5, 16)
LONG_AFTER = pd.Timestamp("2026-01-01T09:00", tz="UTC")
MORNING = pd.Timestamp("2016-05-16T09:00", tz="UTC")


@pytest.fixture
def settings(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> Settings:
    """Return settings of a warehouse with a plan that has proposals, and an outbox."""
    demo_tables["stock"].loc[demo_tables["stock"]["hub"] != "DFW", ["units_on_hand", "units_reserved"]] = 0
    built = settings_for(
        write_tables(demo_tables, tmp_path / "inputs"), *QUICK, "positioning.max_gap_rate=1.0",
        f"decisions.outbox.target={tmp_path / 'out'}",
    )  # fmt: skip
    night = run.validate_stage(built, NIGHT, "rebalance")
    run.rebalance_stage(night, run.forecast_stage(night, run.train_stage(night)))
    return built


def _form(**parts: object) -> ApprovalForm:
    return ApprovalForm.model_validate({"by": "ann", **parts})


def test_the_question_shows_what_waits_and_an_answer_releases_it(settings: Settings, tmp_path: Path) -> None:
    proposals = open_plan(settings, NIGHT).proposals
    best = proposals[~proposals["is_outlook"].astype(bool)].nlargest(1, "benefit_eur")["proposal_id"].iloc[0]
    assert best in form_text(settings, NIGHT)
    parts = apply_form(settings, NIGHT, _form(decision="approve", proposals=[best[:10]], release=True), MORNING)
    assert parts == "1 proposal approved. 1 proposal released. 1 proposal delivered to receiver."
    assert len(list((tmp_path / "out").glob("*.json"))) == 1
    assert best not in form_text(settings, NIGHT)


def test_a_rejection_without_a_reason_is_refused_and_nothing_is_decided(settings: Settings) -> None:
    with pytest.raises(InputError, match="reason"):
        apply_form(settings, NIGHT, _form(decision="reject", everything=True), MORNING)
    assert open_plan(settings, NIGHT).decisions.empty
    assert "rejected" in apply_form(
        settings, NIGHT, _form(decision="reject", everything=True, reason="stock count was wrong"), MORNING
    )


def test_the_form_as_it_opens_decides_nothing_and_a_past_plan_is_decided_at_its_morning(settings: Settings) -> None:
    """Whoever presses the button without reading must not approve a whole plan."""
    opened = ApprovalForm.with_initial_data(
        description="?", **initial_values(NIGHT, datetime(2026, 1, 1, tzinfo=UTC))
    )()
    assert apply_form(settings, NIGHT, opened, LONG_AFTER) == "No decision was made."
    for decision in ("approve", "reject"):
        with pytest.raises(InputError, match="no proposal is selected"):
            apply_form(settings, NIGHT, opened.model_copy(update={"decision": decision, "reason": "x"}), LONG_AFTER)
    assert open_plan(settings, NIGHT).decisions.empty
    answered = opened.model_copy(update={"decision": "approve", "everything": True})
    assert "approved" in apply_form(settings, NIGHT, answered, LONG_AFTER)
    assert set(open_plan(settings, NIGHT).decisions["at"]) == {pd.Timestamp("2016-05-16T07:00", tz="UTC")}
    assert initial_values(NIGHT, datetime(2016, 5, 16, 8, tzinfo=UTC))["decided_at"] is None


def test_leaving_it_decides_nothing(settings: Settings) -> None:
    assert apply_form(settings, NIGHT, _form(decision="leave"), MORNING) == "No decision was made."
    assert open_plan(settings, NIGHT).decisions.empty
