"""``approve``, ``reject``, ``release`` and ``export`` as a planner runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from forestock.cli.main import add_commands
from foundation.errors import ForestockError
from foundation.settings import Settings
from foundation.store import files
from foundation.store.warehouse import Warehouse
from pipeline.results import page_of
from tests.worlds.proposal_world import AS_OF, proposal, warehouse_with

Command = Callable[..., Result]
RULES = "decisions: {rules: [{name: small, max_cost_eur: 500, max_cover_hours: 48}, {name: dear, action: reject}]}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a warehouse with four proposals."""
    rows = (
        proposal("aaaa1111", benefit_eur=25.0), proposal("bbbb2222", sku="rum"), proposal("cccc3333", lane="B-C", is_outlook=True),
        proposal("dddd4444", lane="S-C", kind="supply", cost_eur=900.0),
    )  # fmt: skip
    built = warehouse_with(tmp_path, *rows)
    (tmp_path / "c.yaml").write_text(f"name: x\nwarehouse: {built.warehouse}\n{RULES}\n", "utf-8")
    return built


@pytest.fixture
def forestock(tmp_path: Path, settings: Settings) -> Command:
    """Return a function that runs a command on the plan, by default at 07:00 of its date."""
    app = typer.Typer()
    add_commands(app)

    def run(command: str, *words: str, decided_at: str = "2016-05-23T07:00") -> Result:
        clock = [] if command == "export" else ["--at", decided_at, "--by", "Ada"]
        given = [command, "--config", str(tmp_path / "c.yaml"), "--as-of", "2016-05-23", *clock, *words]
        return CliRunner(env={"COLUMNS": "80"}).invoke(app, given)

    return run


def _fault(result: Result) -> str:
    assert isinstance(result.exception, ForestockError), result.output
    assert result.exception.exit_code == 2
    return str(result.exception)


def _status(settings: Settings) -> dict[str, str]:
    rows = Warehouse(settings).read("transfer", AS_OF)
    return dict(zip(rows["proposal_id"], rows["status"], strict=True))


def test_without_a_selection_proposals_are_listed_within_80_columns(forestock: Command) -> None:
    result = forestock("approve")
    assert result.exit_code == 0
    assert "aaaa11  tea" in result.output
    assert max(len(line.rstrip()) for line in result.output.splitlines() if "→" in line) <= 80


def test_money_is_scaled_to_the_decided_units(forestock: Command) -> None:
    """18 units must not be shown with the cost and savings of the 12 that were proposed."""
    assert "18 units, worth €38 at a cost of €15." in forestock("approve", "aaaa=18").output
    (line,) = [line for line in forestock("approve").output.splitlines() if line.startswith("aaaa11")]
    assert line.split()[-4:] == ["18", "€15", "€38", "approved"]


def test_a_page_older_than_the_decision_is_reported(forestock: Command, settings: Settings) -> None:
    assert "review page" not in forestock("approve", "aaaa").output
    files.write_text(page_of(settings, AS_OF), "<html>")
    assert (
        "The review page is out of date. To refresh it, run forestock review --config"
        in forestock("approve", "bbbb").output
    )


def test_a_release_without_an_outbox_reports_that_no_document_was_delivered(forestock: Command) -> None:
    forestock("approve", "aaaa")
    parts = " ".join(forestock("release").output.split())
    assert "No outbox is configured (decisions.outbox.target), so no document was delivered" in parts


def test_decisions_before_the_plan_exists_are_refused(forestock: Command, settings: Settings) -> None:
    """A typing error in --at would stay in the ledger forever; a Monday's plan may be made on Saturday."""
    assert "the plan is of 2016-05-23" in _fault(forestock("approve", "aaaa", decided_at="2016-05-15T23:59"))
    assert Warehouse(settings).read("decision").empty
    assert forestock("approve", "aaaa", decided_at="2016-05-16T00:00").exit_code == 0


def test_an_approval_is_in_the_ledger_and_in_the_table_of_proposals(forestock: Command, settings: Settings) -> None:
    result = forestock("approve", "aaaa=18")
    assert "Approved 1 proposal of the plan of 2016-05-23: 18 units" in result.output
    row = Warehouse(settings).read("decision").iloc[0]
    assert (row["proposal_id"], row["status"], row["units"], row["by"]) == ("aaaa1111", "approved", 18, "Ada")
    assert row["at"] == pd.Timestamp("2016-05-23T07:00", tz="UTC")
    assert _status(settings) == {
        "aaaa1111": "approved",
        "bbbb2222": "proposed",
        "cccc3333": "proposed",
        "dddd4444": "proposed",
    }


