"""The proposals and their departures, as compact columns the page filters and draws.

Here: order, names and numbers of the tables ``transfer`` and ``departure``. Not here: what a
proposal opens to (``details``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from review.packing import Names, dates, numbers, pack
from review.wording import moment


def ranked(transfer: pd.DataFrame) -> pd.DataFrame:
    """Return the proposals, best first: this night's before the outlook, by benefit, ties by id."""
    order = ["is_outlook", "benefit_eur", "proposal_id"]
    return transfer.sort_values(order, ascending=[True, False, True]).reset_index(drop=True)


def decided(transfer: pd.DataFrame) -> str:
    """Return what became of this night's proposals, as ``12 approved, 3 released, 5 open``; empty where all are open."""
    parts = transfer.loc[~transfer["is_outlook"].astype(bool), "status"]
    counted = parts[parts != "proposed"].value_counts(sort=False).sort_index()
    if counted.empty:
        return ""
    n_open = int((parts == "proposed").sum())
    return ", ".join([*(f"{count} {status}" for status, count in counted.items()), f"{n_open} open"])


def proposal_content(
    proposals: pd.DataFrame, departure: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> dict[str, object]:
    """Return what the page's list needs, as columns for JSON.

    ``proposals`` come ranked; ``departure`` holds every departure they name. Texts are numbers into
    ``texts``; ``departure`` of a proposal is the place of its departure in ``departures``.
    """
    names = Names()
    places = {departure_id: place for place, departure_id in enumerate(departure["departure_id"])}
    skus = _skus(proposals, tables)
    content: dict[str, object] = {
        "departures": _departures(departure, tables, names),
        "id": proposals["proposal_id"].tolist(),
        "sku": names.of(proposals["sku"]),
        "departure": [places[departure_id] for departure_id in proposals["departure_id"]],
        "outlook": [int(flag) for flag in proposals["is_outlook"]],
        "status": names.of(proposals["status"]),
        "binding": names.of(proposals["binding_constraints"]),
        "class": names.of(skus["handling_class"]),
        "owner": names.of(skus["owner"]),
        "label": names.of(skus["label"]),
    }
    for column, decimals in (
        ("units", 0),
        ("packs", 0),
        ("cost_eur", 2),
        ("benefit_eur", 2),
        ("loss_if_refused_eur", 2),
        ("kg_co2e", 1),
    ):
        content[column] = numbers(proposals[column], decimals)
    return content | {"texts": names.texts()}


def _skus(proposals: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    skus = tables.get("skus", pd.DataFrame(columns=["sku"])).set_index("sku")
    result = skus.reindex(index=proposals["sku"], columns=["handling_class", "owner", "name"]).reset_index(drop=True)
    result["handling_class"] = result["handling_class"].fillna("ambient")
    return result.rename(columns={"name": "label"})


def _departures(departure: pd.DataFrame, tables: dict[str, pd.DataFrame], names: Names) -> dict[str, object]:
    result: dict[str, object] = {
        column: names.of(departure[column]) for column in ("departure_id", "lane", "kind", "origin", "destination")
    }
    result["decide_by"] = names.of(_cutoffs(departure, tables))
    for column in ("ship_date", "arrival_date"):
        result[column] = dates(departure[column])
    for column, decimals in (
        ("loads", 0),
        ("units", 0),
        ("lines", 0),
        ("volume_fill_rate", 3),
        ("mass_fill_rate", 3),
        ("fixed_eur", 2),
        ("benefit_eur", 2),
    ):
        result[column] = numbers(departure[column], decimals)
    return result


def _cutoffs(departure: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return the last moment to decide on each departure, on the clock of its origin.

    A supplier has no clock here; then it is the destination's, and UTC where neither hub has one.
    """
    hubs = tables.get("hubs", pd.DataFrame())
    zones: dict[str, str] = {}
    if "timezone" in hubs.columns:
        zones = dict(zip(hubs["hub"].tolist(), hubs["timezone"].fillna("UTC").tolist(), strict=True))
    columns = (departure[name].tolist() for name in ("origin", "destination", "decide_by"))
    return [
        moment(decide_by, zones.get(origin, zones.get(destination, "UTC")))
        for origin, destination, decide_by in zip(*columns, strict=True)
    ]


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
    piece["instead"] = {
        str(place): values for place, _, *values in reasons[sku] if any(word is not None for word in values)
    }
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
    result: Rows = defaultdict(list)
    for key, *row in zip(keys, *columns, strict=True):
        result[key].append(row)
    return dict(result)


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
