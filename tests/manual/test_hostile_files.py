"""Files that block forever, link in cycles, unpack to gigabytes or have names that stores misread."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import write_deltalake

from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from tests.conftest import Tables
from tests.manual.conftest import AS_OF, Refused

SIGNS = " %?#+&ä'\"[]{}*\\:;@~$|<^`=!,("
MISREAD = ["%20", "%2F", "?", "[", "]", "^", "|", "\\"]


@pytest.fixture
def inputs(demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path) -> Path:
    """Return the folder of the demo's tables, which `refused` reads."""
    return write_tables(demo_tables, tmp_path / "inputs")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(("table", "ending"), [("stock", ".parquet"), ("returns", ".csv")])
@pytest.mark.parametrize("make", [_pipe, _socket, _loop, _nowhere, _device], ids=lambda make: make.__name__)
def test_a_path_that_is_no_file_is_refused_for_every_table(
    make: Callable[[Path], None], ending: str, table: str, inputs: Path, refused: Refused
) -> None:
    (inputs / f"{table}.parquet").unlink(missing_ok=True)
    make(inputs / f"{table}{ending}")
    lines = refused()
    assert len(lines) == 1
    assert lines[0].startswith(f"{table}: ")


def test_a_pipe_among_the_parts_of_a_table(inputs: Path, refused: Refused) -> None:
    part = inputs / "sales.parquet"
    part.rename(inputs / "part.parquet")
    part.mkdir()
    (inputs / "part.parquet").rename(part / "part.parquet")
    os.mkfifo(part / "more.parquet")
    (line,) = refused()
    assert line == "sales: is or holds more.parquet, which is no regular file; put a file of the table in its place"


@pytest.mark.skipif(os.geteuid() != 0, reason="takes the rights of another user, which only root may")
def test_a_folder_without_the_right_to_read(inputs: Path, settings_for: Callable[..., Settings]) -> None:
    settings = settings_for(inputs)
    inputs.chmod(0o700)
    os.seteuid(65534)
    try:
        result = snapshot.validate_inputs(settings, AS_OF, "rebalance")
    finally:
        os.seteuid(0)
    assert result.stops
    assert result.faults


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_30000_columns(ending: str, inputs: Path, refused: Refused) -> None:
    wide = pd.DataFrame(np.ones((1, 30_000)), columns=[f"c{index}" for index in range(30_000)])
    (inputs / "skus.parquet").unlink()
    (wide.to_csv if ending == ".csv" else wide.to_parquet)(inputs / f"skus{ending}", index=False)
    line = next(line for line in refused() if line.startswith("skus"))
    assert line == "skus: has 30,000 columns; at most 2,000 are read; leave out the columns that are not needed"


_PEAK = """
import resource, sys
from datetime import date
from foundation.configuration import load_settings
from foundation.store.snapshot import validate_inputs
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = validate_inputs(load_settings("demo", [f"inputs.path={sys.argv[1]}"]), date(2016, 5, 23), "rebalance")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
print(*found.faults, sep="\\n")
"""


def test_20_million_equal_rows_are_refused_unread(demo_tables: Tables, inputs: Path) -> None:
    part = pa.Table.from_pandas(demo_tables["sales"].iloc[np.zeros(1_000_000, dtype=int)], preserve_index=False)
    with pyarrow.parquet.ParquetWriter(inputs / "sales.parquet", part.schema) as writer:
        for _ in range(20):
            writer.write_table(part)
    assert (inputs / "sales.parquet").stat().st_size < 1_000_000
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", _PEAK, str(inputs)], capture_output=True, text=True, check=True, timeout=60
    )
    peak_mb, *lines = ran.stdout.splitlines()
    assert int(peak_mb) < 700
    assert lines == [
        "sales: has 20,000,000 rows, of which at least 19,999,999 repeat a key: date, region, sku have 1 keys at most; "
        "add up order lines of one day, or remove the rows loaded twice"
    ]


