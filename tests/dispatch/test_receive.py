"""What receivers answer becomes rows of ``execution``: once, completely, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from dispatch.decide import Signature, ledger_rows
from dispatch.execution_form import registered_execution_forms
from dispatch.export_form import registered_forms
from forestock.cli.main import add_commands
from foundation.errors import ForestockError, InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.configuration import load_settings
from pipeline.decisions import refresh
from pipeline.execution import realized_report, receive_file
from tests.dispatch.answers import ANSWERS, MISSING, interchange, refused_997, shipped_945
from tests.worlds.executed_world import write_inputs
from tests.worlds.proposal_world import AS_OF, act, proposal, proposals, warehouse_with

Command = Callable[..., Result]
UNITS = {"aaaa1111": 12, "bbbb2222": 6, "cccc3333": 12, "dddd4444": 12, "eeee5555": 6}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a warehouse with three released transfers on two departures and two orders on one."""
    folder = tmp_path_factory.mktemp("released")
    rows = (
        proposal("aaaa1111"), proposal("bbbb2222", sku="rum", units=6), proposal("cccc3333", lane="B-C"),
        proposal("dddd4444", lane="S-C", kind="supply"), proposal("eeee5555", sku="rum", lane="S-C", kind="supply", units=6),
    )  # fmt: skip
    built = warehouse_with(folder, *rows)
    Warehouse(built).append("decision", ledger_rows(proposals(*rows), "released", act()))
    refresh(built, AS_OF)
    write_inputs(folder / "inputs")
    return folder


@pytest.fixture
def settings(tmp_path: Path, released: Path) -> Settings:
    """Return the settings of a copy of that warehouse."""
    shutil.copytree(released / "warehouse", tmp_path / "warehouse")
    shutil.copytree(released / "inputs", tmp_path / "inputs")
    text = f"name: x\nwarehouse: {tmp_path / 'warehouse'}\ninputs: {{path: {tmp_path / 'inputs'}}}\n"
    (tmp_path / "c.yaml").write_text(text, "utf-8")
    return load_settings(str(tmp_path / "c.yaml"))


@pytest.fixture
def forestock(tmp_path: Path, settings: Settings) -> Command:
    """Return a function that runs a command on it."""
    app = typer.Typer()
    add_commands(app)

    def run(command: str, *words: str) -> Result:
        clock = [] if command in ("export", "realized") else ["--at", "2016-05-25T17:00", "--by", "Ada"]
        return CliRunner().invoke(app, [command, "--config", str(tmp_path / "c.yaml"), *clock, *words])

    return run


def _export(forestock: Command, tmp_path: Path, form: str) -> str:
    place = tmp_path / f"export-{form}"
    result = forestock("export", "--form", form, "--output", str(place))
    assert result.exit_code == 0, result.output
    return place.read_text("utf-8")


def _receive(forestock: Command, tmp_path: Path, form: str, text: str) -> Result:
    place = tmp_path / f"answer-{form}"
    place.write_text(text, "utf-8")
    return forestock("receive", "--form", form, str(place))


def _units(settings: Settings) -> dict[tuple[str, str], int]:
    rows = Warehouse(settings).read("execution")
    return {(row.proposal_id, row.status): int(row.units) for row in rows.itertuples()}


def test_every_form_has_a_receiver_in_this_test() -> None:
    assert set(ANSWERS) == set(registered_forms())
    assert {form for form, _ in ANSWERS.values()} | {"x12-997"} == set(registered_execution_forms())


