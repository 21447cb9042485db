"""Follow-up of plans: what was done with proposals or moved instead, how regions were served, and how late delivery lanes are.

In shadow mode, proposals are compared with what planners moved. Not here: the accuracy of forecasts (``accuracy``), the meaning of a
proposal's states (``dispatch.ledger``), the value of moves in hindsight (``positioning.simulation``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from foundation.keys import among
from foundation.tables import OUTPUTS

_COLUMNS = [name for name in OUTPUTS["lane_lateness"].names if name != "as_of"]
STATES = ("approved", "rejected", "released", "executed", "superseded")
_MOVED = ["origin", "destination", "sku"]


def plans_followed_up(proposals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `plan_follow_up` (without `as_of`): per plan (`date`) what was proposed and what was done.

    ``proposals`` are rows of `transfer` without the outlook, with `status` and `decided_units` (null: as proposed).
    `n_released` and `units_released` count released proposals, whether they have been executed or not.
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
    """Return the rows of `service_follow_up` (without `as_of`): promised and realized service per region.

    ``sold`` has one row per period and series: `region`, `units_sold`, `in_stock_rate` (null: unknown) and
    `mean_units`, the forecast of that period. Demand missed while a SKU is out of stock is the forecast times the share of
    the period without stock. `realised_fill_rate` = sold ÷ (sold + missed), null for a region without any `in_stock_rate`.
    """
    out = (1 - sold["in_stock_rate"].astype("float64")).clip(0, 1)
    known = sold.assign(missed=(sold["mean_units"] * out).fillna(0.0), is_known=out.notna(), is_out=(out > 0))
    sums = known.groupby("region", sort=True).agg(
        n_periods=("units_sold", "size"), units_sold=("units_sold", "sum"), missed=("missed", "sum"), n_known=("is_known", "sum"), n_out=("is_out", "sum")
    )  # fmt: skip
    n_known = sums["n_known"].where(sums["n_known"] > 0)
    demanded = (sums["units_sold"] + sums["missed"]).where(n_known.notna())
    frame = pd.DataFrame({
        "n_periods": sums["n_periods"], "units_sold": sums["units_sold"], "missed_units": sums["missed"].where(n_known.notna()),
        "realised_fill_rate": sums["units_sold"] / demanded.where(demanded > 0), "out_of_stock_rate": sums["n_out"] / n_known,
    })  # fmt: skip
    return frame.join(promised_service(service), how="left").rename_axis("region").reset_index()


_PRIOR_PARCELS = 20.0


def lateness(deliveries: pd.DataFrame, lanes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `lane_lateness` (without `as_of`): one per hub and region with delivered parcels.

    ``deliveries`` is the input table with at least `hub`, `region`, `date` and `delivered_at`; ``lanes`` the network's.
    Rates are null if the times they compare are missing. Days are counted from the order's date. `expected_late_rate`
    shrinks the lane's rate toward the rate of all lanes, as if 20 parcels had shown the latter.
    """
    parcels = _parcels(deliveries)
    if parcels.empty:
        return parcels.reindex(columns=_COLUMNS)
    lane = parcels.groupby(["hub", "region"], as_index=False, sort=True)
    frame = lane.agg(
        n_parcels=("days", "size"), n_promised=("is_late", "count"), n_late=("is_late", "sum"),
        mean_days=("days", "mean"), sd_days=("days", "std"), missed_cutoff_rate=("has_missed", "mean"),
    )  # fmt: skip
    rate = parcels["is_late"].mean()
    n_promised = frame["n_promised"].where(frame["n_promised"] > 0)
    frame["late_rate"] = frame["n_late"] / n_promised
    frame["expected_late_rate"] = (frame["n_late"] + _PRIOR_PARCELS * rate) / (n_promised + _PRIOR_PARCELS)
    return frame.merge(_planned_days(lanes), on=["hub", "region"], how="left")[_COLUMNS]


