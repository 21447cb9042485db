"""Findings of monitoring that need a person, each with the action to take.

One function per kind. A finding becomes a row of ``exception`` and an event that automations can react to. Not here: sending
events (``flows``), findings about a plan (``positioning.explain.tables``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from foundation.settings import Monitoring
from monitoring.accuracy import FORESTOCK, best_baseline

KINDS = (
    "data_stale", "arrivals_overdue", "forecast_biased", "forecast_worse_than_baseline", "intervals_too_narrow", "input_drifted",
    "plan_gap", "service_below_target", "lane_late",
)  # fmt: skip
Row = Mapping[Any, Any]
_WORSE_RATIO = 1.05  # a lead of a baseline below 5% is often luck


@dataclass(frozen=True)
class Finding:
    """A condition to act on.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    action
        What to do, in one or two sentences.
    hub, region
        The place concerned, None if there is none.
    units
        Units concerned, None if unknown.
    eur
        Money concerned, None if unknown.
    facts
        Further values for automations, as texts by name.

    """

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
        age = (today - day).days - 1  # yesterday's sales are the newest there can be
        if age > limits.max_sales_age_days:
            action = f"{region} has no sales since {day}. Ask its source, then plan again: missing rows count as zero demand."
            result.append(Finding("data_stale", action, region=region, facts={"table": "sales", "age_days": str(age)}))
    age = 0 if stock_date is None else (today - stock_date).days
    if age > limits.max_stock_age_days:
        action = f"The stock snapshot is of {stock_date}. Get a new one from the warehouse system before you release proposals."
        result.append(Finding("data_stale", action, facts={"table": "stock", "age_days": str(age)}))
    return result


def overdue_arrivals(inbound: pd.DataFrame, as_of: date) -> list[Finding]:
    """arrivals_overdue: order lines whose ``arrival_date`` lies before ``as_of``, by hub."""
    late = inbound[inbound["arrival_date"] < pd.Timestamp(as_of)]
    result = []
    for hub, rows in late.groupby(late["hub"].astype("str"), sort=True):
        oldest = rows["arrival_date"].min().date()
        action = f"{len(rows)} order lines are overdue, the oldest since {oldest}. Ask where they are, or close them in the order system."
        facts = {"lines": str(len(rows)), "since": str(oldest)}
        result.append(Finding("arrivals_overdue", action, hub=str(hub), units=float(rows["units"].sum()), facts=facts))
    return result


def forecast_findings(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """forecast_biased, forecast_worse_than_baseline and intervals_too_narrow, by region and segment with enough demand."""
    selected = rows[(rows["method"] == FORESTOCK) & (rows["actual_units"] >= limits.min_scored_units)]
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
            action = f"{row['segment']}: the 95% interval contained {row['coverage_rate']:.0%} of actuals. Safety stock is too small until the model is calibrated again."
            facts = where | {"coverage_rate": f"{row['coverage_rate']:.4f}"}
            result.append(Finding("intervals_too_narrow", action, region=where["region"], facts=facts))
    return result


def _biased(row: Row, where: Mapping[str, str]) -> Finding:
    side = "above" if row["bias_rate"] > 0 else "below"
    action = f"{row['segment']}: forecast {abs(row['bias_rate']):.0%} {side} demand in every week. Train again, and look for a change of price, assortment, or promotion."
    facts = {**where, "bias_rate": f"{row['bias_rate']:.4f}"}
    return Finding(
        "forecast_biased",
        action,
        region=where["region"],
        units=abs(row["forecast_units"] - row["actual_units"]),
        facts=facts,
    )


def _worse(row: Row, where: Mapping[str, str], baseline: str, other: float) -> Finding:
    action = (
        f"{row['segment']}: WAPE {row['wape_rate']:.2f}, {baseline.replace('_', ' ')} {other:.2f}. Fall back to the baseline "
        "(forestock fall-back) until a new model is better."
    )
    facts = {
        **where,
        "baseline": baseline,
        "wape_rate": f"{row['wape_rate']:.4f}",
        "baseline_wape_rate": f"{other:.4f}",
    }
    return Finding("forecast_worse_than_baseline", action, region=where["region"], facts=facts)


def drifted_inputs(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """input_drifted: one finding that names every column above the limit and above its earlier windows."""
    usual = rows["usual_stability_index"].fillna(0.0)
    index = rows["stability_index"]
    drifted = rows[(index > limits.max_stability_index) & (index > usual)]
    if drifted.empty:
        return []
    names = [f"{row['table']}.{row['column']} ({row['stability_index']:.2f})" for row in drifted.to_dict("records")]
    action = f"Values differ from earlier ones: {', '.join(names)}. Ask the source whether the meaning or unit changed. If the change is real, train again."
    return [Finding("input_drifted", action, facts={"columns": ",".join(name.split(" ")[0] for name in names)})]


def wide_gap(plan: pd.DataFrame, max_gap_rate: float) -> list[Finding]:
    """plan_gap: the optimality gap of the plan (no row or one row of `plan`) is above ``max_gap_rate``."""
    if plan.empty or not plan["gap_rate"].iloc[0] > max_gap_rate:
        return []
    row = plan.iloc[0]
    eur = float(row["gap_rate"] * abs(row["total_eur"]))
    action = f"No plan is more than {row['gap_rate']:.1%} better, but this gap is above the limit. Give the optimizer more time, or accept the plan."
    return [Finding("plan_gap", action, eur=eur, facts={"gap_rate": f"{row['gap_rate']:.4f}"})]


def poor_service(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """service_below_target: a region's realized fill rate is below the target."""
    result = []
    for row in rows[rows["realised_fill_rate"] < limits.min_fill_rate].to_dict("records"):
        action = f"{row['realised_fill_rate']:.1%} of demand was served. Check which proposals were rejected or released late, and check the stock counts."
        facts = {"realised_fill_rate": f"{row['realised_fill_rate']:.4f}"}
        result.append(
            Finding(
                "service_below_target", action, region=str(row["region"]), units=float(row["missed_units"]), facts=facts
            )
        )
    return result


