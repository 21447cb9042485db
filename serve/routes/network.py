"""The network page: the map of hubs, regions, and flows over coastlines and borders; the hubs and the use of their capacities.

Not here: its appearance (``templates/network.html.j2``).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import Response

from foundation.store import files
from foundation.wording import Money
from serve.chart import Chart, Line
from serve.routes.request import plan_content, plan_of, services_of
from serve.tables import Tables
from serve.templating import page
from serve.workspace import OpenPlan

router = APIRouter(include_in_schema=False)
WIDTH, MOST_HEIGHT, LEAST_HEIGHT = 1000.0, 620.0, 320.0
_MARGIN_DEGREES = 2.0
_PRICE_KINDS = "capacity_blocks"
_REJECTED = ("rejected", "superseded")
_LIMITS = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
_SUMMED = [
    "units_on_hand", "units_inbound", "units_in", "units_out", "target_units", "expected_demand_units", "liters", "served",
    "served_before", "n_risky",
]  # fmt: skip
_LIKELY = 0.5
_COLORS = ("accent", "supply", "good", "ink")


@router.get("/network")
def network(request: Request, as_of: str = "") -> Response:
    """Show the map with flows, the hubs with their capacities in use, and the value of more capacity."""
    plan, services = plan_of(request, as_of), services_of(request)
    settings = services.workspace.settings
    drawn = network_map(services.network(plan), plan)
    content = {
        "map": drawn,
        "flows": list(reversed(drawn.flows)) if drawn.places else [],
        "hubs": hubs_of(services, plan),
        "prices": capacity_prices(
            services.tables, plan.as_of, settings.serve.trend_runs, Money(settings.currency).sign
        ),
    }
    return page(request, "network.html.j2", {**plan_content(request, plan), **content})


@dataclass(frozen=True)
class Projection:
    """Degrees to map units: longitudes shrink by the cosine of the middle latitude."""

    west: float
    north: float
    scale: float
    shrink: float
    height: float

    @classmethod
    def around(cls, latitudes: pd.Series, longitudes: pd.Series) -> Projection:
        """Return the projection that shows all points with a margin."""
        middle = float(latitudes.min() + latitudes.max()) / 2
        shrink = max(math.cos(math.radians(middle)), 0.2)
        margin = max(_MARGIN_DEGREES, 0.06 * float(longitudes.max() - longitudes.min()))
        width = (float(longitudes.max() - longitudes.min()) + 2 * margin) * shrink
        tall = float(latitudes.max() - latitudes.min()) + 2 * margin
        scale = min(WIDTH / width, MOST_HEIGHT / tall)
        height = max(LEAST_HEIGHT, tall * scale)
        center = float(longitudes.min() + longitudes.max()) / 2
        return cls(center - WIDTH / scale / shrink / 2, middle + height / scale / 2, scale, shrink, round(height, 1))

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return x (to the right) and y (down) of a place."""
        return round((longitude - self.west) * self.shrink * self.scale, 1), round(
            (self.north - latitude) * self.scale, 1
        )

    def path(self, flat: list[float], is_closed: bool) -> str:
        """Return the SVG path of a line of longitudes and latitudes; empty if it is outside the map."""
        x = (np.array(flat[0::2]) - self.west) * self.shrink * self.scale
        y = (self.north - np.array(flat[1::2])) * self.scale
        if x.max() < 0 or x.min() > WIDTH or y.max() < 0 or y.min() > self.height:
            return ""
        x, y = np.clip(x, -3000, 4000), np.clip(y, -3000, 4000)
        points = [f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)]
        kept = [one for number, one in enumerate(points) if number == 0 or one != points[number - 1]]
        return f"M{'L'.join(kept)}{'Z' if is_closed else ''}" if len(kept) > 1 else ""


@dataclass(frozen=True)
class Map:
    """The map: paths of land, borders and states, places with coordinates, and flows, the largest last."""

    height: float = LEAST_HEIGHT
    land: str = ""
    borders: str = ""
    places: list[dict[Any, Any]] = field(default_factory=list)
    flows: list[dict[Any, Any]] = field(default_factory=list)


