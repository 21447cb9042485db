"""A synthetic plan of any size, as input and output tables, for the tests of the review page.

Its values are arbitrary, and its sums are consistent, so that figures on the page can be checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.settings import Settings, quantile_columns

AS_OF = date(2016, 5, 23)
HUBS = pd.DataFrame(
    {
        "hub": ["EAST", "MID", "WEST"],
        "name": ["East hub", "Middle hub", "West hub"],
        "latitude": [40.0, 39.0, 36.0],
        "longitude": [-80.0, -94.0, -118.0],
        "timezone": ["America/New_York", "America/Chicago", "America/Los_Angeles"],
        "storage_l": [5000.0, np.nan, 900.0],
    }
)
REGIONS = pd.DataFrame({"region": ["R1", "R2"], "latitude": [41.0, 35.0], "longitude": [-79.0, -117.0]})
_LANES = (("transfer", "EAST", "WEST"), ("transfer", "MID", "EAST"), ("supply", "SUP", "MID"))


@dataclass(frozen=True)
class SamplePlan:
    """Input tables, output tables, and settings of one run."""

    tables: dict[str, pd.DataFrame]
    outputs: dict[str, pd.DataFrame]
    settings: Settings
    as_of: date = AS_OF


def sample_plan(n_skus: int = 3, n_proposals: int = 6, marked: str = "") -> SamplePlan:
    """Return a plan with ``n_proposals`` spread over ``n_skus``; ``marked`` is appended to every free text."""
    settings = Settings(horizon=14, forecast={"window_days": (7, 14)})
    skus = pd.DataFrame({"sku": [f"SKU_{number:05d}{marked}" for number in range(n_skus)]})
    skus["handling_class"] = np.where(np.arange(n_skus) % 3 == 0, "chilled", "ambient")
    skus["owner"] = np.where(np.arange(n_skus) % 2 == 0, f"Ann{marked}", "Bo")
    skus["volume_l"] = 2.0
    transfer = _transfer(skus["sku"], n_proposals, marked)
    outputs = {
        "transfer": transfer,
        "departure": _departure(transfer),
        "position": _position(skus["sku"]),
        "service": _service(skus["sku"]),
        "forecast": _forecast(skus["sku"], settings),
        "exception": _exception(skus["sku"], marked),
        "plan": _plan(n_proposals),
    }
    tables = {
        "skus": skus,
        "hubs": HUBS,
        "regions": REGIONS,
        "sales": _sales(skus["sku"]),
        "inbound": _inbound(skus["sku"], marked),
    }
    return SamplePlan(tables, outputs, settings)


def _transfer(skus: pd.Series, count: int, marked: str) -> pd.DataFrame:
    number = np.arange(count)
    lane = pd.DataFrame(_LANES, columns=["kind", "origin", "destination"]).iloc[number % 3].reset_index(drop=True)
    ship = pd.Series(pd.Timestamp(AS_OF) + pd.to_timedelta(number // 3 % 4, unit="D")).astype("datetime64[us]")
    name = lane["origin"] + ">" + lane["destination"]
    return lane.assign(
        as_of=pd.Timestamp(AS_OF), proposal_id=[f"{n:016x}" for n in number], plan_id="plan", sku=skus.iloc[number % len(skus)].to_numpy(),
        lane=name, departure_id=name + "@" + ship.dt.strftime("%Y-%m-%d"), units=5 + number % 40, packs=5 + number % 40, ship_date=ship,
        arrival_date=ship + pd.Timedelta(days=3), decide_by=(ship + pd.Timedelta(hours=16)).dt.tz_localize("UTC"), cost_eur=1.5 + number % 7,
        benefit_eur=np.round(1000 / (1 + number % 997), 2), loss_if_refused_eur=np.round(900 / (1 + number % 997), 2), kg_co2e=number % 11 + 0.5,
        reason=[f"Moving {5 + n % 40} units from EAST to WEST saves {1000 / (1 + n % 997):.2f} EUR: 4.0 fewer lost sales {1000 / (1 + n % 997) + 50:.2f}; moving -50.00.{marked}" for n in number],
        binding_constraints=np.where(number % 4 == 0, "loads|storage", ""), is_outlook=number // 3 % 4 == 3, status="proposed",
        next_best=np.where(number % 2 == 0, "MID>EAST@2016-05-24 +4|EAST>WEST@2016-05-23 -2", ""), loss_if_dropped_eur=np.round(950 / (1 + number % 997), 2), pays_rate=0.9,
    )  # fmt: skip


def _departure(transfer: pd.DataFrame) -> pd.DataFrame:
    keys = ["departure_id", "lane", "kind", "origin", "destination", "ship_date", "arrival_date", "decide_by", "as_of"]
    sums = transfer.groupby(keys).agg(
        units=("units", "sum"), lines=("units", "size"), benefit_eur=("benefit_eur", "sum")
    )
    return sums.reset_index().assign(loads=1, volume_fill_rate=0.4, mass_fill_rate=np.nan, fixed_eur=120.0)


def _position(skus: pd.Series) -> pd.DataFrame:
    frame = skus.to_frame().merge(HUBS[["hub"]], how="cross").assign(as_of=pd.Timestamp(AS_OF))
    number = np.arange(len(frame))
    frame = frame.assign(units_on_hand=number % 30, units_inbound=number % 4, units_out=number % 3, units_in=number % 5)
    frame["target_units"] = frame["units_on_hand"] + frame["units_inbound"] - frame["units_out"] + frame["units_in"]
    demand = 1.0 + number % 9
    return frame.assign(
        expected_demand_units=demand,
        stockout_probability=(number % 10) / 10,
        fill_rate=1 - (number % 10) / 40,
        fill_rate_before=1 - (number % 10) / 20,
        days_of_supply=14 * frame["units_on_hand"] / demand,
    )


def _service(skus: pd.Series) -> pd.DataFrame:
    frame = skus.to_frame().merge(REGIONS[["region"]], how="cross").assign(as_of=pd.Timestamp(AS_OF), demand_units=10.0)
    return frame.assign(
        local_units=8.0, spilled_units=1.0, late_units=0.5, lost_units=1.0, local_units_before=6.0, spilled_units_before=2.0,
        late_units_before=1.0, lost_units_before=2.0, source_hubs="EAST|WEST",
    )  # fmt: skip


def _forecast(skus: pd.Series, settings: Settings) -> pd.DataFrame:
    dates = pd.DataFrame({"date": settings.grid.range(AS_OF, settings.horizon)})
    frame = skus.to_frame().merge(REGIONS[["region"]], how="cross").merge(dates, how="cross")
    mean = 1.0 + np.arange(len(frame)) % 7 / 10
    levels = settings.forecast.quantiles
    return frame.assign(as_of=pd.Timestamp(AS_OF), mean_units=mean, model_version="m", tier="direct").assign(
        **{name: mean * 2 * level for name, level in zip(quantile_columns(levels), levels, strict=True)}
    )


def _sales(skus: pd.Series) -> pd.DataFrame:
    dates = pd.DataFrame(
        {"date": pd.date_range(end=pd.Timestamp(AS_OF) - pd.Timedelta(days=1), periods=40).as_unit("us")}
    )
    frame = skus.to_frame().merge(REGIONS[["region"]], how="cross").merge(dates, how="cross")
    return frame.assign(units_sold=np.arange(len(frame)) % 4)


def _inbound(skus: pd.Series, marked: str) -> pd.DataFrame:
    arrival = pd.Timestamp(AS_OF).as_unit("us") + pd.Timedelta(days=2)
    return pd.DataFrame(
        {
            "inbound_id": [f"PO{n}{marked}" for n in range(len(skus))],
            "hub": "WEST",
            "sku": skus,
            "units": 12,
            "arrival_date": arrival,
        }
    )


def _exception(skus: pd.Series, marked: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp(AS_OF), "kind": ["short_supply", "short_supply", "overdue_inbound"], "hub": ["MID", None, "WEST"],
            "region": [None, "R1", None], "sku": [skus[0], skus[0], None], "units": pd.array([4, 7, None], dtype="Int64"), "eur": [40.0, 70.0, np.nan],
            "decide_by": pd.to_datetime(["2016-05-23T16:00Z", None, None]), "action": [f"Order elsewhere{marked}.", f"Tell the region{marked}.", f"Ask the carrier{marked}."],
        }
    )  # fmt: skip


def _plan(n_proposals: int) -> pd.DataFrame:
    from foundation.tables.columns import PLAN_TERMS

    terms = {f"{term}_{when}": 0.0 for term in PLAN_TERMS for when in ("before", "after")}
    terms |= {
        "lost_sales_eur_before": 900.0,
        "lost_sales_eur_after": 400.0,
        "transfer_eur_after": 140.0,
        "end_value_eur_after": 40.0,
    }
    return pd.DataFrame(
        [
            terms
            | {
                "as_of": pd.Timestamp(AS_OF), "plan_id": "plan", "total_eur_before": 900.0, "total_eur": 500.0, "lower_bound_eur": 498.0,
                "gap_rate": 0.004, "gap_of_benefit_rate": 0.005, "sampling_error_eur": 12.0, "out_of_sample_benefit_eur": 380.0, "kg_co2e": 210.0,
                "local_fill_rate": 0.8, "promise_hit_rate": 0.85, "n_proposals": n_proposals, "run_version": "r", "model_version": "m",
            }
        ]
    )  # fmt: skip