def test_rules_approve_and_reject_matching_proposals(forestock: Command, settings: Settings) -> None:
    assert "Approved 2 proposals" in forestock("approve", "--by-rule").output
    assert "Rejected 1 proposal" in forestock("reject", "--by-rule").output
    assert _status(settings)["dddd4444"] == "rejected"
    reasons = set(Warehouse(settings).read("decision")["reason"])
    assert reasons == {"rule small: max_cost_eur 500, max_cover_hours 48", "rule dear: all"}


def test_approving_twice_is_idempotent(forestock: Command, settings: Settings) -> None:
    forestock("approve", "aaaa1111")
    result = forestock("approve", "aaaa1111")
    assert result.exit_code == 0
    assert len(Warehouse(settings).read("decision")) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("approve", "zzzz9999"), "there is no proposal 'zzzz9999'"),
        (("approve", "aaaa=13"), "whole packs of 6"),
        (("approve", "aaaa=many"), "units are a whole number"),
        (("approve", "cccc3333"), "is outlook"),
        (("approve", "aaaa", "--all"), "contradict each other"),
        (("approve", "--lane", "A-Z"), "no proposal has the lane 'A-Z'"),
        (("reject", "aaaa"), "needs a reason"),
        (("release", "aaaa"), "approve them first"),
        (("approve", "aaa"), "'aaa' is too short for an id; give 4 characters"),
        (("approve", "aaaa", "--kind", "supply"), "ids and conditions such as --kind contradict each other"),
        (("export",), "the plan of 2016-05-23 has no released proposals"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_in_one_line_without_a_write(
    words: tuple[str, ...], message: str, forestock: Command, settings: Settings
) -> None:
    assert message in _fault(forestock(*words))
    assert Warehouse(settings).read("decision").empty


def test_after_the_cut_off_a_release_is_refused_with_a_remedy(forestock: Command, settings: Settings) -> None:
    forestock("approve", "aaaa")
    fault = _fault(forestock("release", decided_at="2016-05-23T16:01"))
    assert "cut-off has passed" in fault
    assert "--at 2016-05-23T07:00" in fault
    assert _status(settings)["aaaa1111"] == "approved"


def test_released_lines_are_delivered_once_and_exported(forestock: Command, tmp_path: Path, settings: Settings) -> None:
    target = ("--set", f"decisions.outbox.target={tmp_path / 'out'}")
    forestock("approve", "--all")
    result = forestock("release", *target)
    assert "Released 3 proposals" in result.output
    assert "Delivered 3 proposals (documents: 2)" in result.output
    assert "Delivered 0 proposals" in forestock("release", *target).output
    assert sorted(Warehouse(settings).read("handover")["proposal_id"]) == ["aaaa1111", "bbbb2222", "dddd4444"]
    orders = forestock("export", "--form", "x12-940", "--output", str(tmp_path / "orders.x12"))
    assert "2 lines in 1 documents" in orders.output
    assert "Form x12-940 cannot hold 1 released lines" in orders.output
    assert (tmp_path / "orders.x12").read_text("utf-8").startswith("ISA*00*")
    assert forestock("export", "--output", "-").output.count("\n") == 4


def test_a_release_can_be_repeated_after_its_receiver_was_away(
    forestock: Command, tmp_path: Path, settings: Settings
) -> None:
    """The decision stands; only the delivery is open."""
    forestock("approve", "aaaa")
    away = (
        "--set",
        f"decisions.outbox.target=sqlite:///{tmp_path}/later/wms.db",
        "--set",
        "decisions.outbox.attempts=1",
    )
    result = forestock("release", *away)
    assert isinstance(result.exception, ForestockError)
    assert result.exception.exit_code == 3
    assert _status(settings)["aaaa1111"] == "released"
    (tmp_path / "later").mkdir()
    assert "Delivered 1 proposal" in forestock("release", *away).output


def test_a_departure_that_no_longer_pays_is_reported_and_listed_as_exception(
    forestock: Command, settings: Settings
) -> None:
    assert "no longer pays" not in forestock("reject", "bbbb", "--reason", "no shelf").output
    assert "Warning: departure A-B 2016-05-23 no longer pays" in forestock("approve", "aaaa=6").output
    result = Warehouse(settings).read("exception", AS_OF)
    assert result["kind"].tolist() == ["departure_not_paying"]
    forestock("approve", "aaaa=18")
    assert Warehouse(settings).read("exception", AS_OF).empty


def test_releasing_part_of_a_load_that_does_not_cover_its_cost_is_reported(forestock: Command) -> None:
    """Unapproved lines may not travel; once a load has been released, its cost is paid."""
    assert "pays" not in forestock("approve", "aaaa=6").output
    assert "Warning: departure A-B 2016-05-23 does not pay" in forestock("release", "aaaa").output


def test_releasing_all_of_a_load_that_pays_gives_no_warning(forestock: Command) -> None:
    forestock("approve", "--all")
    assert "Warning" not in forestock("release").output


INPUTS = {
    "sales": "date,region,sku,units_sold\n" + "".join(f"2016-05-{day},r,tea,1\n" for day in range(14, 24)),
    "skus": "sku,unit_cost_eur,unit_price_eur\ntea,1,9\n",
    "regions": "region\nr\n",
    "hubs": "hub\nA\nB\n",
    "lanes": "lane,origin,destination,kind,lead_time_days\nA-B,A,B,transfer,2\nA-r,A,r,delivery,1\n",
    "stock": "date,hub,sku,units_on_hand\n2016-05-23,A,tea,30\n2016-05-24,A,tea,30\n",
    "inbound": "inbound_id,hub,sku,units,arrival_date,origin,as_of\n"
    "old,B,tea,9,2016-05-24,A,2016-05-23\nold,B,tea,9,2016-05-24,A,2016-05-24\nnew,B,tea,6,2016-05-25,A,2016-05-24\n",
}


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[str, ...]:
    """Return arguments that name a folder of INPUTS."""
    (tmp_path / "in").mkdir()
    for name, text in INPUTS.items():
        (tmp_path / "in" / f"{name}.csv").write_text(text, "utf-8")
    return ("--set", f"inputs.path={tmp_path / 'in'}", "--set", "series.hierarchy=[]")


def test_a_refused_late_release_keeps_the_approval_for_a_later_release(
    forestock: Command, inputs: tuple[str, ...], settings: Settings
) -> None:
    """The suggested remedy must work: a late release must not close the approval."""
    forestock("approve", "aaaa")
    assert "cut-off has passed" in _fault(forestock("release", *inputs, decided_at="2016-05-30T07:00"))
    assert _status(settings)["aaaa1111"] == "approved"
    assert "Released 1 proposal" in forestock("release", *inputs).output


def test_rejecting_a_plan_with_released_lines_is_idempotent(forestock: Command) -> None:
    forestock("approve", "aaaa")
    forestock("release", "aaaa")
    for _ in range(2):
        result = forestock("reject", "--all", "--reason", "wrong count")
        assert result.exit_code == 0
        assert "Skipped: 1 (is released)." in result.output


def test_an_export_to_a_folder_is_refused(forestock: Command, tmp_path: Path) -> None:
    forestock("approve", "aaaa")
    forestock("release", "aaaa")
    assert "is a folder; name a file in it" in _fault(forestock("export", "--output", str(tmp_path)))


def test_shadow_mode_without_origins_names_the_missing_column(
    forestock: Command, inputs: tuple[str, ...], tmp_path: Path
) -> None:
    """`inbound.origin` is optional, as in the bundled data; without it a transfer cannot be distinguished from an order."""
    lines = [line.split(",") for line in INPUTS["inbound"].splitlines()]
    (tmp_path / "in" / "inbound.csv").write_text(
        "\n".join(",".join(row[:5] + row[6:]) for row in lines) + "\n", "utf-8"
    )
    fault = _fault(forestock("release", "--set", "decisions.mode=shadow", *inputs))
    assert "inbound.origin: the column is not provided" in fault


def test_shadow_mode_releases_no_proposal_and_compares_actual_moves(
    forestock: Command, inputs: tuple[str, ...], settings: Settings
) -> None:
    """The run proposes 36 units; of a line of 12, planners have moved 6 since."""
    forestock("approve", "aaaa")
    result = forestock("release", "--set", "decisions.mode=shadow", *inputs)
    assert "Planners shipped 16.7" in result.output
    assert _status(settings)["aaaa1111"] == "approved"
