"""Selection of proposals by id, filter or rule, and the units that a planner gives them.

Not here: whether a selected proposal may be decided (``decide``), the states of proposals (``ledger``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dispatch.ledger import states
from foundation.decision_sections import Rule
from foundation.errors import InputError, nearest
from foundation.keys import among

_SHORTEST_ID = 4


@dataclass(frozen=True)
class Filter:
    """Conditions on proposals. Every condition that is set must hold; bounds are included, and an empty tuple is no condition."""

    kinds: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    max_cost_eur: float | None = None
    min_benefit_eur: float | None = None
    max_benefit_eur: float | None = None
    max_units: int | None = None


def current(transfer: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the proposals of a plan with the ledger's ``status``, ``decided_units`` and ``decided_at``."""
    selected = decisions[among(decisions["proposal_id"], transfer["proposal_id"])]
    known = states(selected)[["proposal_id", "status", "units", "at"]]
    known = known.rename(columns={"units": "decided_units", "at": "decided_at"})
    joined = transfer.drop(columns="status").merge(known, on="proposal_id", how="left")
    return joined.assign(status=joined["status"].fillna("proposed"))


def by_id(proposals: pd.DataFrame, requested: Sequence[str]) -> pd.DataFrame:
    """Return the proposals with the ids ``requested``, or with an unambiguous beginning of an id of four characters or more.

    Raises ``InputError`` with a line for every name that fits no proposal or several.
    """
    ids = proposals["proposal_id"]
    exact = set(ids)
    result, faults = [], []
    for name in dict.fromkeys(requested):
        matches = [name] if name in exact else _beginning(ids, name)
        if len(matches) == 1:
            result.append(matches[0])
        elif matches:
            faults.append(f"{name!r} begins {len(matches)} proposals; give more of the id")
        elif len(name) < _SHORTEST_ID:
            faults.append(f"{name!r} is too short for an id; give {_SHORTEST_ID} characters or more")
        else:
            faults.append(f"there is no proposal {name!r}{nearest(name, ids.head(2000).tolist())}")
    if faults:
        raise InputError(*faults)
    return proposals[among(ids, pd.Series(result, dtype="str"))]


def by_filter(proposals: pd.DataFrame, requested: Filter) -> pd.DataFrame:
    """Return the proposals for which all conditions of ``requested`` hold.

    Raises ``InputError`` for a place, lane, kind or sku no proposal has.
    """
    return proposals[holds(proposals, requested)]


def holds(proposals: pd.DataFrame, requested: Filter) -> pd.Series:
    """Return for each proposal whether ``requested`` holds, bool; raises ``InputError`` for a name that no proposal has."""
    chosen = pd.Series(True, index=proposals.index)
    for column, names in _names(requested).items():
        if unknown := sorted(set(names) - set(proposals[column].unique())) if names else []:
            known = sorted(proposals[column].unique())
            raise InputError(f"no proposal has the {column} {unknown[0]!r}{nearest(unknown[0], known)}")
        chosen &= among(proposals[column], pd.Series(names, dtype="str")) if names else True
    return chosen & within(proposals, requested)


def within(proposals: pd.DataFrame, requested: Filter) -> pd.Series:
    """Return for each proposal whether it is within the bounds on cost, benefit and units, bool."""
    chosen = pd.Series(True, index=proposals.index)
    if requested.max_cost_eur is not None:
        chosen &= proposals["cost_eur"] <= requested.max_cost_eur
    if requested.min_benefit_eur is not None:
        chosen &= proposals["benefit_eur"] >= requested.min_benefit_eur
    if requested.max_benefit_eur is not None:
        chosen &= proposals["benefit_eur"] <= requested.max_benefit_eur
    if requested.max_units is not None:
        chosen &= proposals["units"] <= requested.max_units
    return chosen


def _names(requested: Filter) -> dict[str, tuple[str, ...]]:
    return {
        "kind": requested.kinds, "lane": requested.lanes, "origin": requested.origins,
        "destination": requested.destinations, "sku": requested.skus,
    }  # fmt: skip


def _beginning(ids: pd.Series, name: str) -> list[str]:
    return [] if len(name) < _SHORTEST_ID else ids[ids.str.startswith(name)].drop_duplicates().tolist()


