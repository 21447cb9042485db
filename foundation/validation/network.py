"""Rules about places, lanes and stock: what the columns of a row must say together.

Each rule is one small function registered for its table. Not here: nulls, bounds, keys and
references, which follow from the definitions (``rows``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import available_timezones

import numpy as np
import pandas as pd

from foundation.validation.input_table import InputTable
from foundation.validation.rows import missing_from

LANE_ENDS = {"transfer": ("hubs", "hubs"), "supply": ("supply", "hubs"), "delivery": ("hubs", "regions")}
_WEEKDAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_DEPARTS = rf"(?:{_WEEKDAYS})(?:\|(?:{_WEEKDAYS}))*"
_CUTOFF = r"(?:[01]\d|2[0-3]):[0-5]\d"
_ONE_LANE = ("kind", "origin", "destination", "mode", "departs", "cutoff", "handling_classes")

Ids = Mapping[str, pd.Series]


def check_network(checked: InputTable, known_ids: Ids) -> None:
    """Mark the rows of ``checked`` that contradict themselves or the network; ``known_ids`` as in ``rows``."""
    for rule in _RULES.get(checked.name, ()):
        rule(checked, known_ids)


def _reserved_over_on_hand(checked: InputTable, _: Ids) -> None:
    taken = [name for name in ("units_reserved", "units_on_hold") if checked.has(name)]
    if not taken or not checked.has("units_on_hand"):
        return
    total = checked.frame[taken].fillna(0).sum(axis=1)
    words = {"units_reserved": "reserved", "units_on_hold": "on hold"}
    problem = f"with more {' and '.join(words[name] for name in taken)} than on hand"
    checked.add(
        taken[0],
        problem,
        "correct the reservation or the stock",
        (total > checked.frame["units_on_hand"]) & (checked.frame["units_on_hand"] >= 0),
    )


def _unknown_timezone(checked: InputTable, _: Ids) -> None:
    if checked.has("timezone"):
        unknown = missing_from(checked.frame["timezone"], pd.Series(sorted(available_timezones())))
        checked.add("timezone", "with an unknown time zone", "use an IANA name, for example Europe/Berlin", unknown)


def _unknown_kind(checked: InputTable, _: Ids) -> None:
    if checked.has("kind"):
        unknown = missing_from(checked.frame["kind"], pd.Series(list(LANE_ENDS)))
        checked.add("kind", "of an unknown kind", f"use {', '.join(LANE_ENDS)}", unknown)


def _lane_to_nowhere(checked: InputTable, known_ids: Ids) -> None:
    for end, column in enumerate(("origin", "destination")):
        if not checked.has("kind", column):
            continue
        for kind, tables in LANE_ENDS.items():
            if (table := tables[end]) not in known_ids:
                continue
            is_kind = (checked.frame["kind"] == kind).fillna(False).to_numpy(dtype=bool)
            nowhere = is_kind & missing_from(checked.frame[column], known_ids[table])
            verb = "from" if column == "origin" else "to"
            checked.add(
                column,
                f"of kind {kind} {verb} a place unknown to {table}",
                f"add the place to {table} or remove the lane",
                nowhere,
            )


def _lane_to_itself(checked: InputTable, _: Ids) -> None:
    if checked.has("kind", "origin", "destination"):
        frame = checked.frame
        itself = (frame["kind"] == "transfer") & (frame["origin"] == frame["destination"])
        checked.add("destination", "of kind transfer to its own origin", "remove the lane", itself)


def _same_lane_twice(checked: InputTable, _: Ids) -> None:
    columns = [name for name in _ONE_LANE if checked.has(name)]
    if {"kind", "origin", "destination"} <= set(columns):
        twice = checked.frame.duplicated(columns)
        remedy = "keep one, or tell them apart by mode, departs or cutoff"
        checked.add("lane", "of a lane that stands twice under other names", remedy, twice)


def _departs_words(checked: InputTable, _: Ids) -> None:
    _check_words(checked, "departs", _DEPARTS, "not weekdays", "write for example Mon|Thu; empty: every day")


def _cutoff_words(checked: InputTable, _: Ids) -> None:
    _check_words(checked, "cutoff", _CUTOFF, "not a time of day", "write for example 17:30")


def _check_words(checked: InputTable, column: str, pattern: str, problem: str, remedy: str) -> None:
    if checked.has(column):
        values = checked.frame[column]
        checked.add(column, problem, remedy, values.notna() & ~values.str.fullmatch(pattern).fillna(False).astype(bool))


def _crossed(lower: str, upper: str, problem: str) -> Callable[[InputTable, Ids], None]:
    def rule(checked: InputTable, _: Ids) -> None:
        if checked.has(lower, upper):
            checked.add(upper, problem, f"correct {lower} or {upper}", checked.frame[upper] < checked.frame[lower])

    return rule


_RULES: dict[str, tuple[Callable[[InputTable, Ids], None], ...]] = {
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
