"""``forestock validate`` as a newcomer uses it: a correction that works when pasted, shares of the plan, a page, next steps."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.configuration import load_settings
from pipeline.reports import input_report
from tests.worlds.foreign_world import foreign_world, write_world


def _validate(folder: Path, *more: str) -> tuple[int, str, str]:
    command = ["validate", "--config", str(folder / "c.yaml"), *more]
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, command)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("every", [4, 2])
def test_the_lines_for_missing_days_work_when_pasted(every: int, tmp_path: Path) -> None:
    """The line was complete for up to 40 entries only."""
    tables = foreign_world(days=120)
    sales = tables["sales"]
    tables["sales"] = sales[(sales["date"].dt.day % every != 0) | (sales["date"].dt.day == 2)]
    write_world(tables, tmp_path)
    code, _, error = _validate(tmp_path)
    assert code == 2
    _, _, pasted = error.partition(f"To correct sales.date, write in {tmp_path / 'c.yaml'}:\n")
    with (tmp_path / "c.yaml").open("a") as file:
        file.write(pasted.partition("Next steps")[0])
    code, output, error = _validate(tmp_path)
    assert (code, error) == (0, "")
    assert "The inputs are valid for 2024-06-03" in output


def test_shares_count_the_units_that_an_assumption_concerns(tmp_path: Path) -> None:
    tables = foreign_world()
    lanes = tables["lanes"]
    is_free = (lanes["kind"] == "delivery") & (lanes["destination"] == "R1")
    tables["lanes"] = lanes.assign(eur_per_unit=lanes["eur_per_unit"].where(~is_free))
    promises = tables["sales"][["region"]].drop_duplicates().query("region != 'R2'").assign(promise_days=2)
    report = input_report(write_world({**tables, "promises": promises}, tmp_path), None)
    recent = tables["sales"][tables["sales"]["date"] >= "2024-05-06"]
    units = {one.key: one.units for one in report.assumptions}
    assert units["delivery_lane_cost"] == recent.loc[recent["region"] == "R1", "units_sold"].sum()
    assert units["no_promise"] == recent.loc[recent["region"] == "R2", "units_sold"].sum()
    assert units["lost_sale"] == report.recent_units == recent["units_sold"].sum()


def test_a_page_and_commands_to_paste_end_the_report(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    write_world(foreign_world(), folder)
    code, output, _ = _validate(folder, "--html", str(tmp_path / "inputs.html"))
    assert code == 0
    assert "[100% of the units sold in four weeks, €" in output
    assert "default: positioning.handling_eur_per_unit is €0.00: picking" in output
    step = next(line for line in output.splitlines() if line.startswith("  plan "))
    words = shlex.split(step.removeprefix("  plan"))
    assert words == ["forestock", "run", "--config", str(folder / "c.yaml")]
    page = (tmp_path / "inputs.html").read_text()
    assert "The inputs are valid for 2024-06-03" in page
    assert not (folder / "wh").exists()


def test_an_incomplete_input_stops_under_on_warning_stop(tmp_path: Path) -> None:
    tables = foreign_world()
    tables["sales"] = tables["sales"][
        ~((tables["sales"]["date"] == "2024-06-02") & (tables["sales"]["region"] != "R1"))
    ]
    write_world(tables, tmp_path)
    assert _validate(tmp_path)[0] == 0
    strict = load_settings(tmp_path / "c.yaml", ["inputs.on_warning=stop"])
    report = input_report(strict, None)
    assert report.stops
    assert report.outcome.startswith("A run would stop: ")
    assert _validate(tmp_path, "--set", "inputs.on_warning=stop")[0] == 2
