"""The defaults of a run are one table: most money first, one row per key, the same after a round trip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forestock.cli.run import check_inputs
from foundation.assumptions import Assumption, assumption_frame, assumptions_of, collected
from foundation.store.warehouse import check_output
from foundation.tables import OUTPUTS
from review import plan_page, plan_summary
from tests.conftest import Tables
from tests.review.sample_plan import sample_plan

AS_OF = date(2016, 5, 23)
CHEAP = Assumption("b", "lanes", "eur_per_unit", 3, "transport counts as free", "nearer is not cheaper", 12.0)
COSTLY = Assumption("c", "supply", "", 0, "nothing can be ordered", "stock runs out", 900.0)
UNKNOWN = Assumption("a", "skus", "unit_cost_eur", 7, "goods count as free", "orders cost nothing")


def test_assumptions_are_ordered_by_money_then_rows() -> None:
    few = Assumption("z", "hubs", "latitude", 2, "x", "y")
    assert collected((few, UNKNOWN, CHEAP), (COSTLY,)) == (COSTLY, CHEAP, UNKNOWN, few)


def test_an_assumption_of_the_plan_replaces_that_of_validation() -> None:
    better = Assumption("a", "skus", "unit_cost_eur", 5, "goods count as free", "orders cost nothing", 40.0)
    assert collected((UNKNOWN,), (better,)) == (better,)


def test_the_table_holds_every_field_and_passes_its_definition() -> None:
    frame = assumption_frame((UNKNOWN, COSTLY, CHEAP), AS_OF)
    check_output(frame, OUTPUTS["assumption"], AS_OF)
    assert frame["key"].tolist() == ["c", "b", "a"]
    assert assumptions_of(frame.sample(frac=1, random_state=1)) == (COSTLY, CHEAP, UNKNOWN)
    assert list(assumption_frame((), AS_OF).columns) == list(OUTPUTS["assumption"].names)


def test_an_assumption_prints_as_one_line_with_place_rows_and_effect() -> None:
    assert str(CHEAP) == "lanes.eur_per_unit (3 rows): transport counts as free; nearer is not cheaper"
    assert str(COSTLY) == "supply: nothing can be ordered; stock runs out"


def test_page_and_summary_show_warnings_and_assumptions_escaped() -> None:
    built = sample_plan()
    taken = (Assumption("k", "lanes", "<b>", 4, "free <i>", "far as near"), COSTLY)
    outputs = built.outputs | {
        "assumption": assumption_frame(taken, built.as_of),
        "warning": pd.DataFrame({"warning": ["stock.date: old & <u>"]}),
    }
    page = plan_page(built.tables, outputs, built.settings, built.as_of)
    assert "stock.date: old &amp; &lt;u&gt;" in page
    assert "free &lt;i&gt;" in page
    assert "<i>" not in page
    assert page.index("nothing can be ordered") < page.index("free &lt;i&gt;")
    assert "lanes.\\<b\\> (4 rows): free \\<i\\>; far as near" in plan_summary(outputs, built.settings, built.as_of)


def test_a_page_without_warnings_has_no_such_section() -> None:
    built = sample_plan()
    assert 'id="inputs"' not in plan_page(built.tables, built.outputs, built.settings, built.as_of)


def test_validate_prints_the_assumptions(
    demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lanes = demo_tables["lanes"]
    is_transfer = lanes["kind"] == "transfer"
    lanes.loc[is_transfer, ["eur_per_unit", "eur_per_kg", "eur_per_load"]] = np.nan
    folder = write_tables(demo_tables, tmp_path / "inputs")
    check_inputs("demo", AS_OF, [f"inputs.path={folder}", f"warehouse={tmp_path / 'warehouse'}"])
    printed = capsys.readouterr().out
    assert (
        f"assumption: lanes.eur_per_unit ({is_transfer.sum()} rows): transfer lanes without eur_per_unit, "
        "eur_per_kg and eur_per_load count as free;" in printed
    )
