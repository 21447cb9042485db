"""The page of a SKU: projected stock by hub, forecasts by region, its lines, and what refusing them costs; the search for SKUs.

Not here: its appearance (``templates/sku.html.j2``), the arguments for its lines and their history (``sku_lines``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import Response

from foundation.settings import Settings, quantile_columns
from foundation.wording import Money
from serve.chart import Chart, Line, Mark
from serve.routes.network import confirmed_arrivals
from serve.routes.request import plan_content, plan_of, services_of
from serve.sku_lines import Alternative, Evidence, alternatives, argument, history
from serve.tables import Tables
from serve.templating import page
from serve.workspace import OpenPlan, Workspace

router = APIRouter(include_in_schema=False)
_MOST_MATCHES = 20
_MOST_AT_RISK = 50
_HISTORY_PERIODS = 56
_YEAR_DAYS = 364
_NORMAL_95 = 1.645
_ONE_SD = (0.165, 0.835)
_INPUTS = ("sales", "prices", "inbound")
_REJECTED = ("rejected", "superseded")


def _known_skus(request: Request, as_of: object) -> list[str]:
    services = services_of(request)
    skus = services.workspace.inputs(as_of, ("skus",)).get("skus", pd.DataFrame({"sku": []}))
    positions = services.tables.read("position", as_of, ["sku"])["sku"].unique()
    return sorted({*skus["sku"].astype(str), *positions})


@router.get("/sku")
def sku(request: Request, as_of: str = "", sku: str = "", hub: str = "") -> Response:
    """Show a SKU, with or without a proposal; without its id, the SKUs that lose most at a hub, or at all."""
    plan, services = plan_of(request, as_of), services_of(request)
    skus = services.once(("skus", plan.as_of), plan, lambda: _known_skus(request, plan.as_of))
    text = sku.strip()[:300]
    position = services.tables.read("position", plan.as_of)
    content: dict[str, Any] = {
        "requested": text, "view": None, "matches": [], "n_skus": len(skus), "hub": hub, "hubs": sorted(position["hub"].unique()),
        "at_risk": _at_risk(position, hub) if not text else [],
    }  # fmt: skip
    if text in set(skus):
        content["view"] = sku_view(services.workspace, services.tables, plan, text)
    elif text:
        content["matches"] = [name for name in skus if text.lower() in name.lower()][:_MOST_MATCHES]
    return page(
        request, "sku.html.j2", {**plan_content(request, plan), **content}, 200 if content["view"] or not text else 404
    )


def _at_risk(position: pd.DataFrame, hub: str) -> list[dict[Any, Any]]:
    """Return rows of ``position`` at a hub (empty: at all), those with the most unserved demand first."""
    here = position[position["hub"] == hub] if hub else position
    lost = (1 - here["fill_rate"].astype("float64")) * here["expected_demand_units"]
    rows = here.assign(unserved=lost.fillna(0.0))
    order = ["unserved", "stockout_probability"]
    return rows.sort_values(order, ascending=False, kind="stable").head(_MOST_AT_RISK).to_dict("records")


@router.get("/sku/search")
def search(request: Request, as_of: str = "", q: str = "") -> dict[str, list[str]]:
    """Return SKUs whose id contains a text, those that begin with it first."""
    plan, services = plan_of(request, as_of), services_of(request)
    skus = services.once(("skus", plan.as_of), plan, lambda: _known_skus(request, plan.as_of))
    text = q.strip().lower()[:100]
    matches = [name for name in skus if text in name.lower()]
    return {"skus": sorted(matches, key=lambda name: (not name.lower().startswith(text), name))[:_MOST_MATCHES]}


@dataclass(frozen=True)
class SkuView:
    """What the page shows about a SKU.

    Attributes
    ----------
    sku
        Its id.
    facts
        Name and value of its columns in ``skus``.
    hubs
        Rows of ``position``, with the chart of projected stock.
    lines
        Its proposals with their state, argument, and alternatives.
    regions
        Rows of ``service``, with the chart of the forecast.
    savings_eur
        Sum of the benefits of its lines.
    history
        Its decided lines, also of earlier plans, with their events.
    """

    sku: str
    facts: list[tuple[str, Any]]
    hubs: list[dict[Any, Any]]
    lines: list[dict[Any, Any]]
    regions: list[dict[Any, Any]]
    savings_eur: float
    history: list[dict[str, Any]]


def sku_view(workspace: Workspace, tables: Tables, plan: OpenPlan, sku: str) -> SkuView:
    """Return the view of a SKU; lists are empty where the plan has no rows of it."""
    as_of, settings = plan.as_of, workspace.settings
    forecast = tables.read("forecast", as_of, sku=sku)
    position, service = (tables.read(name, as_of, sku=sku) for name in ("position", "service"))
    inputs = {name: frame for one in _INPUTS for name, frame in workspace.inputs(as_of, (one,), {"sku": sku}).items()}
    rows = np.flatnonzero((plan.lines["sku"] == sku).to_numpy())
    lines = plan.lines.iloc[rows].assign(
        status=plan.states.status[rows],
        decided=plan.states.units[rows],
        by=plan.states.by[rows],
        note=plan.states.reason[rows],
    )
    lines = lines.sort_values(["ship_date", "benefit_eur"], ascending=[True, False])
    inbound = confirmed_arrivals(inputs.get("inbound", pd.DataFrame()), as_of)
    demand = _demand_by_hub(forecast, service, settings)
    events = workspace.inputs(as_of, ("calendar",)).get("calendar", pd.DataFrame())
    return SkuView(
        sku,
        _facts(workspace, as_of, sku),
        [_hub(row, lines, inbound, demand, as_of) for row in position.sort_values("hub").to_dict("records")],
        [_line(row, position, service) for row in lines.to_dict("records")],
        [_region(row, forecast, inputs, events, settings) for row in service.sort_values("region").to_dict("records")],
        float(lines["benefit_eur"].sum()),
        history(tables, sku),
    )


def _facts(workspace: Workspace, as_of: date, sku: str) -> list[tuple[str, Any]]:
    skus = workspace.inputs(as_of, ("skus",), {"sku": sku}).get("skus", pd.DataFrame())
    if skus.empty:
        return []
    shown = (
        (str(name), value) for name, value in skus.iloc[0].items() if name != "sku" and pd.notna(value) and str(value)
    )
    return [(_labeled(name, Money(workspace.settings.currency).sign.strip()), value) for name, value in shown]


def _labeled(name: str, currency: str) -> str:
    """Return the name of a column in words, with its unit: ``unit_cost_eur`` is ``Unit cost (€)``."""
    for ending, unit in (
        ("_eur", currency),
        ("_kg", "kg"),
        ("_l", "l"),
        ("_days", "days"),
        ("_eur_per_unit_day", f"{currency} per unit and day"),
    ):
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ').capitalize()} ({unit})"
    return name.replace("_", " ").capitalize()


def _demand_by_hub(forecast: pd.DataFrame, service: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return demand by hub and day of the regions that the hub is first to serve: mean and variance."""
    first = service.assign(hub=service["source_hubs"].fillna("").str.split("|").str[0]).set_index("region")["hub"]
    low, high = (
        quantile_columns((min(settings.forecast.quantiles, key=lambda level: abs(level - one)),))[0] for one in _ONE_SD
    )
    rows = forecast.assign(hub=forecast["region"].map(first))
    spread = ((rows[high] - rows[low]) / 2).to_numpy() if {low, high} <= set(rows) else np.zeros(len(rows))
    rows = rows.assign(variance=np.maximum(spread**2, rows["mean_units"]))
    return rows.groupby(["hub", "date"])[["mean_units", "variance"]].sum()


