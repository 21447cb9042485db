"""A small world as another system exports it: tables as CSV files, one configuration with defaults only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from foundation.configuration import load_settings
from foundation.settings import Settings
from foundation.store.snapshot import validate_inputs
from foundation.validation.validate import Needs, ValidationResult

LAST_DAY = "2024-06-02"
AS_OF = date(2024, 6, 3)
SKUS = ("A", "B", "C", "D", "E")

Tables = dict[str, "pd.DataFrame | str | bytes"]


def foreign_world(
    days: int = 60, regions: tuple[str, ...] = ("R1", "R2", "R3"), skus: tuple[str, ...] = SKUS, level: float = 4.0
) -> dict[str, pd.DataFrame]:
    """Return sales with a row per series and day, two hubs, one supplier and today's stock."""
    periods = pd.date_range(end=LAST_DAY, periods=days)
    sales = pd.MultiIndex.from_product([periods, regions, skus], names=["date", "region", "sku"]).to_frame(index=False)
    sales["units_sold"] = np.random.default_rng(0).poisson(level, len(sales))
    hubs = ("H1", "H2")
    stock = pd.MultiIndex.from_product([hubs, skus], names=["hub", "sku"]).to_frame(index=False)
    return {
        "sales": sales,
        "skus": pd.DataFrame({
            "sku": skus, "department": [f"d{index % 2}" for index in range(len(skus))], "category": "c", "unit_cost_eur": 5.0,
            "unit_price_eur": 10.0, "mass_kg": 1.0, "volume_l": 2.0,
        }),
        "regions": pd.DataFrame({"region": regions}),
        "hubs": pd.DataFrame({"hub": hubs, "timezone": "Europe/Berlin"}),
        "supply": pd.DataFrame({"supplier": "S", "sku": skus}),
        "lanes": _lanes(hubs, regions),
        "stock": stock.assign(date=AS_OF.isoformat(), units_on_hand=20),
    }  # fmt: skip


def _lanes(hubs: tuple[str, ...], regions: tuple[str, ...]) -> pd.DataFrame:
    ends = [(hub, region, "delivery", 1, 1.0) for hub in hubs for region in regions]
    ends += [(hub, other, "transfer", 1, 0.3) for hub in hubs for other in hubs if other != hub]
    ends += [("S", hub, "supply", 3, 0.2) for hub in hubs]
    lanes = pd.DataFrame(ends, columns=["origin", "destination", "kind", "lead_time_days", "eur_per_unit"])
    return lanes.assign(lane=lanes["origin"] + "-" + lanes["destination"], distance_km=100.0)


def write_world(tables: Tables, folder: Path, *overrides: str) -> Settings:
    """Write ``tables`` as CSV files (text and bytes as they are) below ``folder`` and return settings that read them."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    for left in (folder / "in").glob("*.csv"):
        left.unlink()
    for name, table in tables.items():
        path = folder / "in" / f"{name}.csv"
        if isinstance(table, pd.DataFrame):
            table.to_csv(path, index=False)
        else:
            path.write_bytes(table if isinstance(table, bytes) else table.encode())
    (folder / "c.yaml").write_text(f"name: foreign\ninputs: {{path: {folder / 'in'}}}\nwarehouse: {folder / 'wh'}\n")
    return load_settings(str(folder / "c.yaml"), list(overrides))


def validated(tables: Tables, folder: Path, *overrides: str, needs: Needs = "rebalance") -> ValidationResult:
    """Return everything input validation finds in ``tables``."""
    return validate_inputs(write_world(tables, folder, *overrides), None, needs)
