"""Rules of the configuration: proposals that are decided without a person.

Here: which rule decides which proposal. Not here: the rules' keys (``foundation.settings``), the
checks every decision passes (``decide``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dispatch.choice import Filter, within
from foundation.decision_settings import Rule
from foundation.keys import among

HOURS = 24.0


def by_rules(proposals: pd.DataFrame, position: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Return the proposals some rule decides, with ``rule`` and ``action`` of the first that matches.

    ``position`` is the night's table; a place's cover is its ``days_of_supply``, infinite without
    demand and for suppliers, 0 for a hub the table does not know.
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
    asked = rule.model_dump(exclude={"name", "action"}, exclude_defaults=True)
    said = [f"{key} {'|'.join(value) if isinstance(value, tuple) else f'{value:g}'}" for key, value in asked.items()]
    return f"rule {rule.name}: {', '.join(said) or 'all'}"


def _matches(proposals: pd.DataFrame, covers: dict[str, np.ndarray], rule: Rule) -> pd.Series:
    """Say which proposals match; a rule may name a lane or place that has no proposal tonight."""
    bounds = Filter(
        max_cost_eur=rule.max_cost_eur, min_benefit_eur=rule.min_benefit_eur,
        max_benefit_eur=rule.max_benefit_eur, max_units=rule.max_units,
    )  # fmt: skip
    chosen = within(proposals, bounds)
    names = {"kind": rule.kinds, "lane": rule.lanes, "origin": rule.origins, "destination": rule.destinations}
    for column, wanted in names.items():
        chosen &= among(proposals[column], pd.Series(wanted, dtype="str")) if wanted else True
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
