"""What a proposal opens to: reasons, stock and arrivals by hub, service and forecast by region.

Here: one small piece per sku, in packs that the page unpacks when one of their skus is opened.
Not here: the list of proposals or how a piece is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from review.packing import dates, numbers, pack

SKUS_PER_PACK = 24
Rows = dict[str, list[list[Any]]]


@dataclass(frozen=True)
class Details:
    """Packs of details; sku ``n`` of ``skus`` is in pack ``n // SKUS_PER_PACK``.

    ``skus_with_curves`` says how many skus, from the first on, have their forecast curves in it.
    """

    skus: list[str]
    packs: list[str]
    skus_with_curves: int


def details(proposals: pd.DataFrame, parts: dict[str, Rows], curves_mb: float) -> Details:
    """Return the details of every proposed sku, the best proposal's sku first.

    ``parts`` maps ``hubs``, ``inbound``, ``service`` and ``curves`` to rows by sku. Once the packs
    hold ``curves_mb`` million letters, later ones come without ``curves``.
    """
    skus = list(dict.fromkeys(proposals["sku"]))
    reasons = rows_by(proposals["sku"], [range(len(proposals)), proposals["reason"], *_instead(proposals)])
    packs: list[str] = []
    with_curves = 0
    for start in range(0, len(skus), SKUS_PER_PACK):
        batch = skus[start : start + SKUS_PER_PACK]
        has_curves = sum(map(len, packs)) < curves_mb * 1e6
        with_curves += len(batch) if has_curves else 0
        packs.append(pack({sku: _piece(sku, reasons, parts, has_curves) for sku in batch}))
    return Details(skus, packs, with_curves)


def _piece(sku: str, reasons: Rows, parts: dict[str, Rows], has_curves: bool) -> dict[str, object]:
    piece: dict[str, object] = {name: rows.get(sku, []) for name, rows in parts.items() if name != "curves"}
    piece["reasons"] = {str(place): reason for place, reason, *_ in reasons[sku]}
    piece["instead"] = {str(place): said for place, _, *said in reasons[sku] if any(word is not None for word in said)}
    piece["curves"] = parts["curves"].get(sku, []) if has_curves else None
    return piece


def _instead(proposals: pd.DataFrame) -> list[list[Any]]:
    """Return by proposal the next-best alternative, what is lost with nothing in its place, and how often the line pays.

    None where a plan does not say, as those of earlier versions.
    """
    absent = pd.Series(index=proposals.index, dtype="float64")
    next_best = proposals.get("next_best", absent).astype("object")
    figures = [
        numbers(proposals.get(name, absent), decimals)
        for name, decimals in (("loss_if_dropped_eur", 2), ("pays_rate", 3))
    ]
    return [next_best.where(next_best.notna(), None).tolist(), *figures]


def rows_by(keys: Iterable[str], columns: Sequence[Iterable[Any]]) -> Rows:
    """Return rows made of ``columns`` by key, in their order."""
    found: Rows = defaultdict(list)
    for key, *row in zip(keys, *columns, strict=True):
        found[key].append(row)
    return dict(found)


def hub_rows(position: pd.DataFrame) -> Rows:
    """Return by sku: hub, units on hand, inbound, out, in, target, expected demand, stockout probability, days of supply, fill rate."""
    frame = position.sort_values(["sku", "hub"])
    whole = [
        numbers(frame[name], 0) for name in ("units_on_hand", "units_inbound", "units_out", "units_in", "target_units")
    ]
    rest = [
        numbers(frame["expected_demand_units"], 1),
        numbers(frame["stockout_probability"], 3),
        numbers(frame["days_of_supply"], 1),
        numbers(frame.get("fill_rate", pd.Series(index=frame.index, dtype="float64")), 3),
    ]
    return rows_by(frame["sku"], [frame["hub"], *whole, *rest])


def inbound_rows(inbound: pd.DataFrame) -> Rows:
    """Return by sku: hub, arrival date, units and id of every order line on its way."""
    if inbound.empty:
        return {}
    frame = inbound.sort_values(["sku", "arrival_date", "hub", "inbound_id"])
    return rows_by(
        frame["sku"], [frame["hub"], dates(frame["arrival_date"]), numbers(frame["units"], 0), frame["inbound_id"]]
    )


def service_rows(service: pd.DataFrame) -> Rows:
    """Return by sku: region, demand, then local, spilled, late and lost units before and after, and source hubs."""
    frame = service.sort_values(["sku", "region"])
    names = [f"{name}_units{ending}" for name in ("local", "spilled", "late", "lost") for ending in ("_before", "")]
    columns = [numbers(frame[name], 1) for name in ("demand_units", *names)]
    return rows_by(frame["sku"], [frame["region"], *columns, frame["source_hubs"].fillna("")])