def _hub(
    row: dict[Any, Any], lines: pd.DataFrame, inbound: pd.DataFrame, demand: pd.DataFrame, as_of: date
) -> dict[Any, Any]:
    hub = row["hub"]
    arriving = inbound[inbound["hub"].astype(str) == hub]
    known = demand.loc[hub] if hub in demand.index.get_level_values(0) else _no_demand(demand)
    active = lines[~lines["status"].isin(_REJECTED)]
    chart = _projection(row, known, arriving, active, as_of) if len(known) else None
    return {**row, "chart": chart}


def _no_demand(demand: pd.DataFrame) -> pd.DataFrame:
    """Return the days of the forecast without demand, for a hub that is first to serve no region."""
    days = demand.index.get_level_values("date").unique().sort_values()
    return pd.DataFrame(0.0, index=days, columns=["mean_units", "variance"])


def _projection(
    row: dict[Any, Any], demand: pd.DataFrame, arriving: pd.DataFrame, lines: pd.DataFrame, as_of: date
) -> Chart:
    """Return the expected stock at the end of each day, with and without the plan, and its 90% range with the plan."""
    days = pd.DatetimeIndex(demand.index)
    base = _on_days(days, arriving["arrival_date"], arriving["units"], as_of)
    moved = lines.assign(units=lines["decided"].fillna(lines["units"].astype("float64")))
    incoming, leaving = moved[moved["destination"] == row["hub"]], moved[moved["origin"] == row["hub"]]
    planned = (
        base
        + _on_days(days, incoming["arrival_date"], incoming["units"], as_of)
        - _on_days(days, leaving["ship_date"], leaving["units"], as_of)
    )
    start, mean = float(row["units_on_hand"]), demand["mean_units"].to_numpy()
    low, high = _demand_range(mean, demand["variance"].to_numpy())
    series = [
        Line("", _stock(start, planned, high), "band", 0.0, band_to=1),
        Line("", _stock(start, planned, low), "band", 0.0),
        Line("with the plan", _stock(start, planned, mean), "accent"),
        Line("without", _stock(start, base, mean), "quiet", 1.5, is_dashed=True),
    ]
    marks = [Mark(day, f"+{units:,.0f}", "quiet") for day, units in _sums(arriving["arrival_date"], arriving["units"])]
    marks += [
        Mark(day, f"+{units:,.0f} plan", "good") for day, units in _sums(incoming["arrival_date"], incoming["units"])
    ]
    marks += [
        Mark(day, f"−{units:,.0f} plan", "supply") for day, units in _sums(leaving["ship_date"], leaving["units"])
    ]
    return Chart(
        f"Expected stock at {row['hub']}",
        list(days),
        series,
        [mark for mark in marks if mark.day <= days[-1]],
    )


