"""Rules about single rows: nulls, bounds, long ids, keys and references, and what the columns of a row must say together.

The former follow from the definitions of tables and columns; each of the latter is one small function registered for its table.
Every rule is vectorized: it marks rows of a table and never loops over them. Not here: rules about time (``time``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from zoneinfo import available_timezones

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, Fault, listed, repeated_remedy, structural
from foundation.keys import repeated, row_keys
from foundation.settings import Settings, quantile_columns
from foundation.tables import Column, Kind
from foundation.tables.inputs import LARGEST_FEATURE
from foundation.validation.columns import other_spelling
from foundation.validation.input_table import InputTable

LONGEST_ID = 256
_NOT_IDS = ("reason", "status")
_QUANTILE_TABLES = ("external_forecast", "external_forecast_window")
_NUMERIC = (Kind.NUMBER, Kind.WHOLE)
LANE_ENDS = {"transfer": ("hubs", "hubs"), "supply": ("supply", "hubs"), "delivery": ("hubs", "regions")}
_WEEKDAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_DEPARTS = rf"(?:{_WEEKDAYS})(?:\|(?:{_WEEKDAYS}))*"
_CUTOFF = r"(?:[01]\d|2[0-3]):[0-5]\d"
_ONE_LANE = ("kind", "origin", "destination", "mode", "departs", "cutoff", "handling_classes")

Ids = Mapping[str, pd.Series]


def check_rows(checked: InputTable, known_ids: Mapping[str, pd.Series]) -> None:
    """Mark the rows of ``checked`` that break its definition.

    ``known_ids`` holds the ids of the tables it may refer to; references to others are not checked.
    """
    for column in checked.definition.columns:
        if checked.has(column.name):
            _check_null(checked, column.name)
            _RULES_BY_KIND[column.kind](checked, column)
    for name in checked.frame.columns.difference(checked.definition.names):
        if pd.api.types.is_float_dtype(checked.frame[name]):
            _check_feature(checked, name)
    for name, table in checked.definition.references.items():
        if checked.has(name) and table in known_ids:
            _check_reference(checked, name, table, known_ids[table])
    _check_key(checked)


def missing_from(values: pd.Series, ids: pd.Series) -> np.ndarray:
    """Return a boolean per value: it is not null and not among ``ids``."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        is_unknown = np.append(~values.cat.categories.isin(ids), False)
        return is_unknown[values.cat.codes.to_numpy()]
    return (values.notna() & ~values.isin(ids)).to_numpy()


def _check_null(checked: InputTable, name: str) -> None:
    definition = checked.definition
    if name not in definition.required and (name not in definition.grain or name in definition.nullable_grain):
        return
    is_null = checked.frame[name].isna().to_numpy()
    for finding in checked.findings:
        if finding.column == name:
            is_null = is_null & ~finding.rows
    checked.add(name, "null", "fill in the value or remove the rows", is_null)


def _check_number(checked: InputTable, column: Column) -> None:
    values = checked.frame[column.name]
    raw = values.to_numpy(dtype="float64", na_value=np.nan)
    checked.add(column.name, "not finite", "give a finite number", np.isinf(raw))
    with np.errstate(invalid="ignore"):
        if column.minimum is not None:
            checked.add(column.name, *_below(column), (raw < column.minimum) & ~np.isinf(raw))
        if column.maximum is not None:
            checked.add(column.name, *_above(column), (raw > column.maximum) & ~np.isinf(raw))
        if column.largest is not None:
            checked.add(column.name, *_too_large(column), (raw > column.largest) & ~np.isinf(raw))


def _below(column: Column) -> tuple[str, str]:
    if column.unit == "degrees":
        return _off_the_globe(column)
    if column.minimum == 0:
        return "negative", "set them to 0 or remove them"
    return f"below {column.minimum:g}", f"give {column.minimum:g} or more, or leave it empty"


def _above(column: Column) -> tuple[str, str]:
    if column.unit == "degrees":
        return _off_the_globe(column)
    return f"above {column.maximum:g}", f"give a value from {column.minimum:g} to {column.maximum:g}"


def _too_large(column: Column) -> tuple[str, str]:
    unit = f" {column.unit}" if column.unit else ""
    return (
        f"above {column.largest:,.0f}",
        f"correct the value or its unit: at most {column.largest:,.0f}{unit} is plausible",
    )


def _check_feature(checked: InputTable, name: str) -> None:
    """Mark numbers of a column no definition names that no feature can hold."""
    raw = checked.frame[name].to_numpy(dtype="float64", na_value=np.nan)
    checked.add(name, "not finite", "give a finite number", np.isinf(raw))
    with np.errstate(invalid="ignore"):
        is_large = (np.abs(raw) > LARGEST_FEATURE) & ~np.isinf(raw)
    checked.add(name, f"beyond ±{LARGEST_FEATURE:g}", "correct the value or its unit, or drop the column", is_large)


def _off_the_globe(column: Column) -> tuple[str, str]:
    return "off the globe", f"give degrees from {column.minimum:g} to {column.maximum:g}"


