"""The commands and programs of the guides run as they are written, page by page, on four SKUs of the bundled data.

Every page starts with a copy of one small pipeline: ``demo.yaml`` with the data of the demo up to 2016-05-22, and a warehouse with the
plan of 2016-05-23. Placeholders of the pages are replaced by what ``STANDS_FOR`` names, and by nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

import flows  # sets the defaults of the process before Prefect and MLflow are imported
from foundation.configuration import load_settings
from foundation.store.snapshot import validate_inputs
from foundation.store.warehouse import Warehouse
from pipeline import run
from tests.conftest import Tables, built_once
from tests.conventions.repository import ROOT
from tests.flows.conftest import with_cheap_trucks
from tests.guides.blocks import Block, blocks_of, executed_here, guide_pages
from tests.worlds.how_to import code_blocks, write_package

assert flows
AS_OF = date(2016, 5, 23)
PAGES = [page for page in guide_pages() if executed_here(page)]
CONFIGURATION = {
    "name": "demo", "frequency": "D", "horizon": 14, "inputs": {"path": "inputs"}, "warehouse": "warehouse/demo",
    "series": {"hierarchy": ["department", "category"], "known_in_advance": ["snap"], "closed_days": ["12-25"]},
    "forecast": {
        "window_days": [7, 14], "threads": 1, "calibration_origins": 2,
        "lightgbm": {"trees": 20, "num_leaves": 15, "min_data_in_leaf": 20},
    },
    "positioning": {"max_gap_rate": 0.9, "scenarios": 8, "out_of_sample_scenarios": 50, "processes": 1},
    "decisions": {"rules": [{"name": "too small", "action": "reject", "max_benefit_eur": 1}]},
}  # fmt: skip


def _ids(folder: Path) -> list[str]:
    """Return the ids of two lines of the plan that can be decided, of more than one unit."""
    rows = Warehouse(load_settings(folder / "demo.yaml")).read("transfer", AS_OF)
    return [str(name) for name in rows.loc[~rows["is_outlook"], "proposal_id"]][:2]


def _edit(folder: Path) -> str:
    """Return ids in the form of the page: the first one with its units, by its first characters."""
    first, second = _ids(folder)
    rows = Warehouse(load_settings(folder / "demo.yaml")).read("transfer", AS_OF).set_index("proposal_id")
    return f"--at {AS_OF}T07:00 {first[:12]}={rows.at[first, 'units']} {second[:12]}"


# What a placeholder of a page stands for here. Decisions on a plan of 2016 need --at, as docs/runbook.md says.
STANDS_FOR: dict[str, dict[str, str | Callable[[Path], str]]] = {
    "": {"--config CONFIG": "--config demo.yaml", "--config C ": "--config demo.yaml ", "--config forestock.yaml": "--config demo.yaml"},
    "docs/tour.md": {"4b0bbcfc": lambda folder: _ids(folder)[0]},
    "docs/how-to/use-your-own-forecast.md": {"/data/forecasts": "forecasts"},
    "docs/runbook.md": {
        "3fa94c=48 81d2": _edit,
        "--by-rule": f"--by-rule --at {AS_OF}T07:00",
        "release --config demo.yaml": f"release --config demo.yaml --at {AS_OF}T07:00",
        "--all": f"--all --at {AS_OF}T07:00",
        "max_gap_rate=0.05": "max_gap_rate=0.95",  # four SKUs fill no truck
    },
}  # fmt: skip


def _forecasts(folder: Path) -> None:
    rows = Warehouse(load_settings(folder / "demo.yaml")).read("forecast", AS_OF)
    (folder / "forecasts").mkdir()
    rows[["date", "region", "sku", "mean_units"]].to_csv(folder / "forecasts" / "external_forecast.csv", index=False)


def _database(folder: Path) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for file in sorted((folder / "inputs").glob("*.parquet")):
            connection.execute(f"CREATE TABLE {file.stem} AS SELECT * FROM '{file}'")  # noqa: S608 - our own files


def _exports(folder: Path) -> None:
    (folder / "exports").mkdir()
    days = pd.date_range("2026-01-05", periods=60).strftime("%d/%m/%Y")
    orders = [f"{day};A;DE;{number % 7 + 1},5;Sent" for number, day in enumerate(days)] + [f"{days[-1]};A;DE;-1;Sent", f"{days[0]};A;DE;99;Canceled"]  # fmt: skip
    (folder / "exports" / "orders_1.csv").write_text("\n".join(["Date;Item;Ship-to;Qty;Status", *orders]), "cp1252")
    items = pd.DataFrame({"Item": ["A"], "Group": ["tea"], "Cost": [4.0], "Weight (g)": [250]})
    items.to_excel(folder / "exports" / "items.xlsx", sheet_name="Items", index=False)
    (folder / "exports" / "stock.csv").write_text("Warehouse,Item,On hand\nNORTH,A,12\n")


PREPARE: dict[str, Callable[[Path], None]] = {
    "docs/how-to/use-your-own-forecast.md": _forecasts,
    "docs/how-to/read-from-a-database.md": _database,
    "docs/mapping.md": _exports,
}


@pytest.fixture(scope="session")
def _pipeline_once(_demo_cut: Tables, tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    def build(folder: Path) -> None:
        (folder / "inputs").mkdir()
        for name, frame in _demo_cut.items():
            rows = with_cheap_trucks(frame) if name == "lanes" else frame
            rows.to_parquet(folder / "inputs" / f"{name}.parquet")
        (folder / "demo.yaml").write_text(yaml.safe_dump(CONFIGURATION, sort_keys=False))
        context = run.validate_stage(load_settings(folder / "demo.yaml"), AS_OF, "rebalance")
        run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))
        run.review_stage(context)
        shutil.copy(empty_store, folder / "warehouse" / "demo")

    return built_once(tmp_path_factory, "guides", build)


@pytest.fixture
def folder(_pipeline_once: Path, tmp_path: Path) -> Path:
    """Return a copy of the pipeline; records of runs name the copied snapshots."""
    shutil.copytree(_pipeline_once, tmp_path, dirs_exist_ok=True)
    for record in (tmp_path / "warehouse" / "demo" / "_nights").iterdir():
        if record.is_file():
            record.write_text(record.read_text("utf-8").replace(f"{_pipeline_once}.started", str(tmp_path)), "utf-8")
    return tmp_path


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of a command: the product and a package that the page installs are importable."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": f"{folder / 'installed'}:{ROOT}",
        "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "FORESTOCK_INPUTS": f"adbc+duckdb:///{folder / 'shop.duckdb'}",
    }  # fmt: skip


def _execute(block: Block, folder: Path) -> None:
    if block.language == "yaml":
        _configure(block, folder)
        return
    text = block.text
    for page in ("", block.page):
        for word, meaning in STANDS_FOR.get(page, {}).items():
            text = (
                text.replace(word, meaning if isinstance(meaning, str) else meaning(folder)) if word in text else text
            )
    program = ["bash", "-ec"] if block.language == "sh" else [sys.executable, "-c"]
    done = subprocess.run([*program, text], cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=900, check=False)  # noqa: S603 - the page's own block  # fmt: skip
    assert done.returncode == 0, f"{block}\n{text}\n{done.stdout[-3_000:]}\n{done.stderr[-3_000:]}"


def _configure(block: Block, folder: Path) -> None:
    """Read the block as a configuration; tables that it maps are read, too."""
    (folder / "page.yaml").write_text(f"name: page\n{block.text}")
    settings = load_settings(folder / "page.yaml")
    if settings.inputs.tables:
        assert [str(fault) for fault in validate_inputs(settings, None, "forecast").faults] == []


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_guide_run_in_order(page: str, folder: Path) -> None:
    PREPARE.get(page, lambda folder: None)(folder)
    if any(block.language == "toml" for block in blocks_of(page)):
        name = Path(page).stem
        write_package(folder / "installed", code_blocks(name, "python")[0], code_blocks(name, "toml")[0])
    for block in executed_here(page):
        _execute(block, folder)


@contextmanager
def _serving(folder: Path, command: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "forestock.cli.main", *command.split()[1:], "--port", str(port)]
    with subprocess.Popen(words, cwd=folder, env=_environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:  # noqa: S603 - the page's command  # fmt: skip
        try:
            until = time.monotonic() + 120
            while time.monotonic() < until and server.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.mark.slow
def test_the_workspace_starts_answers_a_client_and_stops(folder: Path) -> None:
    """The blocks of docs/workspace.md, with the token that ``grant`` shows and ids of the plan in place of the page's."""
    serve, grant, decide = (block for block in blocks_of("docs/workspace.md") if block.check)
    command, _ = grant.text.splitlines()
    given = command.replace("--config C ", "--config demo.yaml ").split()[1:]
    with _serving(folder, serve.text.strip()) as address:
        shown = subprocess.run([sys.executable, "-m", "forestock.cli.main", *given], cwd=folder, env=_environment(folder), capture_output=True, text=True, check=True)  # noqa: S603 - the page's command  # fmt: skip
        token = next(word for word in shown.stdout.split() if word.startswith("fs_"))
        place = grant.text.split('"')[3].partition("8050")[2].replace("status=approved", "status=proposed")
        lines = _answer(address + place, token)["rows"]
        assert lines
        first = lines[0]
        body = json.loads(decide.text.split("\n", 1)[1]) | {
            "lines": {first["proposal_id"]: first["version"]},
            "units": {},
        }
        with pytest.raises(urllib.error.HTTPError, match="403"):  # the page's client is a viewer
            _answer(address + decide.text.split()[1], token, body)


def _answer(address: str, token: str, body: object = None) -> dict[str, list[dict[str, str]]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})  # noqa: S310 - our own server  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
        return dict(json.loads(answer.read()))
