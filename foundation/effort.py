"""How much work a CPU budget buys: rows and trees, by a fixed cost model.

Nothing is timed, so the same settings give the same rows on any machine. Not here: which rows are
drawn (features) or how trees are grown (models).
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.settings import Forecast

# Measured on one core of a small server: CPU seconds per million rows and tree of 127 leaves, growing with
# the depth of the tree; a training grows two models, one for calibration and the one that is kept.
_SECONDS_PER_MILLION_ROW_TREES = 0.16
_MODELS = 2.0
_FEWEST_ROWS = 200_000
_FEWEST_TREES = 40


@dataclass(frozen=True)
class Effort:
    """``rows`` and ``trees`` of one model, and sentences on what was given up."""

    rows: int
    trees: int
    given_up: tuple[str, ...]


def effort(forecast: Forecast, available_rows: int) -> Effort:
    """Return the rows and trees that ``forecast.cpu_minutes`` buys of ``available_rows``.

    Rows are given up first, down to 200,000, then trees, down to 40.

    >>> effort(Forecast(cpu_minutes=1.0, trees=200), 100_000)
    Effort(rows=100000, trees=200, given_up=())
    """
    per_row_tree = _MODELS * _SECONDS_PER_MILLION_ROW_TREES / 1e6 * (forecast.num_leaves / 127) ** 0.4
    affordable = 60 * forecast.cpu_minutes / per_row_tree
    rows = min(available_rows, max(int(affordable / forecast.trees), _FEWEST_ROWS))
    trees = min(forecast.trees, max(int(affordable / max(rows, 1)), _FEWEST_TREES))
    given_up = []
    if rows < available_rows:
        given_up.append(f"{rows:,} of {available_rows:,} training rows were drawn")
    if trees < forecast.trees:
        given_up.append(f"{trees} of {forecast.trees} trees were grown")
    return Effort(rows, trees, tuple(given_up))
