"""Validation returns the same tables whatever format they are stored in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy
from deltalake import write_deltalake

from foundation.settings import Settings
from foundation.store import snapshot
from tests.conftest import Tables
from tests.manual.conftest import AS_OF


def _csv(tables: Tables, folder: Path) -> str:
    folder.mkdir()
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return str(folder)


def _parquet(tables: Tables, folder: Path) -> str:
    folder.mkdir()
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet")
    return str(folder)


def _delta(tables: Tables, folder: Path) -> str:
    for name, frame in tables.items():
        dates = dict.fromkeys(frame.select_dtypes("datetime"), "datetime64[us]")
        write_deltalake(folder / name, pa.Table.from_pandas(frame.astype(dates), preserve_index=False))
    return str(folder)


def _sqlite(tables: Tables, folder: Path) -> str:
    folder.mkdir()
    url = f"sqlite:///{folder}/shop.db"
    engine = sqlalchemy.create_engine(url)
    for name, frame in tables.items():
        frame.to_sql(name, engine, index=False)
    engine.dispose()
    return url


STORES = {"csv": _csv, "parquet": _parquet, "delta": _delta, "sqlite": _sqlite}


@pytest.mark.parametrize("store", STORES)
def test_every_store_gives_the_same_tables(
    demo_tables: Tables, settings_for: Callable[..., Settings], tmp_path: Path, store: str
) -> None:
    demo_tables["prices"]["is_promoted"] = [place % 2 == 0 for place in range(len(demo_tables["prices"]))]
    demo_tables["skus"]["launch_date"] = [pd.Timestamp("2011-01-29"), pd.NaT, pd.NaT, pd.NaT]
    plain = snapshot.accept(settings_for(_parquet(demo_tables, tmp_path / "plain")), AS_OF, "rebalance")
    other = snapshot.accept(settings_for(STORES[store](demo_tables, tmp_path / "other")), AS_OF, "rebalance")
    for name, frame in snapshot.read(plain).items():
        pd.testing.assert_frame_equal(snapshot.read(other)[name], frame, check_like=True)
    assert other.fingerprint == plain.fingerprint


def test_a_folder_may_mix_formats_and_is_also_a_url(
    demo_tables: Tables, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = tmp_path / "inputs"
    _parquet({name: frame for name, frame in demo_tables.items() if name not in ("hubs", "stock")}, folder)
    demo_tables["hubs"].to_csv(folder / "hubs.csv", index=False)
    write_deltalake(folder / "stock", pa.Table.from_pandas(demo_tables["stock"].astype({"date": "datetime64[us]"})))
    mixed = snapshot.accept(settings_for(f"file://{folder}"), AS_OF, "rebalance")
    plain = snapshot.accept(settings_for(_parquet(demo_tables, tmp_path / "plain")), AS_OF, "rebalance")
    assert mixed.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.astype({"date": "datetime64[s]"}),
        lambda frame: frame.astype({"date": "datetime64[ns]"}),
        lambda frame: frame.assign(date=frame["date"].dt.date),
        lambda frame: frame.assign(date=frame["date"].dt.strftime("%Y-%m-%d")),
        lambda frame: frame.assign(date=frame["date"].dt.strftime("%Y-%m-%dT00:00:00")),
        lambda frame: frame.astype({"region": "category", "sku": "category"}),
        lambda frame: frame.astype({"units_sold": "int8"}, errors="ignore"),
        lambda frame: frame.astype({"units_sold": "float32"}),
        lambda frame: frame.astype({"units_sold": "Int64"}),
        lambda frame: frame.astype({"units_sold": "str"}),
        lambda frame: frame.assign(sku=frame["sku"] + "  "),
        lambda frame: frame.sample(frac=1, random_state=3),
        lambda frame: frame[frame.columns[::-1]],
    ],
    ids=[
        "s",
        "ns",
        "date",
        "text",
        "iso",
        "category",
        "int8",
        "float32",
        "Int64",
        "number as text",
        "blanks",
        "rows",
        "columns",
    ],
)
def test_types_and_order_do_not_matter(
    demo_tables: Tables,
    settings_for: Callable[..., Settings],
    tmp_path: Path,
    change: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    """Files come with mixed resolutions, narrow numbers, codes, blanks, in any order."""
    plain = snapshot.accept(settings_for(_parquet(demo_tables, tmp_path / "plain")), AS_OF, "forecast", write=False)
    demo_tables["sales"] = change(demo_tables["sales"])
    other = snapshot.accept(settings_for(_parquet(demo_tables, tmp_path / "other")), AS_OF, "forecast", write=False)
    assert other.fingerprint == plain.fingerprint


def test_the_kinds_after_validation(demo_tables: Tables, settings_for: Callable[..., Settings], tmp_path: Path) -> None:
    demo_tables["prices"]["is_promoted"] = np.int8(1)
    accepted = snapshot.accept(settings_for(_csv(demo_tables, tmp_path / "inputs")), AS_OF, "rebalance")
    tables = snapshot.read(accepted)
    kinds = {f"{name}.{column}": str(dtype) for name in tables for column, dtype in tables[name].dtypes.items()}
    assert kinds["sales.date"] == "datetime64[us]"
    assert kinds["sales.sku"] == kinds["prices.region"] == "category"
    assert tables["sales"]["sku"].cat.categories.dtype == "str"
    assert kinds["sales.units_sold"] == kinds["regional.snap"] == kinds["lanes.eur_per_kg"] == "float64"
    assert kinds["stock.sku"] == kinds["skus.department"] == kinds["hubs.name"] == "str"
    assert kinds["stock.units_on_hand"] == kinds["skus.pack_units"] == "Int64"
    assert kinds["prices.is_promoted"] == "boolean"


def test_text_that_looks_like_a_number_stays_text(
    demo_tables: Tables, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """SKU or department 007 must not become 7 in any format."""
    names = {sku: f"00{place}" for place, sku in enumerate(demo_tables["skus"]["sku"])}
    for frame in demo_tables.values():
        if "sku" in frame:
            frame["sku"] = frame["sku"].map(names)
    demo_tables["skus"]["department"] = "01"
    tables = snapshot.read(snapshot.accept(settings_for(_csv(demo_tables, tmp_path / "inputs")), AS_OF, "rebalance"))
    assert tables["skus"]["sku"].tolist() == ["000", "001", "002", "003"]
    assert set(tables["sales"]["sku"]) == {"000", "001", "002", "003"}
    assert set(tables["skus"]["department"]) == {"01"}


def test_a_text_in_a_number_of_a_database_is_a_fault_of_its_row(
    demo_tables: Tables, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """SQLite lets any value into any column."""
    url = _sqlite(demo_tables, tmp_path / "inputs")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE sales SET units_sold = 'many' WHERE rowid = 1"))
    engine.dispose()
    (fault,) = snapshot.validate_inputs(settings_for(url), AS_OF, "rebalance").faults
    assert str(fault).startswith("sales.units_sold: 1 row with text in a number, first: ")
    assert "(many)" in str(fault)
