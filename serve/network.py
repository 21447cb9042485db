"""The map of the network: hubs, regions, and the flows of the plan over coastlines and borders, and the places of their labels.

Not here: capacities (``hubs``), its appearance (``templates/network.html.j2``).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from foundation.store import files
from serve.workspace import OpenPlan

WIDTH, MOST_HEIGHT, LEAST_HEIGHT = 1000.0, 620.0, 320.0
_MARGIN_DEGREES = 2.0
_REJECTED = ("rejected", "superseded")


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
        sides = {
            "start": (x + 10, y - size / 2, x + 12 + width, y + size / 2),
            "end": (x - 12 - width, y - size / 2, x - 10, y + size / 2),
        }
        free = [
            side
            for side, box in sides.items()
            if box[0] > 0 and box[2] < WIDTH and not any(_overlap(box, other) for other in taken)
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