def late_lanes(rows: pd.DataFrame, limits: Monitoring) -> list[Finding]:
    """lane_late: a delivery lane's expected share of late parcels is above the limit."""
    result = []
    for row in rows[rows["expected_late_rate"] > limits.max_late_rate].to_dict("records"):
        slower = (
            f", and set lead_time_days to {row['mean_days']:.1f}"
            if row["mean_days"] > row["planned_days"] + 0.5
            else ""
        )
        action = f"{row['late_rate']:.0%} of {row['n_parcels']} parcels were late. Talk to the carrier{slower}."
        facts = {"expected_late_rate": f"{row['expected_late_rate']:.4f}"}
        result.append(Finding("lane_late", action, hub=str(row["hub"]), region=str(row["region"]), facts=facts))
    return result


def exception_rows(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return the findings as rows of ``exception`` (without `as_of`); findings of one kind and place become one row."""
    names = ["kind", "hub", "region", "sku", "units", "eur", "decide_by", "action"]
    rows = [
        {
            "kind": finding.kind,
            "hub": finding.hub,
            "region": finding.region,
            "units": finding.units,
            "eur": finding.eur,
            "action": finding.action,
        }
        for finding in findings
    ]
    frame = pd.DataFrame(rows, columns=names)
    grouped = frame.groupby(["kind", "hub", "region"], dropna=False, sort=True, as_index=False)
    joined = grouped.agg(units=("units", _sum), eur=("eur", _sum), action=("action", " ".join))
    joined = joined.assign(units=joined["units"].astype("Float64").round().astype("Int64"), sku=None, decide_by=None)
    return joined[names]


def _sum(values: pd.Series) -> float:
    """Return the sum, NaN where no value is known."""
    return float(values.astype("float64").sum(min_count=1))