@cache
def _geography() -> dict[str, list[list[float]]]:
    place = resources.files("serve") / "static" / "vendor" / "geography.json"
    return dict(json.loads(files.read_text(str(place))))


def network_map(inputs: dict[str, pd.DataFrame], plan: OpenPlan) -> Map:
    """Return the map of hubs and regions with coordinates, and the flows of lines that are not rejected."""
    located = pd.concat(
        [_located(inputs.get(f"{kind}s", pd.DataFrame()), kind) for kind in ("region", "hub")], ignore_index=True
    )
    if located.empty:
        return Map()
    projection = Projection.around(located["latitude"], located["longitude"])
    shapes = _geography()
    lines = [projection.path(one, is_closed=False) for name in ("borders", "states") for one in shapes[name]]
    land = [projection.path(one, is_closed=True) for one in shapes["land"]]
    places = []
    for row in located.to_dict("records"):
        x, y = projection.point(row["latitude"], row["longitude"])
        places.append({"name": row["name"], "kind": row["kind"], "x": x, "y": y})
    _place_labels(places)
    at_hub = {one["name"]: one for one in places if one["kind"] == "hub"}
    return Map(projection.height, "".join(land), "".join(lines), places, _flows(plan, at_hub))


def _located(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    if not {"latitude", "longitude"} <= set(frame):
        return pd.DataFrame({"name": [], "latitude": [], "longitude": [], "kind": []})
    known = frame.dropna(subset=["latitude", "longitude"])
    return pd.DataFrame(
        {
            "name": known[kind].astype(str),
            "latitude": known["latitude"].astype(float),
            "longitude": known["longitude"].astype(float),
            "kind": kind,
        }
    )


def _place_labels(places: list[dict[Any, Any]]) -> None:
    """Set the side of each label where it covers no earlier label or hub; a region without a free side has none."""
    taken = [(one["x"] - 8, one["y"] - 8, one["x"] + 8, one["y"] + 8) for one in places]
    for one in sorted(places, key=lambda place: place["kind"] != "hub"):
        letter, size = (11.0, 18) if one["kind"] == "hub" else (8.4, 14)
        width, x, y = letter * len(one["name"]), one["x"], one["y"]
        margin = width if one["kind"] == "hub" else 0.0  # narrow screens write the names of hubs twice as wide
        sides = {
            "start": (x + 10, y - size / 2, x + 12 + width, y + size / 2),
            "end": (x - 12 - width, y - size / 2, x - 10, y + size / 2),
        }
        free = [
            side
            for side, box in sides.items()
            if box[0] > margin and box[2] < WIDTH - margin and not any(_overlap(box, other) for other in taken)
        ]
        one["side"] = free[0] if free else ("start" if one["kind"] == "hub" else "")
        if one["side"]:
            taken.append(sides[one["side"]])


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _flows(plan: OpenPlan, hubs: dict[str, dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Return flows by origin and destination, the largest last, so that it is drawn on top."""
    is_moving = ~np.isin(plan.states.status.astype(str), _REJECTED)
    lines = plan.lines[is_moving]
    units = np.where(np.isnan(plan.states.units), lines_units(plan), plan.states.units)[is_moving]
    grouped = lines.assign(moved=units).groupby(["kind", "origin", "destination"], as_index=False).agg(
        units=("moved", "sum"), lines=("sku", "size"), departures=("departure_id", "nunique"), benefit_eur=("benefit_eur", "sum")
    )  # fmt: skip
    grouped = grouped.sort_values("units", kind="stable")
    most = float(grouped["units"].max()) if len(grouped) else 1.0
    return [
        row | {"path": _arc(hubs.get(row["origin"]), hubs.get(row["destination"])), "width": round(2 + 7 * math.sqrt(row["units"] / max(most, 1.0)), 1)}
        for row in grouped.to_dict("records")
    ]  # fmt: skip


def lines_units(plan: OpenPlan) -> np.ndarray:
    """Return the proposed units of every line, float64 (n_lines)."""
    return plan.lines["units"].astype("float64").to_numpy()


def _arc(start: dict[Any, Any] | None, end: dict[Any, Any] | None) -> str:
    """Return an arc bent to the right of its direction; a stroke from above where the origin has no place; empty without an end."""
    if end is None:
        return ""
    if start is None:
        return f"M{end['x']} {end['y'] - 52:.1f}L{end['x']} {end['y'] - 14:.1f}"
    dx, dy = end["x"] - start["x"], end["y"] - start["y"]
    bend_x, bend_y = (start["x"] + end["x"]) / 2 - 0.16 * dy, (start["y"] + end["y"]) / 2 + 0.16 * dx
    rest = max(math.hypot(end["x"] - bend_x, end["y"] - bend_y), 14.0)
    tip_x, tip_y = (end[axis] - (end[axis] - bend) * 14 / rest for axis, bend in (("x", bend_x), ("y", bend_y)))
    return f"M{start['x']} {start['y']}Q{bend_x:.1f} {bend_y:.1f} {tip_x:.1f} {tip_y:.1f}"


def hubs_of(services: Any, plan: OpenPlan) -> list[dict[Any, Any]]:
    """Return the hubs of a plan with their capacities in use."""
    return hub_rows(services.network(plan), services.tables.read("position", plan.as_of), plan)


def hub_rows(inputs: dict[str, pd.DataFrame], position: pd.DataFrame, plan: OpenPlan) -> list[dict[Any, Any]]:
    """Return one row per hub: sums over SKUs, fill rates weighted by demand, and the shares of its capacities in use.

    Capacity per period is compared with the busiest period: the units that the plan moves in it, and those of confirmed arrivals.
    """
    limits = _limits(inputs, plan.as_of)
    skus = inputs.get("skus", pd.DataFrame({"sku": []})).astype({"sku": "str"}).set_index("sku")
    known = skus["volume_l"] if "volume_l" in skus else pd.Series(dtype="float64")
    demand, risk = position["expected_demand_units"], position["stockout_probability"]
    rows = position.assign(
        liters=position["sku"].map(known).astype("float64") * position["target_units"], served=position["fill_rate"] * demand,
        served_before=position["fill_rate_before"] * demand, n_risky=(risk > _LIKELY) & (demand > 0),
    )  # fmt: skip
    sums = rows.groupby("hub")[_SUMMED].sum().astype("float64")
    expected = confirmed_arrivals(inputs.get("inbound", pd.DataFrame()), plan.as_of).rename(
        columns={"arrival_date": "day"}
    )
    busiest = {
        "destination": _busiest(plan, ("destination", "arrival_date"), expected),
        "origin": _busiest(plan, ("origin", "ship_date")),
    }
    result = []
    for hub, row in zip(sums.index.astype(str), sums.to_dict("records"), strict=True):
        limit = limits.loc[hub] if hub in limits.index else pd.Series(dtype="float64")
        need = row["expected_demand_units"]
        result.append(
            {
                "hub": hub, **row, "fill": row["served"] / need if need else None, "fill_before": row["served_before"] / need if need else None,
                "storage_l": limit.get("storage_l"), "storage": _share(row["liters"] or float("nan"), limit.get("storage_l")),
                "inbound": _share(busiest["destination"].get(hub, 0.0), limit.get("inbound_units_per_period")),
                "outbound": _share(busiest["origin"].get(hub, 0.0), limit.get("outbound_units_per_period")),
            }
        )  # fmt: skip
    return result


def confirmed_arrivals(inbound: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the rows of the input ``inbound``, of its latest snapshot, that arrive after a date."""
    if inbound.empty:
        return pd.DataFrame({"hub": [], "arrival_date": pd.Series(dtype="datetime64[us]"), "units": []})
    if "as_of" in inbound and inbound["as_of"].notna().any():
        inbound = inbound[inbound["as_of"] == inbound["as_of"].max()]
    return inbound[inbound["arrival_date"] > pd.Timestamp(as_of)]


def _limits(inputs: dict[str, pd.DataFrame], as_of: date) -> pd.DataFrame:
    """Return the capacities of hubs; the last change of a whole hub on or before the planning date counts."""
    hubs = inputs.get("hubs", pd.DataFrame({"hub": []})).astype({"hub": "str"}).set_index("hub")
    limits = hubs.reindex(columns=list(_LIMITS)).astype("float64")
    changes = inputs.get("hub_capacity", pd.DataFrame())
    if changes.empty:
        return limits
    is_whole = changes["handling_class"].isna() if "handling_class" in changes else True
    latest = changes[(changes["from_date"] <= pd.Timestamp(as_of)) & is_whole].sort_values("from_date")
    latest = latest.astype({"hub": "str"}).groupby("hub").last().reindex(index=limits.index, columns=list(_LIMITS))
    return latest.astype("float64").fillna(limits)


def _busiest(plan: OpenPlan, names: tuple[str, str], others: pd.DataFrame | None = None) -> dict[str, float]:
    """Return the most units of a day by hub: those of the plan without rejected lines, and ``others`` (`hub`, `day`, `units`).

    ``names`` are the columns of the hub and of the day. Days after the plan's last one do not count.
    """
    is_moving = ~np.isin(plan.states.status.astype(str), _REJECTED)
    proposed = plan.lines["units"].astype("float64").to_numpy()
    units = np.where(np.isnan(plan.states.units), proposed, plan.states.units)[is_moving]
    moved = plan.lines.loc[is_moving, list(names)].set_axis(["hub", "day"], axis=1).assign(units=units)
    if others is not None and len(others):
        last = plan.lines[names[1]].max() if len(plan.lines) else pd.Timestamp(plan.as_of)
        moved = pd.concat([moved, others.loc[others["day"] <= last, ["hub", "day", "units"]]])
    by_day = moved.astype({"hub": "str", "units": "float64"}).groupby(["hub", "day"])["units"].sum()
    return {str(hub): float(value) for hub, value in by_day.groupby(level=0).max().items()}


def _share(used: float, limit: float | None) -> float | None:
    return None if limit is None or pd.isna(limit) or limit <= 0 or pd.isna(used) else used / limit


@dataclass(frozen=True)
class CapacityPrices:
    """What 10% more of each limiting capacity would save, by run.

    Attributes
    ----------
    runs
        Planning dates of the runs, ascending, the plan's own last.
    rows
        One row per capacity that limited a run, the most valuable first: ``capacity``, ``hub``, ``now``, ``mean`` over all runs, ``n_runs``
        that it limited.
    chart
        The largest ones by run; None with a single run.
    """

    runs: list[pd.Timestamp]
    rows: list[dict[str, Any]]
    chart: Chart | None


def capacity_prices(tables: Tables, as_of: date, n_runs: int, currency: str) -> CapacityPrices:
    """Return what more capacity would save in a plan and in the runs before it, at most ``n_runs`` with it."""
    dates = tables.read("plan")["as_of"]
    runs = sorted(dates[dates <= pd.Timestamp(as_of)].unique())[-n_runs:]
    rows = tables.read("exception")
    rows = rows[rows["kind"].str.startswith(_PRICE_KINDS) & rows["as_of"].isin(runs)]
    prices = rows.pivot_table(index=["kind", "hub"], columns="as_of", values="eur", aggfunc="sum")
    prices = prices.reindex(columns=runs).fillna(0.0)
    prices = prices.iloc[np.lexsort((-prices.mean(axis=1), -prices[runs[-1]]))] if len(prices) else prices
    result = [
        {"capacity": _capacity(kind), "hub": hub, "now": values[-1], "mean": values.mean(), "n_runs": int((values > 0).sum())}
        for (kind, hub), values in zip(prices.index, prices.to_numpy(), strict=True)
    ]  # fmt: skip
    lines = [Line(f"{row['capacity']} at {row['hub']}", values.tolist(), color) for row, values, color in zip(result, prices.to_numpy(), _COLORS, strict=False)]  # fmt: skip
    chart = (
        Chart("What 10% more capacity would have saved, by run", runs, lines, unit=currency)
        if len(runs) > 1 and lines
        else None
    )
    return CapacityPrices(runs, result, chart)


def _capacity(kind: str) -> str:
    return kind.removeprefix(f"{_PRICE_KINDS}_").replace("_", " ")
