"""The proposals and their departures, as compact columns the page filters and draws.

Here: order, names and numbers of the tables ``transfer`` and ``departure``. Not here: what a
proposal opens to (``details``).
"""

from __future__ import annotations

import pandas as pd

from review.packing import Names, dates, numbers
from review.wording import moment


def ranked(transfer: pd.DataFrame) -> pd.DataFrame:
    """Return the proposals, best first: this night's before the outlook, by benefit, ties by id."""
    order = ["is_outlook", "benefit_eur", "proposal_id"]
    return transfer.sort_values(order, ascending=[True, False, True]).reset_index(drop=True)


def decided(transfer: pd.DataFrame) -> str:
    """Return what became of this night's proposals, as ``12 approved, 3 released, 5 open``; empty where all are open."""
    said = transfer.loc[~transfer["is_outlook"].astype(bool), "status"]
    counted = said[said != "proposed"].value_counts(sort=False).sort_index()
    if counted.empty:
        return ""
    n_open = int((said == "proposed").sum())
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
    found = skus.reindex(index=proposals["sku"], columns=["handling_class", "owner", "name"]).reset_index(drop=True)
    found["handling_class"] = found["handling_class"].fillna("ambient")
    return found.rename(columns={"name": "label"})


def _departures(departure: pd.DataFrame, tables: dict[str, pd.DataFrame], names: Names) -> dict[str, object]:
    found: dict[str, object] = {
        column: names.of(departure[column]) for column in ("departure_id", "lane", "kind", "origin", "destination")
    }
    found["decide_by"] = names.of(_cutoffs(departure, tables))
    for column in ("ship_date", "arrival_date"):
        found[column] = dates(departure[column])
    for column, decimals in (
        ("loads", 0),
        ("units", 0),
        ("lines", 0),
        ("volume_fill_rate", 3),
        ("mass_fill_rate", 3),
        ("fixed_eur", 2),
        ("benefit_eur", 2),
    ):
        found[column] = numbers(departure[column], decimals)
    return found


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
