"""Selection of the rows of a matrix: forecast origins, and the series and steps of each origin.

Not here: the features of the rows (``families``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.panel import Panel
from foundation.level_shift import LevelShifts, find_shifts
from foundation.settings import Settings

# Origins for fitting are 8 days apart in the last 16 weeks and 27 days before that. Both are coprime with 7, so that the step
# does not determine the weekday. Weekly data use every week.
_RECENT_DAYS = 112
_CALIBRATION_ROWS = 1_500_000
_SPACING = {1: (8, 27), 7: (1, 1)}


@dataclass(frozen=True)
class Rows:
    """Rows of one forecast origin.

    Attributes
    ----------
    origin
        Column of the origin in the panel: everything before it is known.
    series
        Series codes, int32 (n_rows).
    period
        Columns of the target periods, int32 (n_rows).

    """

    origin: int
    series: np.ndarray
    period: np.ndarray

    def head(self) -> Rows:
        """Return the first row alone."""
        return Rows(self.origin, self.series[:1], self.period[:1])


def forecast_rows(panel: Panel) -> list[Rows]:
    """Return every series × period of the horizon at ``as_of``."""
    return [every_row(panel, panel.n_history, panel.n_history + panel.horizon)]


def calibration_rows(panel: Panel, settings: Settings) -> list[Rows]:
    """Return every series × known period at the out-of-sample origins.

    The origins divide the last horizon before ``as_of``, or the later half of a history shorter than two horizons: with a
    horizon of 28 and 4 origins, they are 28, 21, 14 and 7 periods before ``as_of``, and the targets of each end there. With
    many series, there are fewer origins: beyond two, no more than 1.5 million rows need.
    """
    enough = max(2 * _CALIBRATION_ROWS // (panel.n_series * panel.horizon) - 1, 2)
    reach = min(panel.horizon, max(panel.n_history // 2, 1))
    count = min(settings.forecast.calibration_origins, reach, enough)
    back = sorted({round(reach * (k + 1) / count) for k in range(count)}, reverse=True)
    return [every_row(panel, panel.n_history - b, panel.n_history) for b in back]


def fit_rows(panel: Panel, settings: Settings, share: float) -> list[Rows]:
    """Return a random ``share`` of the known targets of the training origins, fixed by the seed.

    Rows whose target lies after a level shift that is unknown at their origin are left out.
    """
    drawn, shifts = [], find_shifts(panel.demand, panel.frequency.days)
    for origin in fit_origins(panel, settings):
        steps = min(panel.horizon, panel.n_history - origin)
        draw = np.random.default_rng([settings.forecast.seed, panel.n_history - origin])
        chosen = draw.random((panel.n_series, steps), dtype=np.float32) < share
        chosen &= np.isfinite(panel.demand[:, origin : origin + steps])
        chosen &= ~crosses(
            shifts, np.arange(panel.n_series)[:, None], origin, np.arange(origin, origin + steps)[None, :]
        )
        series, step = np.nonzero(chosen)
        drawn.append(Rows(origin, series.astype(np.int32), (origin + step).astype(np.int32)))
    return [rows for rows in drawn if len(rows.series)]


def crosses(shifts: LevelShifts, series: np.ndarray, origin: np.ndarray | int, period: np.ndarray) -> np.ndarray:
    """Return where a series shifts between an origin and a target, bool of the arguments' common shape.

    Parameters
    ----------
    shifts
        Level shifts of the series.
    series, origin, period : int array
        Series, column of the forecast origin, and column of the target; the three broadcast together.
    """
    start = shifts.start[series]
    return (start > origin) & (start <= period)


def available_rows(panel: Panel, settings: Settings) -> int:
    """Return how many rows ``fit_rows`` would give with a share of 1."""
    known = np.isfinite(panel.demand).sum(axis=0)
    horizon = panel.horizon
    return int(sum(known[origin : origin + horizon].sum() for origin in fit_origins(panel, settings)))


def fit_origins(panel: Panel, settings: Settings) -> list[int]:
    """Return the columns of the training origins, latest first."""
    dense, wide = _SPACING[panel.frequency.days]
    oldest = max(panel.n_history - panel.days(settings.forecast.history_days), 1)
    recent = max(panel.n_history - panel.days(_RECENT_DAYS), oldest)
    first = panel.n_history - max(dense // 2, 1)
    origins = list(range(first, recent, -dense))
    return origins + list(range((origins[-1] if origins else first) - wide, oldest - 1, -wide))


def every_row(panel: Panel, origin: int, end: int) -> Rows:
    """Return every series × period from the column ``origin`` to before the column ``end``."""
    series = np.repeat(np.arange(panel.n_series, dtype=np.int32), end - origin)
    return Rows(origin, series, np.tile(np.arange(origin, end, dtype=np.int32), panel.n_series))