@pytest.mark.parametrize("form", ANSWERS)
def test_the_answer_to_every_form_is_read_back(
    form: str, forestock: Command, tmp_path: Path, settings: Settings
) -> None:
    """Two units of the first exported line did not arrive; every other unit did. The same file twice adds nothing."""
    answer_form, receiver = ANSWERS[form]
    answer = receiver(_export(forestock, tmp_path, form))
    result = _receive(forestock, tmp_path, answer_form, answer)
    assert result.exit_code == 0, result.exception
    rows = Warehouse(settings).read("execution")
    arrived = "shipped" if form == "x12-940" else "received"
    kinds = registered_forms()[form].kinds
    expected = {name: units for name, units in UNITS.items() if ("supply" if name[0] in "de" else "transfer") in kinds}
    first = rows.loc[rows["status"] == arrived, ["proposal_id", "units"]].set_index("proposal_id")["units"]
    assert set(first.index) == set(expected)
    assert sorted(units - first[name] for name, units in expected.items()) == [0] * (len(expected) - 1) + [MISSING]
    other = rows[~rows["status"].isin(["shipped", "received"])]
    assert other["units"].tolist() == ([] if answer_form == "csv" else [MISSING])
    assert set(other["status"]) <= {"short", "refused"}
    again = _receive(forestock, tmp_path, answer_form, answer)
    assert f"Recorded 0 rows; {len(rows)} were on record" in again.output
    pd.testing.assert_frame_equal(Warehouse(settings).read("execution"), rows)


def _closed(settings: Settings, ids: set[str]) -> None:
    """Record the proposals as executed, as the next run does once they are in inbound."""
    decisions = Warehouse(settings).read("decision")
    lines = decisions[decisions["proposal_id"].isin(ids)].rename(columns={"at": "decided_at"})
    Warehouse(settings).append("decision", ledger_rows(lines, "executed", act(pd.Timestamp("2016-05-26", tz="UTC"))))


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=() if form == "x12-943" else pytest.mark.slow) for form in ANSWERS]
)
def test_an_exported_line_ends_with_its_realized_benefit(
    form: str, forestock: Command, tmp_path: Path, settings: Settings
) -> None:
    """Form → answer → execution → realized: every line that arrived is valued, by what sold where it went."""
    answer_form, receiver = ANSWERS[form]
    assert _receive(forestock, tmp_path, answer_form, receiver(_export(forestock, tmp_path, form))).exit_code == 0
    arrived = Warehouse(settings).read("execution")
    if form == "x12-940":  # what was shipped is valued once it has arrived
        assert "No executed proposal has been valued yet" in forestock("realized").output
        _closed(settings, set(arrived["proposal_id"]))
    result = forestock("realized", "--by", "proposal")
    assert result.exit_code == 0, result.exception
    rows = Warehouse(settings).read("realized").set_index("proposal_id")
    status = "shipped" if form == "x12-940" else "received"
    moved = arrived[arrived["status"] == status].groupby("proposal_id")["units"].sum()
    assert rows["units_received"].to_dict() == moved.to_dict()
    assert ((rows["units_sold"] > 0) & (rows["units_sold"] <= rows["units_received"])).all()
    assert (rows["realized_benefit_eur"] != 0).all()
    assert rows["benefit_eur"].tolist() == [30.0] * len(rows)
    again = Warehouse(settings).read("realized")
    assert forestock("realized").exit_code == 0
    pd.testing.assert_frame_equal(Warehouse(settings).read("realized"), again)


def test_realized_benefit_is_reported_by_planner_with_overrides_scored(
    forestock: Command, tmp_path: Path, settings: Settings
) -> None:
    """Bob rejected an order of 12 units that would have sold; Ada's lines were kept."""
    warehouse = Warehouse(settings)
    bobs = proposal("ffff6666", sku="tea", lane="S-B", kind="supply")
    order = warehouse.read("transfer", AS_OF).query("proposal_id == 'dddd4444'").assign(proposal_id="ffff6666")
    warehouse.write("transfer", pd.concat([warehouse.read("transfer", AS_OF), order]), AS_OF)
    line = proposals(bobs | {"lane": "S-C", "destination": "C"})
    by_bob = Signature(act().time, "Bob", "no room")
    warehouse.append("decision", ledger_rows(line, "rejected", by_bob))
    text = "proposal_id,status,units,at\naaaa1111,received,12,2016-05-25\n"
    assert _receive(forestock, tmp_path, "csv", text).exit_code == 0
    assert forestock("realized", "--by", "planner").exit_code == 0
    rows = warehouse.read("realized").set_index("proposal_id")
    assert rows["by"].to_dict() == {"aaaa1111": "Ada", "ffff6666": "Bob"}
    assert rows.loc["ffff6666", ["units_received", "units_sold", "realized_benefit_eur"]].tolist() == [0, 0, 0.0]
    assert rows.loc["ffff6666", "override_eur"] < 0
    assert np.isnan(rows.loc["aaaa1111", "override_eur"])
    report = realized_report(settings, "planner").set_index("planner")
    assert report["overrides"].to_dict() == {"Ada": 0, "Bob": 1}
    assert realized_report(settings, "month")["month"].tolist() == ["2016-05"]