def with_units(
    chosen: pd.DataFrame, units: Mapping[str, int], position: pd.DataFrame, supply: pd.DataFrame
) -> pd.DataFrame:
    """Return ``chosen`` with ``units`` (by proposal_id) and the resulting packs in place of the proposed ones.

    A pack has the proposal's units ÷ packs. ``position`` is the plan's table: an origin hub can ship the proposed units and
    what the plan leaves in stock there. ``supply`` is the input table with ``min_order_units`` and ``units_available`` of
    suppliers, empty without suppliers. Raises ``InputError`` with a line for every change that is not possible.
    """
    request = chosen["proposal_id"].map(units)
    edited = chosen[request.notna()].assign(requested_units=request[request.notna()].astype("int64"))
    faults = [
        fault
        for row in _limits(edited, position, supply).to_dict("records")
        if (fault := _fault(row))
    ]  # fmt: skip
    if faults:
        raise InputError(*faults)
    pack = chosen["units"] // chosen["packs"]
    changed = request.fillna(chosen["units"]).astype("Int64")
    return chosen.assign(units=changed, packs=changed // pack)


def _limits(edited: pd.DataFrame, position: pd.DataFrame, supply: pd.DataFrame) -> pd.DataFrame:
    """Add ``least`` and ``available``, the smallest and largest units of each line; NaN: no limit."""
    held = position[["hub", "sku", "units_on_hand", "units_out"]].rename(columns={"hub": "origin"})
    offers = supply.rename(columns={"supplier": "origin"}).reindex(
        columns=["origin", "sku", "min_order_units", "units_available"]
    )
    joined = edited.merge(held, on=["origin", "sku"], how="left").merge(
        offers.astype({"origin": "str", "sku": "str"}), on=["origin", "sku"], how="left"
    )
    is_supply = joined["kind"] == "supply"
    in_stock = (joined["units_on_hand"] - joined["units_out"]).clip(lower=0) + joined["units"]
    numbers = joined[["min_order_units", "units_available"]].astype("float64")
    return joined.assign(
        least=numbers["min_order_units"].where(is_supply),
        available=numbers["units_available"].where(is_supply, in_stock.astype("float64")),
    )


def _fault(row: dict) -> str | None:
    line = f"{row['proposal_id']} ({row['sku']} {row['origin']} → {row['destination']})"
    request, pack = int(row["requested_units"]), int(row["units"] // row["packs"])
    if request <= 0:
        return f"{line}: {request} units are no shipment; reject the proposal instead"
    if request % pack:
        lower, upper = request // pack * pack, (request // pack + 1) * pack
        return f"{line}: {request} units are not whole packs of {pack}; take {f'{lower} or ' if lower else ''}{upper}"
    if request < row["least"]:
        return f"{line}: {request} units are below the smallest order of {int(row['least'])}"
    if request > row["available"]:
        most = int(np.floor(row["available"]))
        return f"{line}: {request} units are more than the {most} {row['origin']} can give"
    return None


HOURS = 24.0


def by_rules(proposals: pd.DataFrame, position: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Return the proposals that a rule decides, with ``rule`` and ``action`` of the first rule that matches.

    ``position`` is the plan's table. The cover of a place is its ``days_of_supply``, infinite without demand and for suppliers,
    and 0 for a hub that the table lacks.
    """
    covers = {
        "destination": _cover_hours(proposals, position, "destination", 0.0),
        "origin": _cover_hours(proposals, position, "origin", np.inf),
    }
    rule = pd.Series("", index=proposals.index, dtype="str")
    action = rule.copy()
    for entry in rules:
        matches = (rule == "") & _matches(proposals, covers, entry)
        rule, action = rule.mask(matches, entry.name), action.mask(matches, entry.action)
    return proposals.assign(rule=rule, action=action)[rule != ""]


def rule_reason(rule: Rule) -> str:
    """Return the reason the ledger keeps: the rule by name and what it asks, ``rule small: max_cost_eur 500``."""
    request = rule.model_dump(exclude={"name", "action"}, exclude_defaults=True)
    conditions = [
        f"{key} {'|'.join(value) if isinstance(value, tuple) else f'{value:g}'}" for key, value in request.items()
    ]
    return f"rule {rule.name}: {', '.join(conditions) or 'all'}"


def _matches(proposals: pd.DataFrame, covers: dict[str, np.ndarray], rule: Rule) -> pd.Series:
    """Return for each proposal whether the rule matches, bool; a rule may name a lane or place without a proposal."""
    bounds = Filter(
        max_cost_eur=rule.max_cost_eur, min_benefit_eur=rule.min_benefit_eur,
        max_benefit_eur=rule.max_benefit_eur, max_units=rule.max_units,
    )  # fmt: skip
    chosen = within(proposals, bounds)
    names = {"kind": rule.kinds, "lane": rule.lanes, "origin": rule.origins, "destination": rule.destinations}
    for column, requested in names.items():
        chosen &= among(proposals[column], pd.Series(requested, dtype="str")) if requested else True
    if rule.max_cover_hours is not None:
        chosen &= covers["destination"] <= rule.max_cover_hours
    if rule.min_origin_cover_hours is not None:
        chosen &= covers["origin"] >= rule.min_origin_cover_hours
    return chosen


def _cover_hours(proposals: pd.DataFrame, position: pd.DataFrame, end: str, unknown: float) -> np.ndarray:
    known = position[["hub", "sku", "days_of_supply"]].rename(columns={"hub": end})
    known = known.assign(hours=known["days_of_supply"].fillna(np.inf) * HOURS)
    joined = proposals[[end, "sku"]].merge(known, on=[end, "sku"], how="left")
    return joined["hours"].fillna(unknown).to_numpy()
