"""The network of a plan: the map of hubs and regions with the proposed flows, and each hub before and after the plan.

Here: the projection of places, flows summed by origin and destination, and sums of the table ``position`` by hub: stock, days of
supply, stockout probability, fill rate, storage, and the SKUs with the most expected lost sales. Not here: single proposals, the
drawing (``templates/network.html.j2``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

_MOST = 120
_MARK = 10.0
# Width of a letter and height of a line, in units of the map, at the font sizes of the style sheet.
_LETTER = {"hub": 13.5, "region": 9.5}
_LINE = {"hub": 20.0, "region": 15.0}
Box = tuple[float, float, float, float]
_AT_RISK = 0.5
_SHOWN = 8
_FILL = ("fill_rate", "fill_rate_before")
_SUMMED = ("units_on_hand", "units_inbound", "units_in", "units_out", "target_units")


@dataclass(frozen=True)
class Place:
    """A hub or region on the map; ``x`` points right, ``y`` down."""

    code: str
    name: str
    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Label:
    """A text whose baseline starts, is centered or ends at ``x``, ``y``, as ``anchor`` says (an SVG ``text-anchor``)."""

    text: str
    kind: str
    x: float
    y: float
    anchor: str


def labels(places: list[Place]) -> list[Label]:
    """Return the labels of hubs, then of regions, each next to its place.

    A hub is always labeled. A region is labeled only where its label covers no marker and no other label.
    A map of more than 120 places has no labels.
    """
    if len(places) > _MOST:
        return []
    taken = [_around(place) for place in places]
    result = []
    for place in sorted(places, key=lambda place: place.kind != "hub"):
        free = [(label, box) for label, box in _candidates(place) if not any(_overlap(box, other) for other in taken)]
        if free or place.kind == "hub":
            label, box = free[0] if free else next(_candidates(place))
            result.append(label)
            taken.append(box)
    return result


def _candidates(place: Place) -> Iterator[tuple[Label, Box]]:
    """Yield the label to the right, to the left, above and below, each with the box (left, top, right, bottom) it covers."""
    width, line = len(place.code) * _LETTER[place.kind], _LINE[place.kind]
    gap = _MARK + 3
    for anchor, x, y, left in (
        ("start", place.x + gap, place.y + line / 3, place.x + gap),
        ("end", place.x - gap, place.y + line / 3, place.x - gap - width),
        ("middle", place.x, place.y - gap, place.x - width / 2),
        ("middle", place.x, place.y + gap + line * 0.7, place.x - width / 2),
    ):
        yield (
            Label(place.code, place.kind, round(x, 1), round(y, 1), anchor),
            (left, y - line * 0.75, left + width, y + line * 0.2),
        )


def _around(place: Place) -> Box:
    return place.x - _MARK, place.y - _MARK, place.x + _MARK, place.y + _MARK


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


WIDTH = 1000.0
_MARGIN = 60.0
_HEIGHT_RANGE = (320.0, 640.0)


@dataclass(frozen=True)
class Flow:
    """All proposals from one place to another; ``path`` is an SVG path, empty without coordinates."""

    origin: str
    destination: str
    kind: str
    units: int
    lines: int
    departures: int
    benefit_eur: float
    path: str
    width: float


@dataclass(frozen=True)
class Sheet:
    """The map: its height (the width is ``WIDTH``), places, flows (largest first) and labels."""

    height: float
    places: list[Place]
    flows: list[Flow]
    labels: list[Label]


def network_sheet(tables: dict[str, pd.DataFrame], transfer: pd.DataFrame) -> Sheet:
    """Return the map of the hubs and regions that have coordinates, with the flows of ``transfer``.

    Longitudes are scaled by the cosine of the mean latitude, so that distances are comparable in both directions.
    """
    located = _located(tables)
    height, places = _project(located)
    by_code = {place.code: place for place in places if place.kind == "hub"}
    flows = _flows(transfer, by_code)
    return Sheet(height, places, flows, labels(places))


def _located(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    result = []
    for kind, table in (("region", "regions"), ("hub", "hubs")):
        frame = tables.get(table, pd.DataFrame())
        if {"latitude", "longitude"} <= set(frame.columns):
            names = frame["name"] if "name" in frame.columns else frame[kind]
            result.append(
                pd.DataFrame(
                    {
                        "code": frame[kind],
                        "name": names.fillna(frame[kind]),
                        "kind": kind,
                        "latitude": frame["latitude"],
                        "longitude": frame["longitude"],
                    }
                )
            )
    if not result:
        return pd.DataFrame(columns=["code", "name", "kind", "latitude", "longitude"])
    return pd.concat(result, ignore_index=True).dropna(subset=["latitude", "longitude"])


def _project(located: pd.DataFrame) -> tuple[float, list[Place]]:
    if located.empty:
        return _HEIGHT_RANGE[0], []
    east = located["longitude"] * math.cos(math.radians(float(located["latitude"].mean())))
    south = -located["latitude"]
    across, down = _extent(east), _extent(south)
    height = min(max(WIDTH * down / across, _HEIGHT_RANGE[0]), _HEIGHT_RANGE[1])
    scale = min((WIDTH - 2 * _MARGIN) / across, (height - 2 * _MARGIN) / down)
    x = WIDTH / 2 + (east - (east.min() + east.max()) / 2) * scale
    y = height / 2 + (south - (south.min() + south.max()) / 2) * scale
    rows = zip(located["code"], located["name"], located["kind"], x, y, strict=True)
    return height, [Place(str(code), str(name), kind, round(a, 1), round(b, 1)) for code, name, kind, a, b in rows]


def _extent(values: pd.Series) -> float:
    return max(float(values.max() - values.min()), 1e-3)


def _flows(transfer: pd.DataFrame, hubs: dict[str, Place]) -> list[Flow]:
    grouped = transfer.groupby(["kind", "origin", "destination"], sort=True).agg(
        units=("units", "sum"), lines=("units", "size"), departures=("departure_id", "nunique"), benefit_eur=("benefit_eur", "sum")
    )  # fmt: skip
    grouped = grouped.sort_values(["units"], ascending=False, kind="stable").reset_index()
    largest = float(grouped["units"].max()) if len(grouped) else 1.0
    return [
        Flow(
            origin, destination, kind, units, lines, departures, benefit_eur,
            path=_path(hubs.get(origin), hubs.get(destination)),
            width=round(1.5 + 7 * math.sqrt(units / max(largest, 1.0)), 1),
        )
        for kind, origin, destination, units, lines, departures, benefit_eur in grouped.to_numpy(object).tolist()
    ]  # fmt: skip


def _path(start: Place | None, end: Place | None) -> str:
    """Return an arc bent to the right of its direction, so that both directions of a pair are visible.

    From an origin without coordinates (a supplier) it is a short stroke from above. A destination without
    coordinates has no path.
    """
    if end is None:
        return ""
    if start is None:
        return f"M{end.x} {end.y - 46:.1f}L{end.x} {end.y - 13:.1f}"
    dx, dy = end.x - start.x, end.y - start.y
    length = max(math.hypot(dx, dy), 1e-6)
    bend = 0.16 * length
    cx, cy = (start.x + end.x) / 2 - dy / length * bend, (start.y + end.y) / 2 + dx / length * bend
    back = 13 / max(math.hypot(end.x - cx, end.y - cy), 13.0)
    tip_x, tip_y = end.x - (end.x - cx) * back, end.y - (end.y - cy) * back
    return f"M{start.x} {start.y}Q{cx:.1f} {cy:.1f} {tip_x:.1f} {tip_y:.1f}"


@dataclass(frozen=True)
class HubPosition:
    """One hub: units summed over SKUs, probabilities and fill rates weighted by expected demand, storage as shares.

    Attributes
    ----------
    skus_at_risk
        Number of SKUs with a stockout probability above 0.5.
    fill_rate, fill_rate_before
        Expected share of demand served from stock, with and without the plan; NaN for plans of earlier versions.
    storage_rate_before, storage_rate_after
        Share of the storage in use; ``None`` where the hub's capacity or the volumes are not known.
    worst
        Rows of ``position``, the most expected lost units first.
    """

    hub: str
    name: str
    units_on_hand: int
    units_inbound: int
    units_in: int
    units_out: int
    target_units: int
    days_of_supply: float
    stockout_probability: float
    skus_at_risk: int
    fill_rate: float
    fill_rate_before: float
    storage_rate_before: float | None
    storage_rate_after: float | None
    worst: pd.DataFrame


def hub_positions(tables: dict[str, pd.DataFrame], position: pd.DataFrame, as_of: date) -> list[HubPosition]:
    """Return the hubs of ``position``, sorted by id.

    Days of supply of a hub are its usable units of SKUs with demand divided by their daily demand. That equals the mean
    of the SKUs' days of supply weighted by expected demand, because days × demand is proportional to units.
    """
    hubs = tables.get("hubs", pd.DataFrame(columns=["hub"])).set_index("hub")
    names = hubs["name"] if "name" in hubs.columns else pd.Series(dtype=str)
    storage = _storage(tables, as_of)
    position = position.assign(**{name: float("nan") for name in _FILL if name not in position})
    volumes = _volumes(tables, position)
    return [
        _hub(str(hub), str(names.get(hub, "")), rows.join(volumes), storage.get(str(hub)))
        for hub, rows in position.groupby("hub", sort=True)
    ]


def _hub(hub: str, name: str, rows: pd.DataFrame, storage_l: float | None) -> HubPosition:
    sums = {column: int(rows[column].sum()) for column in _SUMMED}
    before = rows["units_on_hand"] + rows["units_inbound"]
    return HubPosition(
        hub=hub, name=name, **sums,
        days_of_supply=_weighted(rows, "days_of_supply"),
        stockout_probability=_weighted(rows, "stockout_probability"),
        skus_at_risk=int((rows["stockout_probability"] > _AT_RISK).sum()),
        fill_rate=_weighted(rows, "fill_rate"),
        fill_rate_before=_weighted(rows, "fill_rate_before"),
        storage_rate_before=_used(before * rows["volume_l"], storage_l),
        storage_rate_after=_used(rows["target_units"] * rows["volume_l"], storage_l),
        worst=_worst(rows),
    )  # fmt: skip


def _worst(rows: pd.DataFrame) -> pd.DataFrame:
    lost = (1.0 - rows["fill_rate"]) * rows["expected_demand_units"]
    ordered = rows.assign(lost_units=lost).sort_values(["lost_units", "sku"], ascending=[False, True])
    return ordered[ordered["lost_units"] > 0].head(_SHOWN)


def _weighted(rows: pd.DataFrame, column: str) -> float:
    known = rows[rows[column].notna() & (rows["expected_demand_units"] > 0)]
    weight = float(known["expected_demand_units"].sum())
    return float((known[column] * known["expected_demand_units"]).sum()) / weight if weight else float("nan")


def _used(liters: pd.Series, storage_l: float | None) -> float | None:
    return None if not storage_l or liters.isna().all() else float(liters.sum()) / storage_l


def _volumes(tables: dict[str, pd.DataFrame], position: pd.DataFrame) -> pd.Series:
    skus = tables.get("skus", pd.DataFrame(columns=["sku"]))
    if "volume_l" not in skus.columns:
        return pd.Series(float("nan"), index=position.index, name="volume_l")
    return position["sku"].map(skus.set_index("sku")["volume_l"]).astype(float).rename("volume_l")


def _storage(tables: dict[str, pd.DataFrame], as_of: date) -> dict[str, float]:
    """Return the storage in liters of each hub with a limit; the last change on or before ``as_of`` counts."""
    hubs = tables.get("hubs", pd.DataFrame())
    limits = dict(zip(hubs["hub"], hubs["storage_l"], strict=True)) if "storage_l" in hubs.columns else {}
    changes = tables.get("hub_capacity", pd.DataFrame())
    if {"storage_l", "from_date"} <= set(changes.columns):
        known = changes[(changes["from_date"] <= pd.Timestamp(as_of)) & changes["storage_l"].notna()]
        whole = known[known["handling_class"].isna()] if "handling_class" in known.columns else known
        limits |= dict(
            zip(whole.sort_values("from_date")["hub"], whole.sort_values("from_date")["storage_l"], strict=True)
        )
    return {str(hub): float(limit) for hub, limit in limits.items() if pd.notna(limit)}
