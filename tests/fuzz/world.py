"""The small world that is attacked: every input table, three SKUs, two regions, two hubs, ten weeks of days."""

from __future__ import annotations

import numpy as np
import pandas as pd

AS_OF = "2024-06-03"
_REGIONS, _SKUS, _HUBS = ("north", "south"), ("apple", "bread", "cream"), ("east", "west")
QUICK = (
    "horizon=14", "forecast.window_days=[7,14]", "forecast.lightgbm.trees=8", "forecast.lightgbm.num_leaves=7", "forecast.threads=1",
    "forecast.calibration_origins=1", "forecast.lightgbm.min_data_in_leaf=20", "positioning.scenarios=4",
    "positioning.out_of_sample_scenarios=20", "positioning.processes=1", "series.hierarchy=[department]",
    "series.known_in_advance=[snap]",
)  # fmt: skip


def world() -> dict[str, pd.DataFrame]:
    """Return the tables, valid and without warnings that matter."""
    draw = np.random.default_rng(7)
    days = pd.date_range(end="2024-06-02", periods=70)
    sales = _product(date=days, region=_REGIONS, sku=_SKUS)
    sales["units_sold"] = draw.poisson(sales["sku"].map({"apple": 1.0, "bread": 4.0, "cream": 9.0})).astype("float64")
    sales["in_stock_rate"] = 1.0
    ahead = days.append(pd.date_range(AS_OF, periods=14))
    regional = _product(date=ahead, region=_REGIONS)
    regional["snap"] = (regional["date"].dt.day < 6).astype("float64")
    regional["temperature"] = draw.normal(15, 4, len(regional)).round(1)
    return {"sales": sales, "regional": regional, **_goods(), **_network(), **_records(days)}


def _product(**columns: object) -> pd.DataFrame:
    return pd.MultiIndex.from_product(columns.values(), names=columns.keys()).to_frame(index=False)  # type: ignore[arg-type] # lists of keys


def _goods() -> dict[str, pd.DataFrame]:
    skus = pd.DataFrame({
        "sku": _SKUS, "department": ["fresh", "dry", "fresh"], "unit_cost_eur": [1.0, 2.0, 3.0], "unit_price_eur": [4.0, 6.0, 9.0],
        "mass_kg": 0.5, "volume_l": 1.0, "pack_units": [1, 2, 6], "handling_class": ["ambient", "ambient", "chilled"],
    })  # fmt: skip
    first = pd.Timestamp("2024-03-25")
    prices = _product(date=[first, pd.Timestamp("2024-06-05")], region=_REGIONS, sku=_SKUS)
    return {
        "skus": skus, "regions": pd.DataFrame({"region": _REGIONS, "latitude": [53.5, 48.1], "longitude": [10.0, 11.6]}),
        "prices": prices.assign(unit_price_eur=5.0, is_promoted=False),
        "calendar": pd.DataFrame({"date": [first], "event": ["feast"], "event_type": ["local"], "region": ["north"]}),
        "supply": pd.DataFrame({"supplier": "mill", "sku": _SKUS, "units_available": 500.0, "pack_units": 1}),
    }  # fmt: skip


def _network() -> dict[str, pd.DataFrame]:
    def lane(kind: str, origin: str, destination: str, days: int, cost: float) -> dict[str, object]:
        return {"lane": f"{origin}-{destination}", "kind": kind, "origin": origin, "destination": destination,
                "lead_time_days": days, "eur_per_unit": cost, "distance_km": 100.0 * days, "departs": "Mon|Thu"
                if kind == "transfer" else None, "kg_co2e_per_t_km": 0.1}  # fmt: skip

    lanes = [lane("transfer", "east", "west", 1, 0.2), lane("transfer", "west", "east", 1, 0.2)]
    lanes += [lane("supply", "mill", hub, 3, 0.1) for hub in _HUBS]
    lanes += [lane("delivery", hub, region, 1 + (hub[0] != region[0]), 0.5) for hub in _HUBS for region in _REGIONS]
    stock = _product(date=[pd.Timestamp(AS_OF)], hub=_HUBS, sku=_SKUS).assign(units_on_hand=[40, 5, 60, 0, 60, 3])
    return {
        "lanes": pd.DataFrame(lanes), "stock": stock.assign(units_reserved=0),
        "hubs": pd.DataFrame({"hub": _HUBS, "timezone": "Europe/Berlin", "storage_l": 5_000.0, "latitude": 50.0, "longitude": [12.0, 8.0]}),
        "hub_skus": _product(hub=_HUBS, sku=_SKUS).assign(is_stocked=True, min_units=0),
        "hub_capacity": pd.DataFrame({"hub": ["east"], "from_date": [pd.Timestamp("2024-06-10")], "storage_l": [4_000.0]}),
        "promises": pd.DataFrame({"region": _REGIONS, "promise_days": 1, "late_eur_per_unit": 0.5}),
    }  # fmt: skip


def _records(days: pd.DatetimeIndex) -> dict[str, pd.DataFrame]:
    inbound = pd.DataFrame({"inbound_id": ["i1", "i2"], "hub": "east", "sku": ["apple", "bread"], "units": [10, 20],
                            "arrival_date": pd.to_datetime(["2024-06-05", "2024-06-01"])})  # fmt: skip
    returns = pd.DataFrame(
        {"date": days[-2:], "region": "north", "sku": "apple", "units_returned": 1.0, "reason": "size"}
    )
    deliveries = pd.DataFrame({"delivery_id": ["d1"], "date": days[-1:], "hub": "east", "region": "north", "sku": "apple",
                               "units": [1], "promised_at": pd.to_datetime(["2024-06-03 17:00"], utc=True)})  # fmt: skip
    return {"inbound": inbound, "returns": returns, "deliveries": deliveries}
