"""Which proposals a person means: all with their state, some by id, some by what they have in common.

Not here: rules of the configuration (``rules``) and what may be decided (``decide``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dispatch.ledger import states
from foundation.errors import InputError, nearest
from foundation.keys import among

_SHORTEST_ID = 4


@dataclass(frozen=True)
class Filter:
    """What chosen proposals have in common; every condition that is given must hold, bounds included."""

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
    """Return the proposals of a night with the ledger's ``status``, ``decided_units`` and ``decided_at``."""
    mine = decisions[among(decisions["proposal_id"], transfer["proposal_id"])]
    known = states(mine)[["proposal_id", "status", "units", "at"]]
    known = known.rename(columns={"units": "decided_units", "at": "decided_at"})
    joined = transfer.drop(columns="status").merge(known, on="proposal_id", how="left")
    return joined.assign(status=joined["status"].fillna("proposed"))


def by_id(proposals: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Return the proposals ``wanted`` names by id, or by an id's unambiguous beginning of four signs or more.

    Raises ``InputError`` with a line for every name that fits none or several.
    """
    ids = proposals["proposal_id"]
    exact = set(ids)
    found, faults = [], []
    for name in dict.fromkeys(wanted):
        matches = [name] if name in exact else _beginning(ids, name)
        if len(matches) == 1:
            found.append(matches[0])
        elif matches:
            faults.append(f"{name!r} begins {len(matches)} proposals; give more of the id")
        elif len(name) < _SHORTEST_ID:
            faults.append(f"{name!r} is too short for an id; give {_SHORTEST_ID} signs of it or more")
        else:
            faults.append(f"there is no proposal {name!r}{nearest(name, ids.head(2000).tolist())}")
    if faults:
        raise InputError(*faults)
    return proposals[among(ids, pd.Series(found, dtype="str"))]


def by_filter(proposals: pd.DataFrame, wanted: Filter) -> pd.DataFrame:
    """Return the proposals all conditions of ``wanted`` hold for.

    Raises ``InputError`` for a place, lane, kind or sku no proposal has.
    """
    return proposals[holds(proposals, wanted)]


def holds(proposals: pd.DataFrame, wanted: Filter) -> pd.Series:
    """Say of each proposal whether ``wanted`` holds; raises ``InputError`` for a name no proposal has."""
    chosen = pd.Series(True, index=proposals.index)
    for column, names in _names(wanted).items():
        if unknown := sorted(set(names) - set(proposals[column].unique())) if names else []:
            known = sorted(proposals[column].unique())
            raise InputError(f"no proposal has the {column} {unknown[0]!r}{nearest(unknown[0], known)}")
        chosen &= among(proposals[column], pd.Series(names, dtype="str")) if names else True
    return chosen & within(proposals, wanted)


def within(proposals: pd.DataFrame, wanted: Filter) -> pd.Series:
    """Say of each proposal whether it keeps the bounds on cost, benefit and units."""
    chosen = pd.Series(True, index=proposals.index)
    if wanted.max_cost_eur is not None:
        chosen &= proposals["cost_eur"] <= wanted.max_cost_eur
    if wanted.min_benefit_eur is not None:
        chosen &= proposals["benefit_eur"] >= wanted.min_benefit_eur
    if wanted.max_benefit_eur is not None:
        chosen &= proposals["benefit_eur"] <= wanted.max_benefit_eur
    if wanted.max_units is not None:
        chosen &= proposals["units"] <= wanted.max_units
    return chosen


def _names(wanted: Filter) -> dict[str, tuple[str, ...]]:
    return {
        "kind": wanted.kinds, "lane": wanted.lanes, "origin": wanted.origins,
        "destination": wanted.destinations, "sku": wanted.skus,
    }  # fmt: skip


def _beginning(ids: pd.Series, name: str) -> list[str]:
    return [] if len(name) < _SHORTEST_ID else ids[ids.str.startswith(name)].drop_duplicates().tolist()
