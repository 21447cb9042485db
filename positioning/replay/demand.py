"""What was demanded, before and during the replay, as dense whole units.

Demand of a period is what was sold while the article could be bought and nothing where it was out of
stock. Fractional sales are rounded half to even, since stock is whole. Not here: forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from foundation.errors import InputError
from positioning.replay.columns import codes, numbers
from positioning.replay.network import Network


@dataclass(frozen=True)
class Demand:
    """Whole units, int64, sku × region × period.

    ``past`` (K, R, P) ends the period before the start; ``ahead`` (K, R, T) begins with it.
    ``is_known`` (K, R, P) is False where the past is unknown: before a series' first row, or while
    the article was out of stock.
    """

    past: np.ndarray
    is_known: np.ndarray
    ahead: np.ndarray

    def until(self, period: int) -> tuple[np.ndarray, np.ndarray]:
        """Return demand before ``period`` of the replay and whether it is known, (K, R, P + period)."""
        new = self.ahead[:, :, :period]
        known = np.concatenate([self.is_known, np.ones(new.shape, dtype=bool)], axis=2)
        return np.concatenate([self.past, new], axis=2), known


def read_demand(sales: pd.DataFrame, network: Network, past_periods: int) -> Demand:
    """Return the demand of ``sales`` on the network's axes.

    Raises ``InputError`` when no sales row falls into a period of the replay: there is nothing to
    play against.
    """
    days, start = network.period_days, pd.Timestamp(network.start)
    first = start - timedelta(days=past_periods * days)
    end = start + timedelta(days=network.periods * days)
    dates = pd.to_datetime(sales["date"])
    rows = sales[((dates >= first) & (dates < end)).to_numpy()]
    period = ((pd.to_datetime(rows["date"]) - first).dt.days // days).to_numpy()
    _check_covered(period, past_periods, network)
    sku, region = _codes(rows["sku"], network.skus.index), _codes(rows["region"], network.delivery.regions)
    shape = (len(network.skus.index), len(network.delivery.regions), past_periods + network.periods)
    units, known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    inside = (sku >= 0) & (region >= 0)
    at = (sku[inside], region[inside], period[inside])
    in_stock = numbers(rows, "in_stock_rate", 1.0)[inside] > 0
    sold = np.rint(numbers(rows, "units_sold", 0.0)[inside]).astype(np.int64)
    np.add.at(units, at, np.where(in_stock, sold, 0))
    began = np.zeros(shape, dtype=bool)
    began[at] = True
    known = np.logical_or.accumulate(began, axis=2)
    known[tuple(axis[~in_stock] for axis in at)] = False
    return Demand(units[:, :, :past_periods], known[:, :, :past_periods], units[:, :, past_periods:])


def _codes(values: pd.Series, index: pd.Index) -> np.ndarray:
    """Return the position of each value in ``index``, -1 where it is not there."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(codes(index, values.cat.categories.to_numpy())[values.cat.codes.to_numpy()])
    return codes(index, values)


def _check_covered(period: np.ndarray, past_periods: int, network: Network) -> None:
    """Raise ``InputError`` when some period of the replay has no sales row at all."""
    rows = np.bincount(period, minlength=past_periods + network.periods)[past_periods:]
    empty = np.flatnonzero(rows == 0)
    if len(empty):
        day = network.start + timedelta(days=int(empty[0]) * network.period_days)
        raise InputError(
            f"sales: no row in {len(empty)} of {network.periods} periods of the replay, first {day}; "
            "choose an end on or before the last day with sales"
        )


def earlier(demand: Demand, periods: int) -> Demand:
    """Return the same demand with the replay moved ``periods`` back: the development window.

    Nothing of ``ahead`` is in the result. Raises ``InputError`` when the past is too short.
    """
    if demand.past.shape[2] <= periods:
        raise InputError(f"sales: fewer than {periods + 1} periods before the replay; nothing to choose settings on")
    return Demand(demand.past[:, :, :-periods], demand.is_known[:, :, :-periods], demand.past[:, :, -periods:])
