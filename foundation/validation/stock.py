"""Stock that looks old or cut short: an aged snapshot, hubs and SKUs that fell out of it.

A hub × SKU that is missing from the snapshot counts as nothing in stock, and a plan would fill it. No rule is broken, so
these are warnings. Not here: a snapshot beyond ``positioning.max_stock_age_days`` (``time``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, InputWarning, counted_noun, listed, shown
from foundation.periods import as_timestamp
from foundation.validation.completeness import too_few, usually
from foundation.validation.input_table import ValidInputs

_LOOKED_AT = 4
_FRESH_DAYS = 7
_ROUNDS = 1.5  # of the usual days between snapshots before one is called old
MOST_UNCOUNTED = 1 / 3  # share of the SKUs sold lately that may have no row in the snapshot
_FULL = 0.99  # share of hub × SKU with a row from which a snapshot is taken to have rows of what is out of stock
_SOLD_WITHIN_DAYS = 28
# A row of stock is called immense from these units on, above these days of the network's sales and these times the other hubs.
_IMMENSE_UNITS, _IMMENSE_DAYS, _IMMENSE_RATIO = 1_000, 1_000, 50


def compared_snapshots(days: pd.Series, counting: date) -> list[pd.Timestamp]:
    """Return the snapshot of ``counting`` and up to four before it, latest first; ``days`` has a row per stock row."""
    taken = days[days <= as_timestamp(counting)].drop_duplicates().sort_values(ascending=False)
    return list(taken.head(_LOOKED_AT + 1))


def thin_hubs(days: pd.Series, hubs: pd.Series) -> InputWarning | None:
    """Return a warning about hubs with far fewer rows in the latest stock snapshot than in those before; None for none.

    ``days`` and ``hubs`` hold a row each per stock row of the snapshots compared.
    """
    counted = pd.crosstab(hubs.astype("str"), days)
    if counted.shape[1] < 2:
        return None
    rows = counted.to_numpy(dtype="float64")
    is_thin = too_few(rows[:, -1], rows[:, :-1])
    if not is_thin.any():
        rows = rows.sum(axis=0, keepdims=True)
        is_thin = too_few(rows[:, -1], rows[:, :-1])
        if not is_thin[0]:
            return None
        names = ["all hubs"]
    else:
        names = [str(name) for name in counted.index[is_thin]]
    result, usual = rows[is_thin, -1].sum(), usually(rows[is_thin, :-1]).sum()
    of = (
        names[0]
        if names == ["all hubs"]
        else f"hub {names[0]}"
        if len(names) == 1
        else f"{len(names)} hubs ({listed(names)})"
    )
    problem = (
        f"{counted.columns[-1]:%Y-%m-%d} has {counted_noun(result, 'row')} of {of}, usually there are {usual:,.0f}; "
        "what is missing counts as nothing in stock"
    )
    return InputWarning("stock", "date", problem, "load the whole snapshot", is_incomplete=True)


def stock_warnings(inputs: ValidInputs, taken: pd.Series) -> Iterator[InputWarning]:
    """Yield what looks old or missing in the stock snapshot; ``taken`` holds the days of all snapshots up to ``as_of``."""
    if not inputs.has("stock", "date", "hub", "sku"):
        return
    yield from _old_snapshot(inputs, taken)
    yield from _absent_hubs(inputs)
    yield from _uncounted_skus(inputs)
    yield from _immense_stock(inputs)
    yield from _lapsed_inbound(inputs)


def _old_snapshot(inputs: ValidInputs, taken: pd.Series) -> Iterator[InputWarning]:
    latest = inputs.tables["stock"]["date"].max()
    age_days = (as_timestamp(inputs.as_of) - latest).days
    spacing = taken.drop_duplicates().sort_values().diff().dt.days.dropna().tail(_LOOKED_AT)
    usual = float(spacing.median()) if len(spacing) > 1 else 0.0
    if age_days <= max(_FRESH_DAYS, _ROUNDS * usual, inputs.settings.grid.days):
        return
    sold = ""
    if inputs.has("sales", "date", "units_sold"):
        sales = inputs.plausible_sales
        sold = (
            f"; {counted_noun(sales.loc[sales['date'] >= latest, 'units_sold'].sum(), 'unit')} sold since are not in it"
        )
    problem = f"the latest snapshot, {latest:%Y-%m-%d}, is {counted_noun(age_days, 'day')} older than as_of {inputs.as_of}{sold}"
    yield InputWarning("stock", "date", problem, "load a newer snapshot", is_incomplete=True)


def _absent_hubs(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Hubs that deliver to regions and have no row at all in the snapshot."""
    if not inputs.has("lanes", "kind", "origin") or not inputs.has("hubs", "hub"):
        return
    lanes = inputs.tables["lanes"]
    delivering = set(lanes.loc[lanes["kind"] == "delivery", "origin"].dropna().astype(str))
    absent = sorted(
        delivering & set(inputs.tables["hubs"]["hub"].astype(str)) - set(inputs.tables["stock"]["hub"].astype(str))
    )
    if absent and len(absent) < len(delivering):
        problem = f"{len(absent)} of {len(delivering)} delivering hubs without a row in the snapshot ({listed(absent)}) count as empty"
        yield InputWarning(
            "stock", "hub", problem, "load their stock; for a hub that is empty write rows of 0", is_incomplete=True
        )


