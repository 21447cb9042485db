"""The grid of proposals: filter, sort and window of up to 100,000 lines, grouped by departure.

The lines of a plan do not change, so their sort keys and search text are computed once; states are read at every query.
Not here: the appearance of a row (``static/grid.js``), decisions (``workspace``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.keys import ranks
from foundation.wording import day, moment, short_moment
from serve.workspace import OpenPlan

SORTS = (
    "departure", "sku", "origin", "destination", "units", "benefit_eur", "cost_eur", "loss_if_refused_eur", "decide_by", "arrival_date", "status",
)  # fmt: skip
FILTERS = ("kind", "category", "handling_class", "owner")
_TEXTS = ("sku", "origin", "destination", "lane", "departure_id", "proposal_id", "category", "owner")
_LONGEST_SEARCH = 200
_MOST_CACHED = 64
_STATUS_RANK = {"proposed": 0, "approved": 1, "rejected": 2, "released": 3, "executed": 4, "superseded": 5}


@dataclass(frozen=True)
class Query:
    """Conditions on lines, each empty for all, and their order.

    Attributes
    ----------
    search
        Words that all occur in a line's SKU, places, lane, departure, id, category or owner.
    hub
        Origin or destination.
    status, kind, category, handling_class, owner, departure
        Exact values.
    sort
        One of SORTS; ``is_descending`` reverses it.
    is_grouped
        Whether the row of each departure precedes its lines.
    is_folded
        Whether only the rows of departures are shown.
    """

    search: str = ""
    hub: str = ""
    status: str = ""
    kind: str = ""
    category: str = ""
    handling_class: str = ""
    owner: str = ""
    departure: str = ""
    sort: str = "departure"
    is_descending: bool = False
    is_grouped: bool = True
    is_folded: bool = False


@dataclass(frozen=True)
class Window:
    """A part of the rows that match a query.

    Attributes
    ----------
    n_rows, n_lines
        Number of all rows, with those of departures, and of lines alone.
    rows
        Rows from ``offset`` on, as values for JSON.
    """

    n_rows: int
    n_lines: int
    offset: int
    rows: list[dict[str, Any]]


class Grid:
    """The grid of one open plan."""

    def __init__(self, plan: OpenPlan) -> None:
        self._plan = plan
        lines = plan.lines
        texts = [pa.array(lines[name].astype("str").fillna(""), pa.string()) for name in _TEXTS]
        self._search = pc.utf8_lower(pc.binary_join_element_wise(*texts, " "))
        self._codes = {
            name: pd.Categorical(lines[name].astype(str))
            for name in (*FILTERS, "origin", "destination", "departure_id")
        }
        order = plan.departures.sort_values(["decide_by", "departure_id"], kind="stable")["departure_id"]
        place = pd.Series(np.arange(len(order)), index=order)
        self._departure_rank = lines["departure_id"].map(place).fillna(len(order)).to_numpy("int64")
        self._departure_row = (
            lines["departure_id"]
            .map(pd.Series(np.arange(len(plan.departures)), index=plan.departures["departure_id"]))
            .fillna(-1)
            .to_numpy("int64")
        )
        self._keys = {name: _sort_key(lines[name]) for name in SORTS if name in lines}
        self._keys["departure"] = self._departure_rank
        self._cache: dict[tuple[Query, int], np.ndarray] = {}
        self._lock = threading.Lock()

    def choices(self) -> dict[str, list[str]]:
        """Return the values that filters offer, sorted; a filter with fewer than two values is left out."""
        hubs = sorted({*self._codes["origin"].categories, *self._codes["destination"].categories})
        values = {name: [one for one in self._codes[name].categories if one] for name in FILTERS}
        return {name: kept for name, kept in {"hub": hubs, **values}.items() if len(kept) > 1}

    def window(self, query: Query, offset: int, limit: int, now: pd.Timestamp) -> Window:
        """Return the rows from ``offset`` on, at most ``limit``; ``now`` decides which cut-offs have passed."""
        items = self._items(query)
        taken = items[offset : offset + limit]
        n_lines = int((items >= 0).sum()) if not query.is_folded else int(self.matching(query).sum())
        lines = iter(self._line_rows(taken[taken >= 0], now))
        departures = iter(self._departure_rows(-1 - taken[taken < 0], now))
        return Window(len(items), n_lines, offset, [next(lines) if item >= 0 else next(departures) for item in taken])

    def rows(self, query: Query) -> np.ndarray:
        """Return the numbers of the lines that match a query without groups, in its order, int64."""
        return self._items(query)

    def matching(self, query: Query) -> np.ndarray:
        """Return for each line whether it matches the query, bool (n_lines)."""
        chosen = np.ones(len(self._plan.lines), dtype=bool)
        for name in FILTERS:
            if value := getattr(query, name):
                chosen &= self._is(name, value)
        if query.hub:
            chosen &= self._is("origin", query.hub) | self._is("destination", query.hub)
        if query.departure:
            chosen &= self._is("departure_id", query.departure)
        if query.status:
            chosen &= self._plan.states.status == query.status
        for word in query.search.lower()[:_LONGEST_SEARCH].split():
            chosen &= pc.match_substring(self._search, word).to_numpy(zero_copy_only=False)
        return chosen

    def _is(self, name: str, value: str) -> np.ndarray:
        codes = self._codes[name]
        return np.asarray(codes.codes == (list(codes.categories).index(value) if value in codes.categories else -2))

    def _items(self, query: Query) -> np.ndarray:
        """Return the rows in order: a line's number, or −1 − the number of a departure."""
        key = (query, self._plan.revision if query.status or query.sort == "status" else -1)
        with self._lock:
            if key in self._cache:
                return self._cache[key]
        result = self._ordered(query)
        with self._lock:
            while len(self._cache) >= _MOST_CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = result
        return result

    def _ordered(self, query: Query) -> np.ndarray:
        rows = np.flatnonzero(self.matching(query))
        keys = (
            pd.Series(self._plan.states.status).map(_STATUS_RANK).to_numpy()
            if query.sort == "status"
            else self._keys[query.sort]
        )
        by = -keys[rows] if query.is_descending else keys[rows]
        if query.sort == "departure":
            rows = rows[np.lexsort((-self._plan.lines["benefit_eur"].to_numpy()[rows], by))]
        elif query.is_grouped:
            rows = rows[np.lexsort((by, self._departure_rank[rows]))]
        else:
            rows = rows[np.argsort(by, kind="stable")]
        if not query.is_grouped:
            return rows
        ranks_here = self._departure_rank[rows]
        starts = np.flatnonzero(np.diff(ranks_here, prepend=-1))
        heads = -1 - self._departure_row[rows[starts]]
        return heads if query.is_folded else np.insert(rows, starts, heads)

    def _line_rows(self, rows: np.ndarray, now: pd.Timestamp) -> list[dict[str, Any]]:
        states, result = self._plan.states, []
        moments = states.moments(rows)
        for place, (row, line) in enumerate(zip(rows, self._plan.lines.iloc[rows].to_dict("records"), strict=True)):
            units, packs, decided = int(line["units"]), max(int(line["packs"]), 1), states.units[row]
            result.append(
                {
                    "type": "line", "id": line["proposal_id"], "version": states.version(row), "sku": line["sku"],
                    "category": line["category"], "owner": line["owner"], "origin": line["origin"],
                    "destination": line["destination"], "kind": line["kind"], "departure": line["departure_id"],
                    "units": units, "pack": units // packs, "decided": None if np.isnan(decided) else int(decided),
                    "benefit": round(float(line["benefit_eur"]), 2), "cost": round(float(line["cost_eur"]), 2),
                    "loss": round(float(line["loss_if_refused_eur"]), 2), "arrives": f"{line['arrival_date']:%b} {line['arrival_date'].day}",
                    "status": states.status[row], "outlook": bool(line["is_outlook"]), "late": bool(line["decide_by"] < now),
                    "by": states.by[row], "reason": states.reason[row],
                    "at": "" if states.decided_at[row] == 0 else moment(moments.iat[place]),
                }
            )  # fmt: skip
        return result

    def _departure_rows(self, rows: np.ndarray, now: pd.Timestamp) -> list[dict[str, Any]]:
        return [departure_row(self._plan, int(row), now) for row in rows]


