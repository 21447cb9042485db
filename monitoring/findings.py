"""What of all that was seen needs a person, each with what to do.

One small function per kind. A finding becomes a row of ``exception`` and an event that automations can hear. Not
here: sending events (flows), findings about a plan (``positioning.explain.tables``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from foundation.settings import Monitoring
from monitoring.accuracy import JUDGED, best_baseline

KINDS = (
    "data_stale", "arrivals_overdue", "forecast_biased", "forecast_worse_than_baseline", "intervals_too_narrow", "input_drifted",
    "plan_gap", "service_below_target", "lane_late",
)  # fmt: skip
Row = Mapping[Any, Any]
_WORSE_RATIO = 1.05  # a baseline ahead by less than a twentieth is luck as often as not


@dataclass(frozen=True)
class Finding:
    """One thing to act on; ``facts`` are what an automation may need of it, as texts."""

    kind: str
    action: str
    hub: str | None = None
    region: str | None = None
    units: float | None = None
    eur: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def event(self) -> str:
        """The name of its event."""
        return f"forestock.{self.kind.replace('_', '-')}"


def stale_data(
    last_sales: Mapping[str, date], stock_date: date | None, today: date, limits: Monitoring
) -> list[Finding]:
    """data_stale: a region without sales rows, or a stock snapshot, for longer than the limits before ``today``."""
    result = []
    for region, day in sorted(last_sales.items()):
        age = (today - day).days - 1  # yesterday's sales are as fresh as they can be
        if age > limits.max_sales_age_days:
            parts = (
                f"{region} has no sales since {day}; ask its source, then plan again: missing rows count as no demand."
            )
            result.append(Finding("data_stale", parts, region=region, facts={"table": "sales", "age_days": str(age)}))
    age = 0 if stock_date is None else (today - stock_date).days
    if age > limits.max_stock_age_days:
        parts = (
            f"The stock snapshot is of {stock_date}; ask the warehouse system for a new one before releasing anything."
        )
        result.append(Finding("data_stale", parts, facts={"table": "stock", "age_days": str(age)}))
    return result


def overdue_arrivals(inbound: pd.DataFrame, as_of: date) -> list[Finding]:
    """arrivals_overdue: order lines whose ``arrival_date`` lies before ``as_of``, by hub."""
    late = inbound[inbound["arrival_date"] < pd.Timestamp(as_of)]
    result = []
    for hub, rows in late.groupby(late["hub"].astype("str"), sort=True):
        oldest = rows["arrival_date"].min().date()
        parts = f"{len(rows)} order lines are overdue, the oldest since {oldest}; ask where they are or close them in the order system."
        facts = {"lines": str(len(rows)), "since": str(oldest)}
        result.append(Finding("arrivals_overdue", parts, hub=str(hub), units=float(rows["units"].sum()), facts=facts))
    return result


def forecast_findings(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """forecast_biased, forecast_worse_than_baseline and intervals_too_narrow, by region and segment with enough demand."""
    selected = rows[(rows["method"] == JUDGED) & (rows["actual_units"] >= limits.min_scored_units)]
    baseline = best_baseline(rows)
    others = rows[rows["method"] == baseline].set_index(["region", "segment"])["wape_rate"]
    result = []
    for row in selected.to_dict("records"):
        where = {"region": str(row["region"]), "segment": str(row["segment"])}
        if row["is_sustained"] and abs(row["bias_rate"]) > limits.max_bias_rate:
            result.append(_biased(row, where))
        other = others.get((row["region"], row["segment"]), float("nan"))
        if row["wape_rate"] > _WORSE_RATIO * other:
            result.append(_worse(row, where, str(baseline), float(other)))
        if row["coverage_rate"] < limits.min_coverage_rate:
            parts = f"{row['segment']}: the 95 % interval held {row['coverage_rate']:.0%} of actuals; safety stock is too small until the model is calibrated anew."
            facts = where | {"coverage_rate": f"{row['coverage_rate']:.4f}"}
            result.append(Finding("intervals_too_narrow", parts, region=where["region"], facts=facts))
    return result


def _biased(row: Row, where: Mapping[str, str]) -> Finding:
    side = "above" if row["bias_rate"] > 0 else "below"
    parts = f"{row['segment']}: forecast {abs(row['bias_rate']):.0%} {side} demand in every week; train anew, and look for what changed (price, range, promotion)."
    facts = {**where, "bias_rate": f"{row['bias_rate']:.4f}"}
    return Finding(
        "forecast_biased",
        parts,
        region=where["region"],
        units=abs(row["forecast_units"] - row["actual_units"]),
        facts=facts,
    )


def _worse(row: Row, where: Mapping[str, str], baseline: str, other: float) -> Finding:
    parts = (
        f"{row['segment']}: WAPE {row['wape_rate']:.2f}, {baseline.replace('_', ' ')} {other:.2f}; fall back to the baseline "
        "(forestock fall-back) until a new model is better."
    )
    facts = {
        **where,
        "baseline": baseline,
        "wape_rate": f"{row['wape_rate']:.4f}",
        "baseline_wape_rate": f"{other:.4f}",
    }
    return Finding("forecast_worse_than_baseline", parts, region=where["region"], facts=facts)


def drifted_inputs(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """input_drifted: one finding that names every column beyond the limit and beyond its own earlier windows."""
    usual = rows["usual_stability_index"].fillna(0.0)
    index = rows["stability_index"]
    beyond = rows[(index > limits.max_stability_index) & (index > usual)]
    if beyond.empty:
        return []
    names = [f"{row['table']}.{row['column']} ({row['stability_index']:.2f})" for row in beyond.to_dict("records")]
    parts = f"Unlike before: {', '.join(names)}. Ask the source whether its meaning or unit changed; if it is real, train anew."
    return [Finding("input_drifted", parts, facts={"columns": ",".join(name.split(" ")[0] for name in names)})]


def wide_gap(plan: pd.DataFrame, max_gap_rate: float) -> list[Finding]:
    """plan_gap: the plan (no or one row of `plan`) is further from its bound than the limit."""
    if plan.empty or not plan["gap_rate"].iloc[0] > max_gap_rate:
        return []
    row = plan.iloc[0]
    eur = float(row["gap_rate"] * abs(row["total_eur"]))
    parts = f"The plan is proven only to within {row['gap_rate']:.1%} of the best; give it more time, or accept it knowingly."
    return [Finding("plan_gap", parts, eur=eur, facts={"gap_rate": f"{row['gap_rate']:.4f}"})]


def poor_service(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """service_below_target: a region's realised fill rate is below the target."""
    result = []
    for row in rows[rows["realised_fill_rate"] < limits.min_fill_rate].to_dict("records"):
        parts = f"{row['realised_fill_rate']:.1%} of demand was served; see what was rejected or released late, and the stock counts."
        facts = {"realised_fill_rate": f"{row['realised_fill_rate']:.4f}"}
        result.append(
            Finding(
                "service_below_target", parts, region=str(row["region"]), units=float(row["missed_units"]), facts=facts
            )
        )
    return result


