"""Which segment each series belongs to, from what was known at the origin.

Not here: scores by segment (``judge``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.backtest.outcome import Outcome

NEW_DAYS = 56
_YEAR_DAYS = 364
_LONG_INTERVAL, _VARIED_SIZE = 1.32, 0.49  # Syntetos, Boylan & Croston, J. Oper. Res. Soc. 56, 2005


def segments(outcome: Outcome) -> pd.DataFrame:
    """Return the segment of each series (n_series), a column per kind of segment, all texts.

    Kinds: `region`, the hierarchy columns, `volume` (A: the top 80 % of money, B: up to 95 %, C: the rest),
    `intermittency` (Syntetos–Boylan classes), `age` (new: fewer than 56 known days).
    """
    series = outcome.series
    frame = series[["region", *outcome.hierarchy]].astype("str").reset_index(drop=True)
    days = series["known_periods"].to_numpy() * outcome.period_days
    return frame.assign(
        volume=volume_class(outcome.money),
        intermittency=intermittency_class(outcome.history[:, -(_YEAR_DAYS // outcome.period_days) :]),
        age=np.where(days < NEW_DAYS, "new", "established"),
    )


def volume_class(money: np.ndarray) -> np.ndarray:
    """Return A, B or C of each series: a series is A while the money before it in rank is below 80 % of all.

    >>> volume_class(np.array([5.0, 80.0, 15.0]))
    array(['C', 'A', 'B'], dtype=object)
    """
    order = np.argsort(-money, kind="stable")
    before = np.empty(len(money))
    before[order] = np.cumsum(money[order]) - money[order]
    share = before / max(money.sum(), np.finfo(float).tiny)
    return np.select([share < 0.8, share < 0.95], ["A", "B"], "C").astype(object)


def intermittency_class(history: np.ndarray) -> np.ndarray:
    """Return the class of each row of ``history`` (n_series, n_periods), NaN where unknown.

    ADI is known periods ÷ periods with demand; CV² the squared coefficient of variation of the demands that
    are not zero. Smooth: ADI < 1.32 and CV² < 0.49; erratic: CV² ≥ 0.49; intermittent: ADI ≥ 1.32; lumpy: both.

    >>> list(intermittency_class(np.array([[1.0, 1, 1, 1], [1, 0, 0, 1], [9, 0, 0, 1], [0, 0, 0, 0]])))
    ['smooth', 'intermittent', 'lumpy', 'no demand']
    """
    sold = np.where(np.nan_to_num(history) > 0, history, np.nan)
    count = np.isfinite(sold).sum(axis=1)
    interval = np.isfinite(history).sum(axis=1) / np.maximum(count, 1)
    mean = np.nansum(sold, axis=1) / np.maximum(count, 1)
    variance = np.nansum((sold - mean[:, None]) ** 2, axis=1) / np.maximum(count, 1)
    varied = variance >= _VARIED_SIZE * mean**2
    rare = interval >= _LONG_INTERVAL
    kinds = [count == 0, rare & varied, rare, varied]
    return np.select(kinds, ["no demand", "lumpy", "intermittent", "erratic"], "smooth").astype(object)
