"""Construction of a panel from the input tables as known on a date: the history of replaced SKUs under their replacements, and totals.

Totals are long, smooth series of a region's demand of one kind: a column ``units_<value>`` of ``regional``, where value is a value of a
hierarchy column in lower case, is the total of that kind in the region. The finest hierarchy column with such totals is used. Totals
have a separate panel with a longer history, and the same feature families describe them. Not here: the panel (``panel``), the
selection of rows (``matrix``), features (``families``), faults of ``skus.replaces`` (``foundation.validation.renames``), top-down
reconciliation to the totals (``models.totals``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from features.external import build_external
from features.family import total_families
from features.grid import Grid, expand_prices, expand_regional, expand_returns, expand_sales, select_series
from features.panel import LOOKBACK_DAYS, Panel, Totals, build_events, build_groups, group_means
from features.reads import tables_read
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.validation.renames import replacements, successor

_PREFIX = "units_"
_HISTORY_DAYS = 1460
_SHORTEST_DAYS = 112
_FEWEST_BEGUN, _LEAST_BEGUN = 10, 0.2  # series that begin in the same week, and their share of all
_PARTIAL, _COMPARED_WEEKS, _FEWEST_AFTER = 0.9, 4, 2
_KEYS = ["date", "region", "sku"]


def linked_column(tables: dict[str, pd.DataFrame], settings: Settings) -> str | None:
    """Return the finest hierarchy column whose values have totals in ``regional``, or None."""
    names = set(tables["regional"].columns) if "regional" in tables else set()
    for column in settings.series.hierarchy:
        if any(_PREFIX + str(kind).lower() in names for kind in tables["skus"][column].unique()):
            return column
    return None


def total_tables(tables: dict[str, pd.DataFrame], settings: Settings, column: str) -> dict[str, pd.DataFrame]:
    """Return tables in which the kinds of ``column`` take the place of SKUs and their totals the place of sales."""
    coarser = settings.series.hierarchy[settings.series.hierarchy.index(column) :]
    kinds = tables["skus"][list(coarser)].drop_duplicates(column).assign(sku=lambda frame: frame[column].astype(str))
    regional = tables["regional"]
    named = {_PREFIX + kind.lower(): kind for kind in kinds["sku"]}
    present = [name for name in named if name in regional]
    sales = regional.melt(["date", "region"], present, "sku", "units_sold").dropna(subset="units_sold")
    sales["sku"] = sales["sku"].map(named)
    known = [name for name in settings.series.known_in_advance if name in regional]
    kept = {name: tables[name] for name in ("regions", "calendar") if name in tables}
    return kept | {"sales": sales, "skus": kinds, "regional": regional[["date", "region", *known]]}


def total_settings(settings: Settings, column: str) -> Settings:
    """Return the settings of the panel of totals."""
    coarser = settings.series.hierarchy[settings.series.hierarchy.index(column) :]
    series = settings.series.model_copy(update={"hierarchy": coarser, "features": ()})
    update = {
        "history_days": max(_HISTORY_DAYS, settings.forecast.history_days),
        "families": total_families(settings),
        "ignored_features": (),
    }
    forecast = settings.forecast.model_copy(update=update)
    return settings.model_copy(update={"series": series, "forecast": forecast})


def is_long_enough(totals: pd.DataFrame, as_of: date) -> bool:
    """Return whether totals with a `date` begin at least 112 days before ``as_of``; shorter ones are not used."""
    return not totals.empty and totals["date"].min() <= as_timestamp(as_of) - pd.Timedelta(days=_SHORTEST_DAYS)


def cover(series_code: np.ndarray, demand: np.ndarray, totals: np.ndarray, recent: int) -> np.ndarray:
    """Return which totals the series add up to, bool (n_totals): within 5% over the last periods.

    Series are not scaled to a total that includes other demand.

    Parameters
    ----------
    series_code : int32 array (n_series)
        Total of each series, −1 for none.
    demand : float32 array (n_series, n_history)
        Units per period of the series, NaN where unknown.
    totals : float32 array (n_totals, n_history)
        Units per period of the totals; both end with the same period.
    recent
        Number of periods that are compared.
    """
    added = np.zeros(len(totals))
    inside = series_code >= 0
    np.add.at(added, series_code[inside], np.nansum(demand[inside, -recent:], axis=1, dtype=np.float64))
    whole = np.nansum(totals[:, -recent:], axis=1, dtype=np.float64)
    return (np.abs(added - whole) <= 0.05 * whole) & (whole > 0)


def build_panel(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> Panel:
    """Return the panel of what is known at ``as_of``.

    ``tables`` are normalized input tables cut to what is known at ``as_of``: ``sales`` before it, observed columns of
    ``regional`` empty from it on. The series are every region × SKU with a sales or price row before ``as_of`` that is not
    delisted. Raises ``InputError`` without any.
    """
    tables = carried_over(tables_read(tables, settings))
    grid = Grid.over(tables["sales"], settings, as_of, LOOKBACK_DAYS)
    chosen = select_series(tables, settings, grid)
    sales = expand_sales(tables["sales"], chosen, settings, grid)
    if settings.grid.days > 1:
        sales = replace(sales, demand=without_partial_weeks(sales.demand))
    price, is_promoted = expand_prices(tables.get("prices"), chosen, grid)
    regional = expand_regional(tables.get("regional"), chosen.regions, settings.series.known_in_advance, grid)
    groups = build_groups(sales.demand, chosen.frame, settings.series.hierarchy)
    mean_price = None if price is None else group_means(price, groups["sku"].code)
    return Panel(
        frequency=settings.grid, periods=grid.periods, n_history=grid.n_history, horizon=grid.horizon,
        series=chosen.frame, region_code=chosen.region_code, regions=chosen.regions,
        demand=sales.demand, units_sold=sales.units_sold, in_stock_rate=sales.in_stock_rate,
        first_period=np.minimum(chosen.first_period, sales.first_period), last_period=chosen.last_period,
        price=price, is_promoted=is_promoted,
        mean_price=mean_price, returned=expand_returns(tables.get("returns"), chosen, grid),
        regional=regional, known_in_advance=tuple(n for n in settings.series.known_in_advance if n in regional),
        events=build_events(tables, settings, chosen.regions, grid), is_closed=grid.is_closed,
        static=chosen.static, hierarchy=settings.series.hierarchy,
        everyone=group_means(sales.demand, np.zeros(len(chosen.frame), np.int32))[0], groups=groups, totals=_totals(tables, settings, as_of, (chosen.frame, sales.demand)),
        external=build_external(tables, chosen, settings, grid),
    )  # fmt: skip


def without_partial_weeks(demand: np.ndarray) -> np.ndarray:
    """Return weekly ``demand`` with the first week of series unknown where many began in the middle of one week.

    Sales summed to weeks begin with a part of a week. It shows where at least 20% of the series (and ten of them) have the same first
    week and sold at least a tenth less in it, all together, than in each of the following weeks, up to four.

    Parameters
    ----------
    demand : float32 array (n_series, n_weeks)
        Units per week, NaN where unknown.
    """
    is_known = np.isfinite(demand)
    first = np.where(is_known.any(axis=1), is_known.argmax(axis=1), -1)
    begun = np.bincount(first[first >= 0], minlength=1)
    result = demand
    for week in np.flatnonzero(begun >= max(_FEWEST_BEGUN, _LEAST_BEGUN * len(demand))):
        together = np.flatnonzero(first == week)
        total = np.asarray(np.nansum(demand[together, week : week + _COMPARED_WEEKS + 1], axis=0, dtype=np.float64))
        if len(total) > _FEWEST_AFTER and total[0] <= _PARTIAL * total[1:].min():
            result = result.copy() if result is demand else result
            result[together, week] = np.nan
    return result


def _totals(
    tables: dict[str, pd.DataFrame], settings: Settings, as_of: date, series: tuple[pd.DataFrame, np.ndarray]
) -> Totals | None:
    """Return the panel of totals and the total that each of ``series`` (frame, demand) belongs to, or None."""
    column = linked_column(tables, settings)
    if column is None:
        return None
    by_kind = total_tables(tables, settings, column)
    if not is_long_enough(by_kind["sales"], as_of):
        return None
    panel = build_panel(by_kind, total_settings(settings, column), as_of)
    frame, demand = series
    keys = pd.MultiIndex.from_frame(panel.series[["region", "sku"]])
    code = keys.get_indexer(pd.MultiIndex.from_arrays([frame["region"], frame[column]])).astype(np.int32)
    is_covered = cover(code, demand, panel.demand, panel.days(28))
    scale = np.nanmean(panel.demand, axis=1, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1.0)
    demand = (panel.demand / scale[:, None]).astype(np.float32)
    groups = build_groups(demand, panel.series, panel.hierarchy)
    panel = replace(panel, demand=demand, units_sold=demand, groups=groups)
    return Totals(panel, scale, code, is_covered)


def carried_over(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables with sales, prices and returns of replaced SKUs under their successors, and the replaced ones gone.

    ``tables`` are cut to what is known. A replacement holds from the first row of sales of the new SKU on; before that both are
    forecast as they are. Sales of both in one period are added.
    """
    by_old = _in_force(tables)
    if not by_old:
        return tables
    final = {old: successor(old, by_old) or old for old in by_old}
    skus = tables["skus"]
    renamed = tables | {
        "skus": skus[~skus["sku"].astype(str).isin(list(final))],
        "sales": _sales(tables["sales"], final),
    }
    if "prices" in tables:
        renamed["prices"] = _prices(tables["prices"], final)
    if "returns" in tables:
        renamed["returns"] = _renamed(tables["returns"], final)
    return renamed