def test_a_megabyte_of_text_in_each_coded_row(demo_tables: Tables, inputs: Path) -> None:
    rows = demo_tables["sales"]
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows)), pa.int32()), pa.array(["x" * 1_000_000]))
    table = pa.Table.from_pandas(rows, preserve_index=False).append_column("note", words)
    pyarrow.parquet.write_table(table, inputs / "sales.parquet")
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", _PEAK, str(inputs)], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout.splitlines()[0]) < 700


@pytest.mark.parametrize("version", [0, 4, 99])
def test_a_delta_table_of_an_unknown_reader(version: int, demo_tables: Tables, inputs: Path, refused: Refused) -> None:
    (inputs / "skus.parquet").unlink()
    write_deltalake(str(inputs / "skus"), pa.Table.from_pandas(demo_tables["skus"], preserve_index=False))
    log = next((inputs / "skus" / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "protocol" in action:
            action["protocol"]["minReaderVersion"] = version
    log.write_text("\n".join(map(json.dumps, actions)))
    (line,) = refused()
    assert line.startswith("skus: cannot be read as delta")


def test_a_delta_table_with_mapped_columns(demo_tables: Tables, inputs: Path, refused: Refused) -> None:
    (inputs / "skus.parquet").unlink()
    write_deltalake(str(inputs / "skus"), pa.Table.from_pandas(demo_tables["skus"], preserve_index=False))
    log = next((inputs / "skus" / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "protocol" in action:
            action["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
        if "metaData" in action:
            action["metaData"]["configuration"]["delta.columnMapping.mode"] = "name"
    log.write_text("\n".join(map(json.dumps, actions)))
    (line,) = refused()
    assert line.startswith("skus: ")


@pytest.mark.parametrize(
    ("sign", "as_url"),
    [(sign, bool(index % 2)) for index, sign in enumerate([*SIGNS, "%20", "%2F", "100%", "?x=1", "#x"])],
)
def test_a_folder_of_any_name_is_used_or_refused_at_once(
    sign: str, as_url: bool, demo_tables: Tables, tmp_path: Path
) -> None:
    folder = tmp_path / f"a{sign}b"
    folder.mkdir()
    demo_tables["regions"].to_csv(folder / "regions.csv", index=False)
    pa.parquet.write_table(pa.Table.from_pandas(demo_tables["skus"], preserve_index=False), folder / "skus.parquet")
    text = (folder.as_uri if as_url else folder.__str__)()
    config = folder / "shop.yaml"
    config.write_text(json.dumps({"inputs": {"path": text}, "warehouse": str(tmp_path / "plain")}))
    settings = load_settings(config)
    assert settings.inputs.path == str(folder)
    result = snapshot.validate_inputs(settings, AS_OF, "forecast")
    assert [fault.table for fault in result.faults] == ["sales"]
    if any(part in f"a{sign}b" for part in MISREAD):
        with pytest.raises(ConfigurationError, match="use a folder without it"):
            load_settings(config, [f"warehouse='{text.replace(chr(39), chr(39) * 2)}'"])
        return
    warehouse = Warehouse(load_settings(config, [f"warehouse='{text.replace(chr(39), chr(39) * 2)}'"]))
    warehouse.append("decision", warehouse.read("decision"))
    assert (folder / "decision" / "_delta_log").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name]


@pytest.mark.parametrize("path", ["~nobody_of_that_name/x", "x" * 5_000, "file://elsewhere/x"])
@pytest.mark.parametrize("key", ["inputs.path", "warehouse"])
def test_a_folder_no_system_can_look_up(key: str, path: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings("demo", [f"{key}={path}"])
    assert len(refusal.value.lines) == 1


def test_a_url_is_local_only_as_file() -> None:
    assert files.resolve_folder("s3://bucket/a%20b") == "s3://bucket/a%20b"
