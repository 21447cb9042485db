"""Follow-up of proposals, service and parcels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from monitoring.follow_up import lateness, plans_followed_up, realised_service

SERVICE = pd.DataFrame({"region": ["N"], "demand_units": [100.0], "lost_units": [5.0]})
LANES = pd.DataFrame(
    {"origin": ["H", "H"], "destination": ["N", "S"], "kind": ["delivery"] * 2, "lead_time_days": [2, 1]}
)


def _parcels(n_late: int, n: int, region: str = "N") -> pd.DataFrame:
    day = pd.Timestamp("2016-05-02")
    promised = pd.Timestamp("2016-05-04 12:00", tz="UTC")
    delivered = [promised + pd.Timedelta(hours=5 if k < n_late else -5) for k in range(n)]
    return pd.DataFrame({"hub": "H", "region": region, "date": day, "promised_at": promised, "delivered_at": delivered})


def test_proposals_are_counted_by_their_state() -> None:
    proposals = pd.DataFrame({
        "as_of": pd.Timestamp("2016-05-02"), "status": ["proposed", "released", "executed", "rejected"],
        "units": [10, 20, 30, 40], "decided_units": [None, 12, None, None], "benefit_eur": [1.0, 2.0, 3.0, 4.0],
    })  # fmt: skip
    row = plans_followed_up(proposals).iloc[0]
    assert (row["n_proposals"], row["n_released"], row["n_executed"], row["n_rejected"]) == (4, 2, 1, 1)
    assert (row["units_proposed"], row["units_released"], row["units_executed"]) == (100, 42, 30)
    assert (row["benefit_eur"], row["benefit_released_eur"]) == (10.0, 5.0)


def test_missed_demand_is_the_forecast_of_the_time_out_of_stock() -> None:
    sold = pd.DataFrame({
        "region": "N", "units_sold": [6.0, 2.0], "in_stock_rate": [1.0, 0.5], "mean_units": [5.0, 4.0],
    })  # fmt: skip
    row = realised_service(sold, SERVICE).iloc[0]
    assert row["missed_units"] == 2.0
    assert row["realised_fill_rate"] == pytest.approx(8 / 10)
    assert row["promised_fill_rate"] == pytest.approx(0.95)
    assert row["out_of_stock_rate"] == 0.5


def test_unknown_service_is_null_and_not_perfect() -> None:
    sold = pd.DataFrame({"region": ["N"], "units_sold": [6.0], "in_stock_rate": [np.nan], "mean_units": [5.0]})
    assert realised_service(sold, SERVICE)[["realised_fill_rate", "missed_units"]].isna().all(axis=None)


def test_the_rate_of_few_parcels_is_shrunk_toward_all() -> None:
    """One late parcel of one is no proof of a bad lane."""
    rows = lateness(pd.concat([_parcels(10, 99), _parcels(1, 1, "S")], ignore_index=True), LANES).set_index("region")
    assert rows.loc["S", "late_rate"] == 1.0
    assert rows.loc["S", "expected_late_rate"] == pytest.approx((1 + 20 * 0.11) / 21)
    assert rows.loc["N", "mean_days"] == 2.0
    assert rows.loc["N", "planned_days"] == 2.0


def test_a_lane_without_promises_has_days_but_no_rate() -> None:
    row = lateness(_parcels(0, 3).drop(columns="promised_at"), LANES).iloc[0]
    assert row["n_parcels"] == 3
    assert np.isnan(row["late_rate"])
    assert np.isnan(row["expected_late_rate"])
