"""Fixtures of all tests: small tables cut from the bundled real data, and where to put them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from foundation.configuration import load_settings
from foundation.settings import Settings
from foundation.store.locks import locked

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "demo"
SKUS = ("FOODS_1_046", "FOODS_2_096", "FOODS_3_586", "HOUSEHOLD_1_521")
REGIONS = ("CA_1", "CA_2", "TX_1")
N_DAYS = 140

# Tests that use compiled kernels run last: meanwhile the worker that runs the first of them compiles for all.
COMPILED = tuple(
    f"tests/{name}"
    for name in (
        "conventions/test_examples",
        "flows/",
        "forestock/",
        "fuzz/",
        "golden/",
        "positioning/",
        "properties/",
        "serve/",
    )
)

Tables = dict[str, pd.DataFrame]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move tests that use compiled kernels to the end."""
    items.sort(key=lambda item: item.nodeid.startswith(COMPILED))


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder that ``build`` fills once per session of tests, whichever worker needs it first."""
    root = factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / f"shared-{name}"
    with locked(f"{folder}.lock"):
        if not folder.exists():
            started = Path(f"{folder}.started")
            shutil.rmtree(started, ignore_errors=True)
            started.mkdir()
            build(started)
            started.rename(folder)
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow database without experiments; creating one takes seconds, copying it does not."""

    def build(folder: Path) -> None:
        from mlflow import MlflowClient  # its import takes seconds

        MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}").search_experiments()

    return built_once(tmp_path_factory, "mlflow", build) / "mlflow.db"


@pytest.fixture(scope="session")
def _demo_cut() -> Tables:
    tables = {file.stem: pd.read_parquet(file) for file in sorted(SAMPLES.glob("*.parquet"))}
    tables["sales"] = tables["sales"].astype({"region": "str", "sku": "str"})
    places = [*REGIONS, *tables["hubs"]["hub"]]
    first_day = tables["sales"]["date"].max() - pd.Timedelta(days=N_DAYS - 1)
    for name, frame in tables.items():
        kept = pd.Series(True, index=frame.index)
        if "sku" in frame:
            kept &= frame["sku"].isin(SKUS)
        if "region" in frame:
            kept &= frame["region"].isin(REGIONS)
        if name == "lanes":
            kept &= frame["destination"].isin(places)
        if name in ("sales", "regional"):
            kept &= frame["date"] >= first_day
        tables[name] = frame[kept].reset_index(drop=True)
    return tables


@pytest.fixture
def demo_tables(_demo_cut: Tables) -> Tables:
    """Return 4 skus × 3 regions of the bundled data, the last 140 days to 2016-05-22, with its network; safe to change."""
    return {name: frame.copy() for name, frame in _demo_cut.items()}


@pytest.fixture(scope="session")
def write_tables() -> Callable[[Mapping[str, pd.DataFrame], Path], Path]:
    """Return a function that writes frames as Parquet files into a folder and returns the folder."""

    def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in tables.items():
            frame.to_parquet(folder / f"{name}.parquet")
        return folder

    return write


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that gives the demo's settings for an input folder, with a warehouse of the test's own."""

    def settings(inputs: Path | str, *overrides: str) -> Settings:
        return load_settings("demo", [f"inputs.path={inputs}", f"warehouse={tmp_path / 'warehouse'}", *overrides])

    return settings
