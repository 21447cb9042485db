"""The page Today: what the plan saves, what waits for a decision, and trends over the last runs.

Not here: its appearance (``templates/today.html.j2``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import Response

from foundation.tables.columns import PLAN_TERMS
from foundation.wording import Money
from serve.chart import Chart, Line
from serve.grid import departure_row
from serve.routes.request import plan_content, plan_of, services_of
from serve.tables import Tables
from serve.templating import page
from serve.workspace import OpenPlan

router = APIRouter(include_in_schema=False)
_SHOWN = 8
_ACCEPTED = ("approved", "released", "executed")


@router.get("/")
def today(request: Request, as_of: str = "") -> Response:
    """Show what the plan saves and what waits for a decision."""
    plan, services = plan_of(request, as_of), services_of(request)
    settings = services.workspace.settings
    content = {
        "figures": headline(services.tables, plan.as_of),
        "waiting": waiting(plan, services.clock.now()),
        "charts": trends(services.tables, plan.as_of, settings.serve.trend_runs, Money(settings.currency).sign),
        "findings": services.findings(plan.as_of),
    }
    return page(request, "today.html.j2", {**plan_content(request, plan), **content})


@dataclass(frozen=True)
class Waiting:
    """Lines and departures that wait for a decision.

    Attributes
    ----------
    n_lines, n_departures
        Number of open lines whose cut-off has not passed, and of their departures.
    benefit_eur
        Savings of these lines.
    n_missed, missed_eur
        Open lines whose cut-off has passed, and their savings.
    departures
        The next departures, as rows of the grid.
    """

    n_lines: int
    n_departures: int
    benefit_eur: float
    n_missed: int
    missed_eur: float
    departures: list[dict[str, Any]]


def waiting(plan: OpenPlan, now: pd.Timestamp) -> Waiting:
    """Return what waits for a decision."""
    is_open = (plan.states.status == "proposed") & ~plan.lines["is_outlook"].to_numpy()
    is_late = (plan.lines["decide_by"] < now).to_numpy()
    benefit = plan.lines["benefit_eur"].to_numpy()
    rows = plan.departures["decide_by"].ge(now).to_numpy() & (plan.worth["proposed"] > 0).to_numpy()
    order = plan.departures[rows].sort_values(["decide_by", "departure_id"]).index[:_SHOWN]
    return Waiting(
        int((is_open & ~is_late).sum()), int(rows.sum()), float(benefit[is_open & ~is_late].sum()),
        int((is_open & is_late).sum()), float(benefit[is_open & is_late].sum()),
        [departure_row(plan, int(row), now) for row in order],
    )  # fmt: skip


def headline(tables: Tables, as_of: date) -> dict[str, Any]:
    """Return savings, service and cost terms of a plan, before and after."""
    plan, service = tables.read("plan", as_of).iloc[-1], tables.read("service", as_of)
    demand = float(service["demand_units"].sum())
    lost = {ending: float(service[f"lost_units{ending}"].sum()) for ending in ("_before", "")}
    terms = [
        {"name": text, "before": sign * plan[f"{name}_before"], "after": sign * plan[f"{name}_after"]}
        for name, text in PLAN_TERMS.items()
        for sign in (-1.0 if name == "end_value_eur" else 1.0,)
        if plan[f"{name}_before"] or plan[f"{name}_after"]
    ]
    return {
        "saving_eur": plan["total_eur_before"] - plan["total_eur"], "held_out_eur": plan["out_of_sample_benefit_eur"],
        "sampling_error_eur": plan["sampling_error_eur"], "gap_rate": plan["gap_rate"], "n_proposals": plan["n_proposals"],
        "demand_units": demand, "lost_before": lost["_before"], "lost_after": lost[""],
        "fill_before": 1 - lost["_before"] / demand if demand else float("nan"),
        "fill_after": 1 - lost[""] / demand if demand else float("nan"),
        "at_risk_eur": plan["lost_sales_eur_after"], "at_risk_before_eur": plan["lost_sales_eur_before"],
        "terms": terms, "total_before": plan["total_eur_before"], "total_after": plan["total_eur"],
    }  # fmt: skip


def trends(tables: Tables, as_of: date, n_runs: int, currency: str) -> list[Chart]:
    """Return charts of savings, cost, fill rate, forecast error and acceptance over the last runs up to ``as_of``."""
    plans = tables.read("plan")
    plans = plans[plans["as_of"] <= pd.Timestamp(as_of)].tail(n_runs)
    days = list(plans["as_of"])
    charts = [
        Chart("Savings per run", days, [
            Line("expected savings", (plans["total_eur_before"] - plans["total_eur"]).tolist(), "good"),
            Line("on held-out scenarios", plans["out_of_sample_benefit_eur"].tolist(), "quiet", 1.5, is_dashed=True),
        ], unit=currency),
        Chart("Expected cost with the plan", days, [Line("cost", plans["total_eur"].tolist())], unit=currency),
        Chart("Fill rate", days, _fill(tables, plans["as_of"]), is_rate=True),
    ]  # fmt: skip
    for title, values in (
        ("Forecast error (WAPE)", _errors(tables)),
        ("Share of decided lines that were accepted", _acceptance(tables)),
    ):
        known = values.reindex(plans["as_of"])
        if known.notna().sum() > 1:
            charts.append(Chart(title, days, [Line(title, known.tolist(), "supply")], is_rate=True))
    return charts


def _fill(tables: Tables, days: pd.Series) -> list[Line]:
    service = tables.read("service", None, ["as_of", "demand_units", "lost_units", "lost_units_before"])
    sums = service.groupby("as_of").sum().reindex(days)
    after, before = (1 - sums[name] / sums["demand_units"] for name in ("lost_units", "lost_units_before"))
    return [Line("with the plan", after.tolist(), "good"), Line("without", before.tolist(), "quiet", 1.5, is_dashed=True)]  # fmt: skip


def _errors(tables: Tables) -> pd.Series:
    """Return the forecast's error by run, weighted by demand."""
    accuracy = tables.read("accuracy")
    rows = accuracy[(accuracy["method"] == "forestock") & accuracy["wape_rate"].notna()]
    if rows.empty:
        return pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    errors = (rows["wape_rate"] * rows["actual_units"]).groupby(rows["as_of"]).sum()
    return errors / rows["actual_units"].groupby(rows["as_of"]).sum().replace(0, np.nan)


def _acceptance(tables: Tables) -> pd.Series:
    """Return the share of decided lines by planning date that were approved, by their last decision."""
    decisions = tables.read("decision").sort_values("at", kind="stable").drop_duplicates("proposal_id", keep="last")
    decided = decisions[decisions["status"].isin([*_ACCEPTED, "rejected"]) & decisions["as_of"].notna()]
    return decided["status"].isin(_ACCEPTED).groupby(decided["as_of"]).mean()
