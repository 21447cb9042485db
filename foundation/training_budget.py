"""Conversion of a CPU budget to numbers of rows and trees, with a fixed cost model.

No time is measured, so the same settings give the same rows on every machine. Not here: the selection of rows (``features``) and
training (``models``).
"""

from __future__ import annotations

from foundation.settings import Forecast

# CPU seconds per million rows and tree of 127 leaves on a small server's core; a training grows two models,
# one for calibration and the one that is kept. Deeper trees cost less than their leaves say.
_SECONDS_PER_MILLION_ROW_TREES = 0.18
_MODELS = 2.0
_FEWEST_ROWS = 200_000
_FEWEST_TREES = 40


def affordable_rows(forecast: Forecast, available: int) -> tuple[int, tuple[str, ...]]:
    """Return how many of ``available`` rows all ``forecast.lightgbm.trees`` can be grown on, and what was given up.

    Never fewer than 200,000: beyond that trees are given up.

    >>> affordable_rows(Forecast(cpu_minutes=1.0), 100_000)
    (100000, ())
    """
    rows = min(available, max(int(_row_trees(forecast) / forecast.lightgbm.trees), _FEWEST_ROWS))
    return rows, () if rows == available else (f"{rows:,} of {available:,} training rows were drawn",)


def affordable_trees(forecast: Forecast, rows: int) -> tuple[int, tuple[str, ...]]:
    """Return how many trees, 40 or more, can be grown on ``rows``, and what was given up.

    A tenth over the budget is let pass, because rows are drawn at random.
    """
    trees = min(forecast.lightgbm.trees, max(int(1.1 * _row_trees(forecast) / max(rows, 1)), _FEWEST_TREES))
    return trees, () if trees == forecast.lightgbm.trees else (
        f"{trees} of {forecast.lightgbm.trees} trees were grown",
    )


def _row_trees(forecast: Forecast) -> float:
    """Return how many rows × trees the budget buys."""
    seconds = _MODELS * _SECONDS_PER_MILLION_ROW_TREES / 1e6 * (forecast.lightgbm.num_leaves / 127) ** 0.4
    return 60 * forecast.cpu_minutes / seconds