def uncounted_skus(inputs: ValidInputs) -> tuple[pd.Series, pd.Series]:
    """Return units sold within four weeks by SKU, and those of them without a row in the snapshot, best-selling first.

    SKUs that are delisted by ``as_of`` need no row.
    """
    if not inputs.has("sales", "date", "sku", "units_sold") or not inputs.has("stock", "sku"):
        return pd.Series(dtype="float64"), pd.Series(dtype="float64")
    sales = inputs.plausible_sales
    recent = sales[
        (sales["date"] >= as_timestamp(inputs.as_of) - pd.Timedelta(days=_SOLD_WITHIN_DAYS)) & (sales["units_sold"] > 0)
    ]
    sold = recent.groupby("sku", observed=True)["units_sold"].sum().rename(index=str)
    if inputs.has("skus", "sku", "delist_date"):
        is_gone = (
            (inputs.tables["skus"]["delist_date"] <= as_timestamp(inputs.as_of)).fillna(False).to_numpy(dtype=bool)
        )
        sold = sold[~sold.index.isin(inputs.texts("skus", "sku")[is_gone])]
    uncounted = sold[~sold.index.isin(inputs.tables["stock"]["sku"].astype(str).unique())]
    return sold, uncounted.iloc[np.lexsort((uncounted.index, -uncounted.to_numpy()))]


def best_selling(inputs: ValidInputs, sold: pd.Series, uncounted: pd.Series) -> pd.Series:
    """Return those of ``uncounted`` that sell at least as much as the average SKU of ``sold``.

    None where the other SKUs lack rows at some hubs: such a snapshot leaves out what is out of stock.
    """
    stock = inputs.tables["stock"]
    rows = stock[stock["sku"].astype("str").isin(sold.index)].drop_duplicates(["hub", "sku"])
    is_full = len(rows) >= _FULL * stock["hub"].nunique() * (len(sold) - len(uncounted))
    return uncounted[(uncounted >= sold.mean()) & is_full]


def _uncounted_skus(inputs: ValidInputs) -> Iterator[InputWarning]:
    """SKUs sold within four weeks that have no row in the snapshot: more than a third of them, or best-selling ones."""
    sold, uncounted = uncounted_skus(inputs)
    is_cut = len(uncounted) > MOST_UNCOUNTED * len(sold)
    named = uncounted if is_cut else best_selling(inputs, sold, uncounted)
    if not len(named):
        return
    of = f"{len(named):,} of {len(sold):,} SKUs sold in the last {_SOLD_WITHIN_DAYS} days"
    if is_cut:
        problem = f"{of} have no row in the snapshot ({listed(named.index.tolist())}); they count as out of stock"
        remedy = "load the whole snapshot, with rows of 0 for what is out of stock"
    else:
        have = "has" if len(named) == 1 else "have"
        names = listed([f"{sku}: {counted_noun(units, 'unit')} sold" for sku, units in named.items()])
        problem = (
            f"{of} {have} no row in the snapshot though selling well ({names}); what has none counts as out of stock"
        )
        remedy = "load their stock, or a row of 0 for what is out of stock"
    yield InputWarning("stock", "sku", problem, remedy, is_incomplete=is_cut)