def _in_force(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    by_old = replacements(tables["skus"])
    if not by_old:
        return {}
    sold = set(tables["sales"]["sku"].unique().astype(str))
    return {old: new for old, new in by_old.items() if new in sold}


def _renamed(table: pd.DataFrame, final: dict[str, str]) -> pd.DataFrame:
    sku = table["sku"].astype(str)
    return table.assign(sku=sku.map(final).fillna(sku))


def _sales(sales: pd.DataFrame, final: dict[str, str]) -> pd.DataFrame:
    renamed = _renamed(sales, final)
    how = {name: "sum" if name == "units_sold" else "max" for name in sales.columns if name not in _KEYS}
    is_twice = renamed.duplicated(_KEYS, keep=False)
    if not is_twice.any():
        return renamed
    added = renamed[is_twice].groupby(_KEYS, as_index=False, observed=True).agg(how)
    return pd.concat([renamed[~is_twice], added], ignore_index=True)


def _prices(prices: pd.DataFrame, final: dict[str, str]) -> pd.DataFrame:
    """Return the prices with those of replaced SKUs only before the first price of their successor in the region."""
    is_old = prices["sku"].astype(str).isin(list(final))
    new, old = _renamed(prices[~is_old], final), _renamed(prices[is_old], final)
    keys = [new["region"].astype(str), new["sku"]]
    first = new["date"].groupby(keys).min()
    first_of_new = first.reindex(pd.MultiIndex.from_arrays([old["region"].astype(str), old["sku"]])).to_numpy()
    is_before = pd.isna(first_of_new) | (old["date"].to_numpy() < first_of_new)
    old = old[is_before].drop_duplicates(_KEYS)
    return pd.concat([old, new], ignore_index=True)