def test_a_plan_is_valued_once_sales_cover_its_window(forestock: Command, tmp_path: Path, settings: Settings) -> None:
    text = "proposal_id,status,units,at\naaaa1111,received,12,2016-05-25\n"
    assert _receive(forestock, tmp_path, "csv", text).exit_code == 0
    early = forestock("realized", "--as-of", "2016-05-31")
    assert "1 plans are not valued yet, the first of 2016-05-23" in early.output
    assert forestock("realized", "--as-of", "2016-06-01").exit_code == 0
    assert Warehouse(settings).read("realized")["end_date"].tolist() == [pd.Timestamp("2016-05-31")]
    more = "proposal_id,status,units,at,source\naaaa1111,received,3,2016-05-25,second\n"
    assert _receive(forestock, tmp_path, "csv", more).exit_code == 0
    assert forestock("realized", "--as-of", "2016-06-01").exit_code == 0
    assert Warehouse(settings).read("realized")["units_received"].tolist() == [15]


def test_a_shipment_without_echoed_references_is_found_by_document_and_sku(
    forestock: Command, tmp_path: Path, settings: Settings
) -> None:
    answer = shipped_945(_export(forestock, tmp_path, "x12-940"), echoes=False)
    assert _receive(forestock, tmp_path, "x12-945", answer).exit_code == 0
    assert _units(settings) == {
        ("aaaa1111", "shipped"): 12, ("bbbb2222", "shipped"): 4, ("bbbb2222", "short"): 2, ("cccc3333", "shipped"): 12,
    }  # fmt: skip
    rows = Warehouse(settings).read("execution")
    assert set(rows["source"]) == {"x12-945 000000007/7/0001", "x12-945 000000007/7/0002"}
    assert set(rows["at"]) == {pd.Timestamp("2016-05-25", tz="UTC")}


def test_a_rejected_document_ends_its_proposals(forestock: Command, tmp_path: Path, settings: Settings) -> None:
    """A 997 knows control numbers only: the export is remembered, and what the receiver refused frees its stock."""
    answer = refused_997(_export(forestock, tmp_path, "x12-940"))
    result = _receive(forestock, tmp_path, "x12-997", answer)
    assert result.exit_code == 0, result.exception
    assert _units(settings) == {("aaaa1111", "refused"): 12, ("bbbb2222", "refused"): 6}
    status = Warehouse(settings).read("transfer").set_index("proposal_id")["status"]
    assert status.to_dict() == dict.fromkeys(("aaaa1111", "bbbb2222"), "superseded") | dict.fromkeys(("cccc3333", "dddd4444", "eeee5555"), "released")  # fmt: skip
    other = interchange("997", "FA", [["AK1|OW|1", "AK9|R|1|1|0"]], number=8)
    assert "x12-940 1/* was not exported" in _fault(_receive(forestock, tmp_path, "x12-997", other))


def test_units_that_moved_keep_a_proposal_alive(forestock: Command, tmp_path: Path, settings: Settings) -> None:
    rows = "proposal_id,status,units,at\naaaa1111,shipped,12,2016-05-23\naaaa1111,refused,12,2016-05-25\n"
    assert _receive(forestock, tmp_path, "csv", rows).exit_code == 0
    assert set(Warehouse(settings).read("transfer")["status"]) == {"released"}