def _immense_stock(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Rows of thousands of units that would last the whole network for years and dwarf the other hubs of their SKU."""
    if not inputs.has("stock", "hub", "sku", "units_on_hand") or not inputs.has(
        "sales", "date", "region", "sku", "units_sold"
    ):
        return
    units, sku, hub = (
        inputs.numbers("stock", "units_on_hand"),
        inputs.texts("stock", "sku"),
        inputs.texts("stock", "hub"),
    )
    recent = inputs.recent_units.groupby("sku")["units_sold"].sum().reindex(pd.Index(sku)).fillna(0.0).to_numpy()
    least = np.maximum(_IMMENSE_UNITS, recent * _IMMENSE_DAYS / _SOLD_WITHIN_DAYS)
    a_day = _sold_a_day(inputs, recent / _SOLD_WITHIN_DAYS, sku, units >= least)
    rows_of = pd.Series(sku).groupby(sku).indices
    result = []
    for row in np.flatnonzero((a_day > 0) & (units > np.maximum(least, a_day * _IMMENSE_DAYS))):
        index = rows_of[sku[row]]
        others = units[index[hub[index] != hub[row]]]
        if len(others) and units[row] > _IMMENSE_RATIO * max(float(np.median(others)), 1.0):
            result.append((-units[row], f"hub={hub[row]}, sku={sku[row]}: {units[row]:,.0f}", units[row] / a_day[row]))
    if result:
        result.sort()
        problem = (
            f"of more than {_IMMENSE_DAYS:,} days of what the whole network sells (up to {max(days for *_, days in result):,.0f}) "
            f"and {_IMMENSE_RATIO} times the usual stock of the other hubs; nothing is ordered for their SKUs"
        )
        keys = tuple(key for _, key, _ in result[:KEYS_SHOWN])
        yield InputWarning("stock", "units_on_hand", problem, "correct a wrong count or unit", len(result), keys)


def _sold_a_day(inputs: ValidInputs, recent: np.ndarray, sku: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return units sold a day for ``rows`` of stock, the larger of ``recent`` and the mean since the first sale; else 0."""
    sales = inputs.plausible_sales
    sales = sales[sales["sku"].isin(pd.unique(sku[rows]))].astype({"sku": "str"})
    specified = sales.groupby("sku").agg(units=("units_sold", "sum"), first=("date", "min"))
    days = (as_timestamp(inputs.as_of) - specified["first"]).dt.days.clip(lower=1)
    ever = (specified["units"] / days).reindex(pd.Index(sku)).to_numpy(dtype="float64", na_value=0.0)
    return np.where(rows, np.maximum(recent, ever), 0.0)


def _lapsed_inbound(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Order lines overdue for so long that a plan no longer counts on them."""
    if not inputs.has("inbound", "inbound_id", "arrival_date", "units"):
        return
    inbound, most = inputs.tables["inbound"], inputs.settings.positioning.max_overdue_days
    rows = inbound[inbound["arrival_date"] < inputs.tables["stock"]["date"].max() - pd.Timedelta(days=most)]
    if len(rows):
        rows = rows.sort_values(["arrival_date", "inbound_id"])
        oldest = f"the oldest since {rows['arrival_date'].iloc[0]:%Y-%m-%d}"
        problem = f"more than {most} days overdue at the stock snapshot, {oldest}; their {counted_noun(rows['units'].sum(), 'unit')} no longer count as on their way"
        keys = tuple(f"inbound_id={shown(name)}" for name in rows["inbound_id"].head(KEYS_SHOWN))
        remedy = "close them in the order system, correct their date, or raise positioning.max_overdue_days"
        yield InputWarning("inbound", "arrival_date", problem, remedy, len(rows), keys)
