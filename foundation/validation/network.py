"""Rules about places, lanes and stock: what the columns of a row must say together.

Each rule is one small function registered for its table. Not here: nulls, bounds, keys and
references, which follow from the definitions (``rows``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import available_timezones

import numpy as np
import pandas as pd

from foundation.validation.report import Draft
from foundation.validation.rows import missing_from

LANE_ENDS = {"transfer": ("hubs", "hubs"), "supply": ("supply", "hubs"), "delivery": ("hubs", "regions")}
_WEEKDAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_DEPARTS = rf"(?:{_WEEKDAYS})(?:\|(?:{_WEEKDAYS}))*"
_CUTOFF = r"(?:[01]\d|2[0-3]):[0-5]\d"
_ONE_LANE = ("kind", "origin", "destination", "mode", "departs", "cutoff", "handling_classes")

Ids = Mapping[str, pd.Series]


def check_network(draft: Draft, known_ids: Ids) -> None:
    """Mark the rows of ``draft`` that contradict themselves or the network; ``known_ids`` as in ``rows``."""
    for rule in _RULES.get(draft.name, ()):
        rule(draft, known_ids)


def _reserved_over_on_hand(draft: Draft, _: Ids) -> None:
    taken = [name for name in ("units_reserved", "units_on_hold") if draft.has(name)]
    if not taken or not draft.has("units_on_hand"):
        return
    total = draft.frame[taken].fillna(0).sum(axis=1)
    words = {"units_reserved": "reserved", "units_on_hold": "on hold"}
    label = f"with more {' and '.join(words[name] for name in taken)} than on hand"
    draft.add(
        taken[0],
        label,
        "correct the reservation or the stock",
        (total > draft.frame["units_on_hand"]) & (draft.frame["units_on_hand"] >= 0),
    )


def _unknown_timezone(draft: Draft, _: Ids) -> None:
    if draft.has("timezone"):
        unknown = missing_from(draft.frame["timezone"], pd.Series(sorted(available_timezones())))
        draft.add("timezone", "with an unknown time zone", "use an IANA name, for example Europe/Berlin", unknown)


def _unknown_kind(draft: Draft, _: Ids) -> None:
    if draft.has("kind"):
        unknown = missing_from(draft.frame["kind"], pd.Series(list(LANE_ENDS)))
        draft.add("kind", "of an unknown kind", f"use {', '.join(LANE_ENDS)}", unknown)


def _lane_to_nowhere(draft: Draft, known_ids: Ids) -> None:
    for end, column in enumerate(("origin", "destination")):
        if not draft.has("kind", column):
            continue
        for kind, tables in LANE_ENDS.items():
            if (table := tables[end]) not in known_ids:
                continue
            is_kind = (draft.frame["kind"] == kind).fillna(False).to_numpy(dtype=bool)
            nowhere = is_kind & missing_from(draft.frame[column], known_ids[table])
            verb = "from" if column == "origin" else "to"
            draft.add(
                column,
                f"of kind {kind} {verb} a place unknown to {table}",
                f"add the place to {table} or remove the lane",
                nowhere,
            )


def _lane_to_itself(draft: Draft, _: Ids) -> None:
    if draft.has("kind", "origin", "destination"):
        frame = draft.frame
        itself = (frame["kind"] == "transfer") & (frame["origin"] == frame["destination"])
        draft.add("destination", "of kind transfer to its own origin", "remove the lane", itself)


def _same_lane_twice(draft: Draft, _: Ids) -> None:
    columns = [name for name in _ONE_LANE if draft.has(name)]
    if {"kind", "origin", "destination"} <= set(columns):
        twice = draft.frame.duplicated(columns)
        remedy = "keep one, or tell them apart by mode, departs or cutoff"
        draft.add("lane", "of a lane that stands twice under other names", remedy, twice)


def _departs_words(draft: Draft, _: Ids) -> None:
    _check_words(draft, "departs", _DEPARTS, "not weekdays", "write for example Mon|Thu; empty: every day")


def _cutoff_words(draft: Draft, _: Ids) -> None:
    _check_words(draft, "cutoff", _CUTOFF, "not a time of day", "write for example 17:30")


def _check_words(draft: Draft, column: str, pattern: str, label: str, remedy: str) -> None:
    if draft.has(column):
        values = draft.frame[column]
        draft.add(column, label, remedy, values.notna() & ~values.str.fullmatch(pattern).fillna(False).astype(bool))


def _crossed(lower: str, upper: str, label: str) -> Callable[[Draft, Ids], None]:
    def rule(draft: Draft, _: Ids) -> None:
        if draft.has(lower, upper):
            draft.add(upper, label, f"correct {lower} or {upper}", draft.frame[upper] < draft.frame[lower])

    return rule


_RULES: dict[str, tuple[Callable[[Draft, Ids], None], ...]] = {
    "stock": (_reserved_over_on_hand,),
    "hubs": (_unknown_timezone,),
    "lanes": (_unknown_kind, _lane_to_nowhere, _lane_to_itself, _same_lane_twice, _departs_words, _cutoff_words),
    "hub_skus": (_crossed("min_units", "max_units", "with max_units below min_units"),),
    "skus": (_crossed("launch_date", "delist_date", "delisted before its launch"),),
}


def cheap_losses(skus: pd.DataFrame, lanes: pd.DataFrame, loss: np.ndarray) -> np.ndarray:
    """Return a boolean per sku: losing a sale costs less (EUR per unit) than the cheapest delivery.

    ``loss`` (n,) is in EUR per unit; a delivery costs ``eur_per_unit`` plus ``eur_per_kg`` times ``mass_kg``. A sku whose loss
    is unknown (NaN) counts as no.
    """

    def column(frame: pd.DataFrame, name: str, default: float) -> np.ndarray:
        return frame[name].to_numpy(dtype="float64") if name in frame else np.full(len(frame), default)

    delivery = lanes[(lanes["kind"] == "delivery").fillna(False)]
    if delivery.empty:
        return np.zeros(len(skus), dtype=bool)
    per_unit = np.nan_to_num(column(delivery, "eur_per_unit", 0.0))
    per_kg = np.nan_to_num(column(delivery, "eur_per_kg", 0.0))
    mass = np.nan_to_num(column(skus, "mass_kg", 0.0))
    cheapest = np.min(per_unit[None, :] + mass[:, None] * per_kg[None, :], axis=1)
    with np.errstate(invalid="ignore"):
        return loss < cheapest