def _fault(result: Result) -> str:
    assert isinstance(result.exception, ForestockError), result.output
    assert result.exception.exit_code == 2
    return str(result.exception)


def test_every_bad_line_is_named_and_no_line_is_recorded(
    forestock: Command, tmp_path: Path, settings: Settings
) -> None:
    text = (
        "proposal_id,status,units,at\naaaa1111,received,12,2016-05-25\naaaa1111,gone,1,2016-05-25\n"
        "bbbb2222,received,1.5,2016-05-25\nbbbb2222,received,1,yesterday\n"
    )
    message = _fault(_receive(forestock, tmp_path, "csv", text))
    assert [line.split(":")[0] for line in message.splitlines()] == ["line 3", "line 4", "line 5"]
    assert "one of shipped, short, received, refused, and 'gone' is not" in message
    unknown = "proposal_id,status,units,at\naaaa1111,received,12,2016-05-25\naaaa1112,received,1,2016-05-25\n"
    message = _fault(_receive(forestock, tmp_path, "csv", unknown))
    assert message == "line 3: there is no released proposal 'aaaa1112' (did you mean 'aaaa1111'?)"
    assert "must name the column status" in _fault(_receive(forestock, tmp_path, "csv", "proposal_id,units,at\n"))
    assert not Warehouse(settings).has("execution")


def test_another_count_of_the_same_document_is_refused(forestock: Command, tmp_path: Path, settings: Settings) -> None:
    head = "proposal_id,status,units,at,source\n"
    assert _receive(forestock, tmp_path, "csv", f"{head}aaaa1111,received,7,2016-05-25,GR-1\n").exit_code == 0
    message = _fault(_receive(forestock, tmp_path, "csv", f"{head}aaaa1111,received,5,2016-05-25,GR-1\n"))
    assert message.startswith("GR-1: 5 units received of proposal aaaa1111, but 7 are on record")
    assert _receive(forestock, tmp_path, "csv", f"{head}aaaa1111,received,5,2016-05-26,GR-2\n").exit_code == 0
    assert Warehouse(settings).read("execution")["units"].tolist() == [7, 5]


def test_a_damaged_or_foreign_interchange_is_refused(forestock: Command, tmp_path: Path, settings: Settings) -> None:
    good = interchange("945", "SW", [["W06|F|0123456789abcdef|20160525"]])
    assert "945 0001 of group 7: it has no W12" in _fault(_receive(forestock, tmp_path, "x12-945", good))
    assert "it must be a 944" in _fault(_receive(forestock, tmp_path, "x12-944", good))
    assert "SE01 is 3" in _fault(_receive(forestock, tmp_path, "x12-945", good.replace("SE|3", "SE|4").replace("SE|4", "SE|3").replace("W06|F", "N9|ZZ|A\nW06|F")))  # fmt: skip


def test_a_record_of_shopify_without_its_transfer_is_named(forestock: Command, tmp_path: Path) -> None:
    line = '{"id": "x", "acceptedQuantity": 1, "quantity": 1, "rejectedQuantity": 0, "unreceivedQuantity": 0, "__parentId": "s"}\n{"id"\n'
    message = _fault(_receive(forestock, tmp_path, "shopify", line))
    assert message.startswith("line 1: its shipment and its transfer must come before it\nline 2: ")


@pytest.mark.parametrize("form", sorted(registered_execution_forms()))
@pytest.mark.parametrize(
    "content", [None, b"", b"\xac\xff\x00", b"\x00\n\x00", b"a;b\n1", b"ISA*", b"\xef\xbb\xbfid,units\n"]
)
def test_a_file_that_is_no_answer_is_refused_in_one_line(
    form: str, content: bytes | None, settings: Settings, tmp_path: Path
) -> None:
    """A missing file ended with exit code 3, and bytes that are no text with a traceback."""
    file = tmp_path / "answer"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError):
        receive_file(settings, form, str(file), act())
    assert Warehouse(settings).read("execution").empty
