"""The warehouse: an ``as_of`` is replaced atomically by any number of writers, and no row is lost."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable

from foundation.errors import ConfigurationError, StageError
from foundation.settings import Settings
from foundation.store import Warehouse
from foundation.tables import OUTPUTS

LEVELS = (0.25, 0.5, 0.75)
DAY, NEXT_DAY = date(2016, 5, 23), date(2016, 5, 24)


def _forecast(n_skus: int = 3, mean_units: float = 2.0) -> pd.DataFrame:
    skus = [f"S{place}" for place in reversed(range(n_skus))]
    frame = pd.DataFrame({"date": pd.Timestamp(DAY), "region": "CA_1", "sku": skus, "mean_units": mean_units})
    return frame.assign(model_version="m1", tier="model", q250=1.0, q500=2.0, q750=3.0)


def _settings(folder: Path) -> Settings:
    return Settings.model_validate({"warehouse": str(folder / "warehouse"), "forecast": {"quantiles": LEVELS}})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(_settings(tmp_path))


def test_rows_are_read_in_the_order_of_the_grain(warehouse: Warehouse) -> None:
    warehouse.write("forecast", _forecast(), DAY)
    read = warehouse.read("forecast", as_of="2016-05-23")
    assert read["sku"].tolist() == ["S0", "S1", "S2"]
    assert {name: str(dtype) for name, dtype in read.dtypes.items()} == {
        "as_of": "datetime64[us]", "date": "datetime64[us]", "region": "str", "sku": "str", "mean_units": "float64",
        "model_version": "str", "tier": "str", "q250": "float64", "q500": "float64", "q750": "float64",
    }  # fmt: skip
    assert set(read["as_of"]) == {pd.Timestamp(DAY)}


def test_a_path_is_enough_to_read(warehouse: Warehouse) -> None:
    warehouse.write("forecast", _forecast(), DAY)
    read = Warehouse(warehouse.path).read("forecast", as_of=DAY, columns=["sku", "q500"])
    assert read.columns.tolist() == ["sku", "q500"]


def test_writing_a_date_again_replaces_it_and_no_other(warehouse: Warehouse) -> None:
    warehouse.write("forecast", _forecast(), DAY)
    warehouse.write("forecast", _forecast(5), NEXT_DAY)
    warehouse.write("forecast", _forecast(2, mean_units=9.0), DAY)
    assert warehouse.read("forecast", DAY)["mean_units"].tolist() == [9.0, 9.0]
    assert len(warehouse.read("forecast", NEXT_DAY)) == 5
    assert warehouse.dates("forecast") == [DAY, NEXT_DAY]


def test_writing_the_same_rows_again_changes_no_byte_of_them(warehouse: Warehouse) -> None:
    frame = _forecast(50, mean_units=1 / 3)
    warehouse.write("forecast", frame, DAY)
    before = DeltaTable(f"{warehouse.path}/forecast").to_pyarrow_table()
    warehouse.write("forecast", frame.sample(frac=1, random_state=1), DAY)
    assert DeltaTable(f"{warehouse.path}/forecast").to_pyarrow_table().equals(before)


def test_history_keeps_replaced_rows(warehouse: Warehouse) -> None:
    warehouse.write("forecast", _forecast(mean_units=1.0), DAY)
    version = DeltaTable(f"{warehouse.path}/forecast").version()
    warehouse.write("forecast", _forecast(mean_units=5.0), DAY)
    earlier = DeltaTable(f"{warehouse.path}/forecast", version=version).to_pyarrow_table()
    assert earlier["mean_units"].to_pylist() == [1.0, 1.0, 1.0]


def test_a_run_without_findings_empties_its_date(warehouse: Warehouse) -> None:
    finding = pd.DataFrame({"kind": ["overdue"], "hub": ["ONT"], "units": [3], "action": ["call"]})
    warehouse.write("exception", finding, DAY)
    warehouse.write("exception", finding, NEXT_DAY)
    warehouse.write("exception", finding.head(0), DAY)
    assert len(warehouse.read("exception", DAY)) == 0
    assert warehouse.dates("exception") == [NEXT_DAY]


@pytest.mark.parametrize("frame", [None, "all null"])
def test_no_column_is_stored_without_a_type(warehouse: Warehouse, frame: str | None) -> None:
    """An empty or all-null column would otherwise set the type for every later run."""
    rows = pd.DataFrame(
        {"kind": ["overdue"], "action": ["call"], "sku": None, "units": None, "eur": None, "decide_by": None}
    )
    warehouse.write("exception", rows if frame else rows.head(0), DAY)
    types = {field.name: str(field.type) for field in DeltaTable(f"{warehouse.path}/exception").schema().fields}
    assert types["as_of"] == 'PrimitiveType("date")'
    assert types["decide_by"] == 'PrimitiveType("timestamp")'
    assert types["units"] == 'PrimitiveType("long")'
    assert types["eur"] == 'PrimitiveType("double")'
    assert types["sku"] == 'PrimitiveType("string")'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(mean_units=-0.5), "forecast.mean_units breaks the rule at least 0 in 3 rows"),
        (lambda f: f.assign(mean_units=np.inf), "forecast.mean_units breaks the rule finite in 3 rows"),
        (lambda f: f.assign(q500=0.5), "forecast.q500 breaks the rule not below q250 in 3 rows"),
        (lambda f: f.assign(q250=-1.0), "forecast.q250 breaks the rule at least 0 in 3 rows"),
        (lambda f: f.drop(columns="tier"), "forecast.tier breaks the rule not null in 3 rows"),
        (lambda f: f.assign(sku="S1"), "forecast.as_of, date, region, sku breaks the rule unique in 2 rows"),
        (lambda f: f.assign(note="x"), "forecast.note: not a column of forecast"),
        (lambda f: f.assign(date=f["date"] + pd.Timedelta(hours=6)), "forecast.date: datetime64[us] cannot be datetime64[us] (it has a time of day)"),
        (lambda f: f.assign(mean_units="many"), "forecast.mean_units: str cannot be float64"),
        (lambda f: f.assign(as_of=pd.Timestamp(NEXT_DAY)), "forecast.as_of breaks the rule every row must be 2016-05-23"),
    ],
)  # fmt: skip
def test_rows_that_break_the_contract_are_refused(warehouse: Warehouse, change: object, words: str) -> None:
    assert callable(change)
    warehouse.write("forecast", _forecast(), DAY)
    with pytest.raises(StageError, match="stage write forecast failed") as refusal:
        warehouse.write("forecast", change(_forecast()), DAY)
    assert words in str(refusal.value)
    assert warehouse.read("forecast", DAY)["mean_units"].tolist() == [2.0] * 3


def test_other_quantile_levels_are_stored_beside_the_old_ones(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.write("forecast", _forecast(), DAY)
    wider = Warehouse(_settings(tmp_path).model_copy(update={"forecast": Settings().forecast}))
    levels = wider.definition("forecast").names[-9:]
    wider.write(
        "forecast", _forecast().drop(columns=["q250", "q500", "q750"]).assign(**dict.fromkeys(levels, 1.0)), NEXT_DAY
    )
    assert wider.read("forecast", NEXT_DAY)["q995"].tolist() == [1.0] * 3
    assert wider.read("forecast", DAY)["q995"].isna().all()
    assert warehouse.read("forecast", DAY)["q250"].tolist() == [1.0] * 3


def test_decisions_are_only_appended(warehouse: Warehouse) -> None:
    first = pd.DataFrame(
        {
            "proposal_id": ["p"],
            "at": pd.Timestamp("2016-05-23 08:00", tz="Europe/Berlin"),
            "status": "approved",
            "by": "a",
        }
    )
    warehouse.append("decision", first)
    warehouse.append("decision", first.assign(at=first["at"] + pd.Timedelta(hours=1), status="released", units=4))
    read = warehouse.read("decision")
    assert read["status"].tolist() == ["approved", "released"]
    assert read["at"].tolist() == [
        pd.Timestamp("2016-05-23 06:00", tz="UTC"),
        pd.Timestamp("2016-05-23 07:00", tz="UTC"),
    ]
    with pytest.raises(StageError, match="use append"):
        warehouse.write("decision", first, DAY)
    with pytest.raises(StageError, match="use write"):
        warehouse.append("forecast", _forecast())


def test_a_table_not_written_yet_is_empty_and_typed(warehouse: Warehouse) -> None:
    for name in OUTPUTS:
        frame = warehouse.read(name)
        assert len(frame) == 0
        assert frame.columns.tolist() == warehouse.definition(name).names
        assert not warehouse.has(name)
    assert warehouse.dates("plan") == []


def test_reading_an_unknown_table_is_an_error(warehouse: Warehouse) -> None:
    warehouse.write("forecast", _forecast(), DAY)
    with pytest.raises(StageError, match=r"no table 'forcast' \(did you mean 'forecast'"):
        warehouse.read("forcast")
    with pytest.raises(StageError, match=r"no column 'tierr' \(did you mean 'tier'"):
        warehouse.read("forecast", columns=["tierr"])
    with pytest.raises(ConfigurationError, match="'tomorrow' is not a date"):
        warehouse.read("forecast", as_of="tomorrow")


def _write_day(folder: str, day: int, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined] # a barrier of multiprocessing
    for _ in range(3):
        Warehouse(_settings(Path(folder))).write("forecast", _forecast(day), date(2016, 5, day))


@pytest.mark.slow
def test_writers_of_different_dates_do_not_harm_one_another(tmp_path: Path) -> None:
    """Four processes start at once, before the table exists."""
    spawn = multiprocessing.get_context("spawn")
    days = [3, 4, 5, 6]
    barrier = spawn.Barrier(len(days))
    writers = [spawn.Process(target=_write_day, args=(str(tmp_path), day, barrier)) for day in days]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0] * len(days)
    warehouse = Warehouse(_settings(tmp_path))
    assert {day: len(warehouse.read("forecast", day)) for day in warehouse.dates("forecast")} == {
        date(2016, 5, day): day for day in days
    }


_WRITING = """
    import sys
    from pathlib import Path
    from tests.manual.test_warehouse import DAY, Warehouse, _forecast, _settings

    warehouse = Warehouse(_settings(Path(sys.argv[1])))
    for turn in range(1000):
        warehouse.write("forecast", _forecast(5000, float(turn)), DAY)
        print(turn, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay_seconds", [0.0, 0.02, 0.05, 0.1])
def test_a_writer_that_is_killed_leaves_whole_rows(tmp_path: Path, delay_seconds: float) -> None:
    """SIGKILL at some moment of rewriting a date: its rows are those of one write, and the next is not hindered."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", textwrap.dedent(_WRITING), str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as writer:  # noqa: S603 (our own)
        assert writer.stdout is not None
        first = [int(writer.stdout.readline()) for _ in range(2)]
        time.sleep(delay_seconds)
        writer.send_signal(signal.SIGKILL)
    assert first == [0, 1]
    assert writer.returncode == -signal.SIGKILL
    warehouse = Warehouse(_settings(tmp_path))
    rows = warehouse.read("forecast", DAY)
    assert len(rows) == 5000
    assert rows["mean_units"].nunique() == 1
    warehouse.write("forecast", _forecast(4, 9.0), DAY)
    assert warehouse.read("forecast", DAY)["mean_units"].tolist() == [9.0] * 4


def test_compacting_keeps_every_row_and_later_appends(tmp_path: Path) -> None:
    from tests.worlds.proposal_world import decision, ledger

    warehouse = Warehouse(tmp_path)
    for number in range(6):
        warehouse.append("decision", ledger(decision(f"p{number}", "approved")))
    before = warehouse.read("decision")
    assert not warehouse.compact("decision", 6)
    assert warehouse.compact("decision", 5)
    pd.testing.assert_frame_equal(warehouse.read("decision"), before)
    assert not warehouse.compact("decision", 1)
    warehouse.append("decision", ledger(decision("p9", "approved")))
    assert len(warehouse.read("decision")) == 7
