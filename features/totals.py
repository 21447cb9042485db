"""Totals in the table ``regional``: long, smooth series of a region's demand of one kind.

A column ``units_<value>`` of ``regional``, where value is a value of a hierarchy column in lower case, is the total of that kind
in the region. The finest hierarchy column with such totals is used. Totals have a separate panel with a longer history, and the
same feature families describe them. Not here: top-down reconciliation to the totals (``models.reconciliation``).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from features.family import total_families
from foundation.periods import as_timestamp
from foundation.settings import Settings

_PREFIX = "units_"
_HISTORY_DAYS = 1460
_SHORTEST_DAYS = 112


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
