"""The approval form and the effect of its answers; tests/services covers the flow that waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from flows.approval import ApprovalForm, apply_form, form_text, initial_values
from foundation.configuration import load_settings
from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline import run
from pipeline.decisions import open_plan
from tests.conftest import Tables, built_once
from tests.flows.conftest import QUICK, copy_built

AS_OF = date(2016, 5, 16)
LONG_AFTER = pd.Timestamp("2026-01-01T09:00", tz="UTC")
MORNING = pd.Timestamp("2016-05-16T09:00", tz="UTC")


def _settings(folder: Path, outbox: Path) -> Settings:
    places = [f"inputs.path={folder / 'inputs'}", f"warehouse={folder / 'warehouse'}"]
    return load_settings("demo", [*places, *QUICK, "positioning.max_gap_rate=1.0", f"decisions.outbox.target={outbox}"])


@pytest.fixture(scope="session")
def planned(_demo_cut: Tables, write_tables: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with inputs and a warehouse whose plan has proposals; tests copy it."""
    stock = _demo_cut["stock"].copy()
    stock.loc[stock["hub"] != "DFW", ["units_on_hand", "units_reserved"]] = 0

    def build(folder: Path) -> None:
        write_tables({**_demo_cut, "stock": stock}, folder / "inputs")
        context = run.validate_stage(_settings(folder, folder), AS_OF, "rebalance")
        run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))

    return built_once(tmp_path_factory, "approval", build)


@pytest.fixture
def settings(planned: Path, tmp_path: Path) -> Settings:
    """Return settings of a warehouse with a plan that has proposals, and an outbox."""
    copy_built(planned, tmp_path)
    return _settings(tmp_path, tmp_path / "out")


def _form(**parts: object) -> ApprovalForm:
    return ApprovalForm.model_validate({"by": "ann", **parts})


def test_the_form_lists_open_proposals_and_releases_them(settings: Settings, tmp_path: Path) -> None:
    proposals = open_plan(settings, AS_OF).proposals
    best = proposals[~proposals["is_outlook"].astype(bool)].nlargest(1, "benefit_eur")["proposal_id"].iloc[0]
    assert best in form_text(settings, AS_OF)
    parts = apply_form(settings, AS_OF, _form(decision="approve", proposals=[best[:10]], release=True), MORNING)
    assert parts == "1 proposal approved. 1 proposal released. 1 proposal delivered to receiver."
    assert len(list((tmp_path / "out").glob("*.json"))) == 1
    assert best not in form_text(settings, AS_OF)


def test_the_form_shows_every_proposal_or_says_where_the_others_are(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planner must not approve lines that the form hides."""
    plan = open_plan(settings, AS_OF).proposals
    ids = plan.loc[~plan["is_outlook"].astype(bool), "proposal_id"].tolist()
    assert len(ids) > 1
    assert [name for name in ids if name not in form_text(settings, AS_OF)] == []
    monkeypatch.setattr("flows.approval.LISTED", 1)
    text = form_text(settings, AS_OF)
    assert sum(name in text for name in ids) == 1
    assert f"(http://127.0.0.1:8050/proposals?as_of={AS_OF})" in text
    assert "forestock approve" in text


def test_a_rejection_without_a_reason_is_refused_without_a_decision(settings: Settings) -> None:
    with pytest.raises(InputError, match="reason"):
        apply_form(settings, AS_OF, _form(decision="reject", everything=True), MORNING)
    assert open_plan(settings, AS_OF).decisions.empty
    assert "rejected" in apply_form(
        settings, AS_OF, _form(decision="reject", everything=True, reason="stock count was wrong"), MORNING
    )


def test_the_initial_form_makes_no_decision_and_a_past_plan_is_decided_at_its_morning(settings: Settings) -> None:
    """Submitting the form unchanged must not approve a whole plan."""
    opened = ApprovalForm.with_initial_data(
        description="?", **initial_values(AS_OF, datetime(2026, 1, 1, tzinfo=UTC))
    )()
    assert apply_form(settings, AS_OF, opened, LONG_AFTER) == "No decision was made."
    for decision in ("approve", "reject"):
        with pytest.raises(InputError, match="no proposal is selected"):
            apply_form(settings, AS_OF, opened.model_copy(update={"decision": decision, "reason": "x"}), LONG_AFTER)
    assert open_plan(settings, AS_OF).decisions.empty
    answered = opened.model_copy(update={"decision": "approve", "everything": True})
    assert "approved" in apply_form(settings, AS_OF, answered, LONG_AFTER)
    assert set(open_plan(settings, AS_OF).decisions["at"]) == {pd.Timestamp("2016-05-16T07:00", tz="UTC")}
    assert initial_values(AS_OF, datetime(2016, 5, 16, 8, tzinfo=UTC))["decided_at"] is None


def test_leave_makes_no_decision(settings: Settings) -> None:
    assert apply_form(settings, AS_OF, _form(decision="leave"), MORNING) == "No decision was made."
    assert open_plan(settings, AS_OF).decisions.empty


def test_a_plan_of_the_same_inputs_is_kept_with_the_status_of_its_proposals_renewed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rerun does not solve again, and shows decisions made since; a plan whose rows are gone is computed again."""
    warehouse = Warehouse(settings)
    context = run.validate_stage(settings, AS_OF, "rebalance")
    forecasted = run.forecast_stage(context, run.train_stage(context))
    before = {name: warehouse.read(name, AS_OF) for name in run.PLAN_TABLES}
    solved = []

    def plan(*arguments: object) -> dict[str, pd.DataFrame]:
        solved.append(arguments)
        return before.copy()

    monkeypatch.setattr(run, "plan", plan)
    assert not run.rebalance_stage(context, forecasted).is_new
    for name, frame in before.items():
        pd.testing.assert_frame_equal(warehouse.read(name, AS_OF), frame, check_exact=True)
    apply_form(settings, AS_OF, _form(decision="reject", everything=True, reason="no dock"), LONG_AFTER)
    assert not run.rebalance_stage(context, forecasted).is_new
    assert "rejected" in set(warehouse.read("transfer", AS_OF)["status"])
    assert not solved
    assert run.rebalance_stage(context, forecasted, is_forced=True).is_new
    warehouse.write("transfer", before["transfer"].iloc[1:], AS_OF)
    assert run.rebalance_stage(context, forecasted).is_new
    assert len(solved) == 2