def _parcels(deliveries: pd.DataFrame) -> pd.DataFrame:
    times = {name: _time(deliveries, name) for name in ("delivered_at", "promised_at", "picked_up_at", "cutoff_at")}
    delivered = times["delivered_at"]
    placed = pd.to_datetime(deliveries["date"]).dt.tz_localize("UTC")
    frame = pd.DataFrame({
        "hub": deliveries["hub"].astype("str"), "region": deliveries["region"].astype("str"),
        "days": (delivered.dt.floor("D") - placed).dt.days.astype("float64"),
        "is_late": _is_after(delivered, times["promised_at"]),
        "has_missed": _is_after(times["picked_up_at"], times["cutoff_at"]),
    })  # fmt: skip
    return frame[delivered.notna()]


def _time(frame: pd.DataFrame, name: str) -> pd.Series:
    return pd.to_datetime(frame.get(name, pd.Series(pd.NaT, index=frame.index)), utc=True)


def _is_after(time: pd.Series, limit: pd.Series) -> pd.Series:
    """Return 1.0 where ``time`` is later than ``limit``, 0.0 where it is not, and NaN where either is missing."""
    return (time > limit).astype("float64").where(time.notna() & limit.notna())


def _planned_days(lanes: pd.DataFrame) -> pd.DataFrame:
    selected = lanes[lanes["kind"] == "delivery"]
    named = selected.assign(hub=selected["origin"].astype("str"), region=selected["destination"].astype("str"))
    named["planned_days"] = named["lead_time_days"].astype("float64")
    return named.groupby(["hub", "region"], as_index=False)[["planned_days"]].min()


@dataclass(frozen=True)
class ShadowScore:
    """Proposals against moves, in units and in the expected benefit of the proposals.

    Attributes
    ----------
    lines
        One row per origin × destination × sku: proposed_units, moved_units, matched_units, benefit_eur (of the proposed
        units), followed_eur (its matched share).

    """

    lines: pd.DataFrame

    @property
    def followed_rate(self) -> float:
        """Units matched ÷ units proposed; 0 without proposals."""
        proposed = float(self.lines["proposed_units"].sum())
        return float(self.lines["matched_units"].sum()) / proposed if proposed else 0.0

    @property
    def unproposed_units(self) -> int:
        """Units moved beyond the proposed ones."""
        return int((self.lines["moved_units"] - self.lines["matched_units"]).sum())


def moves_since(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the order lines with an origin in the ``inbound`` table ``after`` that ``before`` lacks.

    Columns origin, destination, SKU, units.
    """
    is_new = ~among(after["inbound_id"], before["inbound_id"]) & after["origin"].notna()
    return after.loc[is_new, ["origin", "hub", "sku", "units"]].rename(columns={"hub": "destination"})


def shadow_score(proposals: pd.DataFrame, moves: pd.DataFrame) -> ShadowScore:
    """Match the plan's proposals, without the outlook, with ``moves`` (see ``moves_since``) by origin, destination and SKU."""
    due = proposals[~proposals["is_outlook"].astype(bool)].astype(dict.fromkeys(_MOVED, "str"))
    proposed = due.groupby(_MOVED, as_index=False).agg(
        proposed_units=("units", "sum"), benefit_eur=("benefit_eur", "sum")
    )
    moved = moves.astype(dict.fromkeys(_MOVED, "str")).groupby(_MOVED, as_index=False).agg(moved_units=("units", "sum"))
    lines = proposed.merge(moved, on=_MOVED, how="outer").sort_values(_MOVED, ignore_index=True)
    for name in ("proposed_units", "moved_units", "benefit_eur"):
        lines[name] = lines[name].fillna(0).astype("float64")
    matched = lines[["proposed_units", "moved_units"]].min(axis=1)
    rate = (matched / lines["proposed_units"]).where(lines["proposed_units"] > 0, 0.0)
    return ShadowScore(lines.assign(matched_units=matched, followed_eur=lines["benefit_eur"] * rate))
