"""Rules about an external forecast: complete quantiles in order, and what it covers of the series and the horizon.

Duplicate keys, unknown ids, negative and non-finite numbers are rules of every table (``rows``); rows made after the planning
date are dropped before (``foundation.visibility``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import Fault, InputWarning, counted_noun, listed, structural
from foundation.periods import as_timestamp
from foundation.settings import Settings, quantile_columns
from foundation.validation.input_table import InputTable, ValidInputs

_NAME = "external_forecast"
_QUANTILE_TABLES = (_NAME, "external_forecast_window")


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


def coverage_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield a warning about the series × dates of the horizon that the external forecast lacks; a simple method carries them."""
    if not inputs.has(_NAME, "date", "region", "sku") or not inputs.has("sales", "date", "region", "sku"):
        return
    settings, as_of = inputs.settings, inputs.as_of
    series = _series(inputs)
    if not len(series):
        return
    rows = _of_horizon(inputs.tables[_NAME], settings, as_of)
    place = series.get_indexer(pd.MultiIndex.from_arrays([rows["region"].astype(str), rows["sku"].astype(str)]))
    counts = np.bincount(place[place >= 0], minlength=len(series))
    missing = settings.horizon * len(series) - int(counts.sum())
    if missing <= 0:
        return
    problem = f"has no row for {missing:,} of {settings.horizon * len(series):,} series × dates of the horizon"
    without = [f"{sku} in {region}" for region, sku in series[counts == 0]]
    if without:
        problem += f"; {counted_noun(len(without), 'series', 'series')} without any: {listed(without)}"
    last, end = rows["date"].max(), settings.grid.step(as_of, settings.horizon - 1)
    if len(rows) and last < as_timestamp(end):
        problem += f"; it ends on {last:%Y-%m-%d}, and the horizon on {end}"
    remedy = "load the missing rows, or accept that the best simple method carries them (column tier)"
    yield InputWarning(_NAME, "date", problem, remedy, is_incomplete=True)


def _of_horizon(forecast: pd.DataFrame, settings: Settings, as_of: date) -> pd.DataFrame:
    """Return the rows of the horizon that were made last for their series."""
    if "as_of" in forecast and forecast["as_of"].notna().any():
        issued = forecast["as_of"].fillna(pd.Timestamp.min.as_unit("us"))
        latest = issued.groupby([forecast["region"].astype(str), forecast["sku"].astype(str)]).transform("max")
        forecast = forecast[(issued == latest).to_numpy()]
    first, end = as_timestamp(as_of), as_timestamp(settings.grid.step(as_of, settings.horizon))
    return forecast[((forecast["date"] >= first) & (forecast["date"] < end)).to_numpy()]


def _series(inputs: ValidInputs) -> pd.MultiIndex:
    """Return region and SKU of every series that is forecast: with a sales or price row before ``as_of``, not delisted."""
    day, pairs = as_timestamp(inputs.as_of), []
    for name in ("sales", "prices"):
        if inputs.has(name, "date", "region", "sku"):
            table = inputs.tables[name]
            known = table.loc[(table["date"] < day).to_numpy(), ["region", "sku"]]
            pairs.append(known.drop_duplicates().astype(str))
    frame = pd.concat(pairs).drop_duplicates()
    skus = inputs.tables["skus"]
    gone = skus["delist_date"] <= day if "delist_date" in skus else pd.Series(data=False, index=skus.index)
    replaced = set(inputs.texts("skus", "replaces")) if "replaces" in skus else set()
    left_out = {*skus.loc[gone.fillna(value=False).to_numpy(bool), "sku"].astype(str), *replaced}
    return pd.MultiIndex.from_frame(frame[~frame["sku"].isin(left_out)].sort_values(["region", "sku"]))