def departure_row(plan: OpenPlan, row: int, now: pd.Timestamp) -> dict[str, Any]:
    """Return a departure as values for JSON: its plan, and its worth after the decisions."""
    departure = plan.departures.iloc[row]
    worth: dict[str, Any] = {
        str(name): plan.worth[name].iat[row] for name in plan.worth
    }  # a row of a frame has one dtype
    counts = {status: int(worth[status]) for status in _STATUS_RANK}
    return {
        "type": "departure", "id": departure["departure_id"], "version": str(worth["version"]), "lane": departure["lane"],
        "kind": departure["kind"], "origin": departure["origin"], "destination": departure["destination"],
        "ships": day(departure["ship_date"]), "ships_short": f"{departure['ship_date']:%b} {departure['ship_date'].day}", "arrives": day(departure["arrival_date"]),
        "cutoff": departure["decide_by"].isoformat(), "cutoff_text": moment(departure["decide_by"], plan.timezone(departure["origin"])),
        "cutoff_short": short_moment(departure["decide_by"], plan.timezone(departure["origin"])),
        "late": bool(departure["decide_by"] < now), "units": int(worth["kept"]), "lines": sum(counts.values()),
        "counts": counts, "fill": _known(worth["fill_rate"]), "loads": _known(worth["loads_needed"]),
        "planned_loads": _known(departure["loads"]), "value": _known(worth["value_eur"]),
        "pays": bool(worth["value_eur"] >= 0 or worth["kept"] == 0),
    }  # fmt: skip


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 4)


def _sort_key(values: pd.Series) -> np.ndarray:
    """Return numbers in the order of the values."""
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64").to_numpy()
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.astype("int64").to_numpy()
    return ranks(values.astype("str"))[0]