def _check_text(checked: InputTable, column: Column) -> None:
    if column.name in _NOT_IDS:
        return
    values = checked.frame[column.name]
    remedy = f"use ids of at most {LONGEST_ID} characters"
    if isinstance(values.dtype, pd.CategoricalDtype):
        is_long = np.append(values.cat.categories.str.len().to_numpy() > LONGEST_ID, False)
        checked.add(column.name, f"longer than {LONGEST_ID} characters", remedy, is_long[values.cat.codes.to_numpy()])
    else:
        checked.add(column.name, f"longer than {LONGEST_ID} characters", remedy, values.str.len() > LONGEST_ID)


def _check_reference(checked: InputTable, name: str, table: str, ids: pd.Series) -> None:
    unknown = missing_from(checked.frame[name], ids)
    if unknown.any():
        remedy = f"add the {name} to {table} or remove the rows"
        first = [str(value) for value in checked.frame.loc[unknown, name].head(KEYS_SHOWN)]
        if other := other_spelling(first, ids):
            remedy = f"{remedy}; {table} has {other}"
        checked.add(name, f"with a {name} unknown to {table}", remedy, unknown)


def _check_key(checked: InputTable) -> None:
    """Mark all but one row of a key; which one stays depends on the rows' content, not on their order."""
    grain = [name for name in checked.definition.grain if checked.has(name)]
    if not grain or set(checked.definition.required) & set(checked.definition.grain) - set(grain):
        return
    keys = row_keys(checked.frame, grain)
    extra = repeated(keys)
    if not extra.any():
        return
    doubled = np.flatnonzero(np.isin(keys, keys[extra]))
    content = row_keys(checked.frame.iloc[doubled], sorted(checked.frame.columns))
    order = np.lexsort((content, keys[doubled]))
    marked = np.zeros(len(keys), dtype=bool)
    marked[doubled[order[1:]]] = keys[doubled[order[1:]]] == keys[doubled[order[:-1]]]
    has_null = (
        checked.frame[[name for name in grain if name in checked.definition.required]].isna().any(axis=1).to_numpy()
    )
    remedy = repeated_remedy(checked.name, grain)
    merged = [str(one) for name in grain for one in checked.spellings.get(name, ()) if one.is_one_id]
    if merged:
        remedy = f"{remedy}; blanks around ids do not count: {merged[0]} are one id"
    checked.add(", ".join(grain), "with a key that stands twice (duplicate)", remedy, marked & ~has_null)


def _no_rule(checked: InputTable, column: Column) -> None:
    """Dates, moments and flags have no bounds of their own."""


_RULES_BY_KIND: dict[Kind, Callable[[InputTable, Column], None]] = {
    Kind.NUMBER: _check_number,
    Kind.WHOLE: _check_number,
    Kind.TEXT: _check_text,
    Kind.DATE: _no_rule,
    Kind.TIMESTAMP: _no_rule,
    Kind.FLAG: _no_rule,
}


def check_network(checked: InputTable, known_ids: Ids) -> None:
    """Mark the rows of ``checked`` that contradict themselves or the network; ``known_ids`` as in ``check_rows``."""
    for rule in _RULES_BY_TABLE.get(checked.name, ()):
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


@cache
def _timezones() -> pd.Series:
    return pd.Series(sorted(available_timezones()))


def _unknown_timezone(checked: InputTable, _: Ids) -> None:
    if checked.has("timezone"):
        unknown = missing_from(checked.frame["timezone"], _timezones())
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


_RULES_BY_TABLE: dict[str, tuple[Callable[[InputTable, Ids], None], ...]] = {
    "stock": (_reserved_over_on_hand,),
    "hubs": (_unknown_timezone,),
    "lanes": (_unknown_kind, _lane_to_nowhere, _lane_to_itself, _same_lane_twice, _departs_words, _cutoff_words),
    "hub_skus": (_crossed("min_units", "max_units", "with max_units below min_units"),),
    "skus": (_crossed("launch_date", "delist_date", "delisted before its launch"),),
}


def quantile_faults(columns: Mapping[str, Sequence[str]], settings: Settings) -> Iterator[Fault]:
    """Yield a fault for each table of an external forecast that has some levels of ``forecast.quantiles`` and not all.

    ``columns`` holds the column names of the tables that could be read.
    """
    levels = quantile_columns(settings.forecast.quantiles)
    for name in _QUANTILE_TABLES:
        missing = [level for level in levels if level not in columns.get(name, levels)]
        if missing and len(missing) < len(levels):
            problem = f"has quantiles, but not {listed(missing)}"
            yield structural(name, missing[0], problem, "give every level of forecast.quantiles, or none")


def check_quantiles(checked: InputTable, settings: Settings) -> None:
    """Mark the rows of an external forecast whose quantiles are incomplete or cross."""
    levels = quantile_columns(settings.forecast.quantiles)
    if checked.name not in _QUANTILE_TABLES or not checked.has(*levels):
        return
    values = checked.frame[levels].to_numpy(dtype="float64", na_value=np.nan)
    known = np.isfinite(values)
    is_partial = known.any(axis=1) & ~known.all(axis=1) & ~np.isinf(values).any(axis=1)
    checked.add(levels[0], "with some quantiles missing", "give all quantiles of the row, or none", is_partial)
    with np.errstate(invalid="ignore"):
        crosses = np.asarray((np.diff(values, axis=1) < 0).any(axis=1))
    ascending = " ≤ ".join((levels[0], "…", levels[-1]))
    checked.add(levels[0], "with quantiles that cross", f"give quantiles that ascend: {ascending}", crosses)
