"""A fan chart as points of an SVG: past sales and the mean as lines, prediction intervals as areas.

Not here: which series are shown (``review.forecast_page``), colors (``templates``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundation.wording import number

WIDTH, HEIGHT = 280.0, 120.0
_LEFT, _BOTTOM, _TOP = 34.0, 16.0, 6.0


@dataclass(frozen=True)
class FanChart:
    """One chart.

    Attributes
    ----------
    title, note, label : str
        Name of the series, a line below the chart, and the text for readers who do not see it.
    past, mean : str
        Points of the lines.
    areas : tuple of str
        Points of the intervals, the widest first.
    now : float
        Horizontal position at which the forecast starts.
    largest : str
        Value at the top.
    """

    title: str
    note: str
    label: str
    past: str
    mean: str
    areas: tuple[str, ...]
    now: float
    largest: str

    @property
    def floor(self) -> float:
        """Vertical position of zero."""
        return HEIGHT - _BOTTOM


def fan_chart(
    title: str, note: str, past: np.ndarray, mean: np.ndarray, bands: Sequence[tuple[np.ndarray, np.ndarray]]
) -> FanChart:
    """Return the chart of one series.

    Parameters
    ----------
    title, note : str
        Name of the series and a line below the chart.
    past : float64 array (n_past)
        Units sold per period, oldest first; NaN where unknown.
    mean : float64 array (n_ahead)
        Expected units per period.
    bands : sequence of (float64 array (n_ahead), float64 array (n_ahead))
        Lower and upper bound of each interval, the widest first.
    """
    count = len(past) + len(mean)
    values = np.concatenate([past, mean, *(bound for band in bands for bound in band)])
    largest = max(1.0, float(np.nanmax(values, initial=0.0)))

    def line(points: np.ndarray, first: int, is_reversed: bool = False) -> str:
        steps = np.arange(len(points))
        x = _LEFT + (first + steps + 0.5) * (WIDTH - _LEFT) / count
        y = _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - points / largest)
        order = steps[::-1] if is_reversed else steps
        return " ".join(f"{x[step]:.1f},{y[step]:.1f}" for step in order if np.isfinite(y[step]))

    ahead = len(past)
    areas = tuple(f"{line(low, ahead)} {line(high, ahead, is_reversed=True)}" for low, high in bands)
    label = f"{title}: {number(float(np.nansum(past)))} units sold in the last {len(past)} periods, {number(float(mean.sum()), 1)} expected in the next {len(mean)}"
    now = _LEFT + ahead * (WIDTH - _LEFT) / count
    return FanChart(title, note, label, line(past, 0), line(mean, ahead), areas, round(now, 1), _short(largest))


def _short(value: float) -> str:
    """Return a value in at most five characters: 12,345 is ``12k``."""
    for least, divisor, unit in ((1e7, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= least:
            return f"{number(value / divisor)}{unit}"
    return number(value, 1 if value < 10 else 0)