def _on_days(days: pd.DatetimeIndex, when: pd.Series, units: pd.Series, as_of: date) -> np.ndarray:
    """Return units by day; what is due before the first day counts on the first."""
    known = np.maximum(pd.to_datetime(when).to_numpy("datetime64[us]"), np.datetime64(as_of))
    place = np.searchsorted(days.to_numpy(), known)
    result = np.zeros(len(days) + 1)
    np.add.at(result, np.minimum(place, len(days)), units.to_numpy("float64"))
    return result[:-1]


def _stock(start: float, change: np.ndarray, demand: np.ndarray) -> np.ndarray:
    """Return the stock at the end of each day; unmet demand is lost."""
    result, stock = np.zeros(len(change)), start
    for day in range(len(change)):
        stock = max(0.0, stock + change[day] - demand[day])
        result[day] = stock
    return result


def _demand_range(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return demand by day whose sums up to each day are the ends of the 90% range of the sum, days being independent."""
    total, spread = np.cumsum(mean), _NORMAL_95 * np.sqrt(np.cumsum(variance))
    low = np.maximum.accumulate(np.maximum(total - spread, 0.0))
    return np.diff(low, prepend=0.0), np.diff(np.maximum.accumulate(total + spread), prepend=0.0)


def _sums(when: pd.Series, units: pd.Series) -> list[tuple[pd.Timestamp, float]]:
    grouped = units.astype("float64").groupby(pd.to_datetime(when)).sum()
    return [(pd.Timestamp(day), float(value)) for day, value in grouped.items()]  # type: ignore[arg-type] # days of the index


def _line(row: dict[Any, Any], position: pd.DataFrame, service: pd.DataFrame) -> dict[Any, Any]:
    at_hub = position.set_index("hub")
    here = {
        end: at_hub.loc[row[end]].to_dict() if row[end] in at_hub.index else None for end in ("origin", "destination")
    }
    options: list[Alternative] = alternatives(row.get("next_best"))
    return {
        **row,
        "argument": argument(row, Evidence(here["origin"], here["destination"], service)),
        "alternatives": options,
    }


def _region(
    row: dict[Any, Any],
    forecast: pd.DataFrame,
    inputs: dict[str, pd.DataFrame],
    events: pd.DataFrame,
    settings: Settings,
) -> dict[Any, Any]:
    region = row["region"]
    ahead = forecast[forecast["region"] == region].sort_values("date")
    past = _of_region(inputs.get("sales", pd.DataFrame()), region)
    return {
        **row,
        "chart": _fan(region, ahead, past, _marks(inputs, events, region, ahead), settings) if len(ahead) else None,
    }


def _of_region(frame: pd.DataFrame, region: str) -> pd.DataFrame:
    return frame[frame["region"].astype(str) == region] if len(frame) else frame


def _fan(region: str, ahead: pd.DataFrame, past: pd.DataFrame, marks: list[Mark], settings: Settings) -> Chart:
    """Return sales of the last periods and of last year, and the forecast with its intervals."""
    step, first = settings.grid.days, pd.Timestamp(ahead["date"].iloc[0])
    days = [first + pd.Timedelta(days=step * number) for number in range(-_HISTORY_PERIODS, len(ahead))]
    sold = (
        past.groupby("date")["units_sold"].sum()
        if len(past)
        else pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    )
    fill = 0.0 if settings.series.missing_sales == "zero" and len(sold) else np.nan
    recent = sold.reindex(days[:_HISTORY_PERIODS]).astype("float64")
    recent = recent.mask(recent.isna() & (recent.index > sold.index.min() if len(sold) else False), fill)
    before = sold.reindex([day - pd.Timedelta(days=_YEAR_DAYS) for day in days]).astype("float64").to_numpy()
    low, inner_low, inner_high, high = _interval_columns(settings)
    empty = [np.nan] * _HISTORY_PERIODS
    series = [
        Line("sold", [*recent, *[np.nan] * len(ahead)], "ink", 1.5),
        Line("", [*empty, *ahead[low]], "band", 0.0, band_to=2),
        Line("", [*empty, *ahead[high]], "band", 0.0),
        Line("", [*empty, *ahead[inner_low]], "band", 0.0, band_to=4),
        Line("", [*empty, *ahead[inner_high]], "band", 0.0),
        Line("forecast", [*empty, *ahead["mean_units"]], "accent"),
    ]
    if np.isfinite(before).any():
        series.append(Line("a year ago", before, "supply", 1.0, is_dashed=True))
    return Chart(f"Demand in {region}", days, series, marks)


def _interval_columns(settings: Settings) -> list[str]:
    """Return the columns of the outer and inner interval, from low to high."""
    levels = settings.forecast.quantiles
    return quantile_columns(
        tuple(min(levels, key=lambda level: abs(level - one)) for one in (0.025, 0.25, 0.75, 0.975))
    )


def _marks(inputs: dict[str, pd.DataFrame], events: pd.DataFrame, region: str, ahead: pd.DataFrame) -> list[Mark]:
    """Return promotions, changes of the price, and events from the start of the history on."""
    start, end = (
        pd.Timestamp(ahead["date"].iloc[0]) - pd.Timedelta(days=_HISTORY_PERIODS),
        pd.Timestamp(ahead["date"].iloc[-1]),
    )
    marks = [Mark(start + pd.Timedelta(days=_HISTORY_PERIODS), "", "line")]
    prices = _of_region(inputs.get("prices", pd.DataFrame()), region)
    if len(prices):
        prices = prices.sort_values("date")
        is_new = prices["unit_price_eur"].diff().fillna(0) != 0
        for row in prices[is_new & prices["date"].between(start, end)].tail(4).to_dict("records"):
            promoted = " promotion" if row.get("is_promoted") is True else ""
            marks.append(Mark(row["date"], f"{row['unit_price_eur']:,.2f}{promoted}", "supply"))
    if len(events):
        here = events["region"].isna() | (events["region"].astype(str) == region) if "region" in events else True
        rows = (
            events[here & events["date"].between(start, end)]
            if not isinstance(here, bool)
            else events[events["date"].between(start, end)]
        )
        marks += [
            Mark(row["date"], str(row["event"])[:18], "quiet")
            for row in rows.drop_duplicates("date").head(6).to_dict("records")
        ]
    return marks
