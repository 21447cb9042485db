"""Which series there are and what never changes about them.

A series is every region × sku with a sales or price row before ``as_of`` that is not delisted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.expand import Grid, codes_of
from foundation.errors import ConfigurationError, InputError, nearest
from foundation.settings import Settings


@dataclass(frozen=True)
class SeriesIndex:
    """The series and how to find them.

    ``lookup`` is int32 (n_regions, n_skus): the series code of a pair, −1 where there is none.
    ``first_period`` and ``last_period`` are columns of the grid (see ``Panel``).
    """

    frame: pd.DataFrame
    regions: tuple[str, ...]
    skus: pd.Index
    region_code: np.ndarray
    lookup: np.ndarray
    first_period: np.ndarray
    last_period: np.ndarray
    static: tuple[str, ...]

    def codes(self, table: pd.DataFrame) -> np.ndarray:
        """Return the series code of every row of ``table`` by its region and sku, −1 for none."""
        region = codes_of(table["region"], pd.Index(self.regions))
        sku = codes_of(table["sku"], self.skus)
        found = self.lookup[region, sku]
        found[(region < 0) | (sku < 0)] = -1
        return found


def select_series(tables: dict[str, pd.DataFrame], settings: Settings, grid: Grid) -> SeriesIndex:
    """Return the series of the night, sorted by region and sku; raises ``InputError`` for none."""
    regions = pd.Index(sorted(tables["regions"]["region"].astype(str)))
    skus = tables["skus"].assign(sku=tables["skus"]["sku"].astype(str)).sort_values("sku").set_index("sku")
    first = np.full((len(regions), len(skus)), np.iinfo(np.int32).max, dtype=np.int32)
    for name in ("sales", "prices"):
        table = tables.get(name)
        if table is not None:
            _note_first(first, table, (regions, skus.index), grid)
    last = _column_of(skus.get("delist_date"), len(skus), grid, default=np.iinfo(np.int32).max)
    launch = _column_of(skus.get("launch_date"), len(skus), grid, default=np.iinfo(np.int32).max)
    lives = (first < grid.n_history) & (last > grid.n_history)[None, :]
    if not lives.any():
        raise InputError("sales: no region and sku has a sales or price row before as_of and is not delisted")
    region_code, sku_code = (code.astype(np.int32) for code in np.nonzero(lives))
    frame, static = _attributes(tables, settings, (regions[region_code], skus.index[sku_code]))
    lookup = np.full(first.shape, -1, dtype=np.int32)
    lookup[region_code, sku_code] = np.arange(len(frame), dtype=np.int32)
    begun = np.minimum(first[region_code, sku_code], launch[sku_code])
    return SeriesIndex(frame, tuple(regions), skus.index, region_code, lookup, begun, last[sku_code], static)


def _note_first(first: np.ndarray, table: pd.DataFrame, index: tuple[pd.Index, pd.Index], grid: Grid) -> None:
    region, sku = codes_of(table["region"], index[0]), codes_of(table["sku"], index[1])
    column = grid.column(table["date"])
    known = (region >= 0) & (sku >= 0) & (column < grid.n_history)
    pair = region[known].astype(np.int64) * first.shape[1] + sku[known]
    np.minimum.at(first.reshape(-1), pair, column[known].astype(np.int32))


def _column_of(dates: pd.Series | None, n: int, grid: Grid, default: int) -> np.ndarray:
    columns = np.full(n, default, dtype=np.int32)
    if dates is not None:
        known = dates.notna().to_numpy()
        columns[known] = grid.column(dates[known])
    return columns


def _attributes(
    tables: dict[str, pd.DataFrame], settings: Settings, keys: tuple[pd.Index, pd.Index]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the series frame and the names of its numeric static columns."""
    skus, regions = (tables[name].set_index(key) for name, key in (("skus", "sku"), ("regions", "region")))
    frame = pd.DataFrame({"region": keys[0].astype(str), "sku": keys[1].astype(str)})
    for name in settings.series.hierarchy:
        if name not in skus:
            raise ConfigurationError(
                f"series.hierarchy: skus has no column {name}{nearest(name, skus.columns.astype(str).to_list())}"
            )
        frame[name] = skus[name].reindex(keys[1]).astype(str).to_numpy()
    static = []
    for name in settings.series.features:
        source, by = (skus, keys[1]) if name in skus else (regions, keys[0])
        if name in source:
            frame[name] = pd.to_numeric(source[name].reindex(by)).to_numpy(np.float32)
            static.append(name)
    return frame, tuple(static)
