"""What became of proposals, and whether regions were served as the plans promised.

Not here: whether forecasts were right (``accuracy``), what a proposal's states mean (``dispatch.ledger``).
"""

from __future__ import annotations

import pandas as pd

STATES = ("approved", "rejected", "released", "executed", "superseded")


def plans_followed_up(proposals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `plan_follow_up` (without `as_of`): per night (`date`) what was proposed and what was done.

    ``proposals`` are rows of `transfer` that are no outlook, with `status` and `decided_units` (null: as proposed).
    `n_released` and `units_released` count what has left the house, executed since or not.
    """
    units = proposals["decided_units"].fillna(proposals["units"]).astype("Int64")
    is_out = proposals["status"].isin(["released", "executed"])
    columns = {"date": proposals["as_of"], "n_proposals": 1, "units_proposed": proposals["units"]}
    columns |= {f"n_{state}": (proposals["status"] == state).astype("Int64") for state in STATES}
    columns["n_released"] = is_out.astype("Int64")
    columns["units_released"] = units.where(is_out, 0)
    columns["units_executed"] = units.where(proposals["status"] == "executed", 0)
    columns["benefit_eur"] = proposals["benefit_eur"]
    columns["benefit_released_eur"] = proposals["benefit_eur"].where(is_out, 0.0)
    return pd.DataFrame(columns).groupby("date", as_index=False, sort=True).sum()


def promised_service(service: pd.DataFrame) -> pd.DataFrame:
    """Return by region `promised_fill_rate`, the units plans expected to serve ÷ expected demand, over rows of `service`."""
    sums = service.groupby("region")[["demand_units", "lost_units"]].sum()
    demanded = sums["demand_units"].where(sums["demand_units"] > 0)
    return pd.DataFrame({"promised_fill_rate": (1 - sums["lost_units"] / demanded).clip(0, 1)})


def realised_service(sold: pd.DataFrame, service: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `service_follow_up` (without `as_of`): per region what was promised and what came.

    ``sold`` has one row per period and series: `region`, `units_sold`, `in_stock_rate` (null: unknown) and
    `mean_units`, the forecast of that period. What was missed while a sku was out is the forecast times the share of
    the period it was out; `realised_fill_rate` = sold ÷ (sold + missed), null where no row says `in_stock_rate`.
    """
    out = (1 - sold["in_stock_rate"].astype("float64")).clip(0, 1)
    known = sold.assign(missed=(sold["mean_units"] * out).fillna(0.0), told=out.notna(), is_out=(out > 0))
    sums = known.groupby("region", sort=True).agg(
        n_periods=("units_sold", "size"), units_sold=("units_sold", "sum"), missed=("missed", "sum"), told=("told", "sum"), n_out=("is_out", "sum")
    )  # fmt: skip
    wanted = (sums["units_sold"] + sums["missed"]).where(sums["told"] > 0)
    told = sums["told"].where(sums["told"] > 0)
    frame = pd.DataFrame({
        "n_periods": sums["n_periods"], "units_sold": sums["units_sold"], "missed_units": sums["missed"].where(sums["told"] > 0),
        "realised_fill_rate": sums["units_sold"] / wanted.where(wanted > 0), "out_of_stock_rate": sums["n_out"] / told,
    })  # fmt: skip
    return frame.join(promised_service(service), how="left").rename_axis("region").reset_index()