def late_lanes(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """lane_late: a delivery lane's expected share of late parcels is above the limit."""
    result = []
    for row in rows[rows["expected_late_rate"] > limits.max_late_rate].to_dict("records"):
        slower = (
            f"; set lead_time_days to {row['mean_days']:.1f}" if row["mean_days"] > row["planned_days"] + 0.5 else ""
        )
        parts = f"{row['late_rate']:.0%} of {row['n_parcels']} parcels were late; speak to the carrier{slower}."
        facts = {"expected_late_rate": f"{row['expected_late_rate']:.4f}"}
        result.append(Finding("lane_late", parts, hub=str(row["hub"]), region=str(row["region"]), facts=facts))
    return result


def exception_rows(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return the findings as rows of ``exception`` (without `as_of`); those of one kind and place become one row."""
    names = ["kind", "hub", "region", "sku", "units", "eur", "decide_by", "action"]
    rows = [
        {
            "kind": one.kind,
            "hub": one.hub,
            "region": one.region,
            "units": one.units,
            "eur": one.eur,
            "action": one.action,
        }
        for one in findings
    ]
    frame = pd.DataFrame(rows, columns=names)
    grouped = frame.groupby(["kind", "hub", "region"], dropna=False, sort=True, as_index=False)
    built = grouped.agg(units=("units", _sum), eur=("eur", _sum), action=("action", " ".join))
    built = built.assign(units=built["units"].astype("Float64").round().astype("Int64"), sku=None, decide_by=None)
    return built[names]


def _sum(values: pd.Series) -> float:
    """Return the sum, NaN where no value is known."""
    return float(values.astype("float64").sum(min_count=1))
