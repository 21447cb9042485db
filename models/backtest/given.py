"""A table of given weights and scales, for scores that must be comparable with published ones.

Not here: reading the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.errors import InputError
from models.backtest.levels import Grouping


@dataclass(frozen=True)
class GivenScales:
    """Weights and squared scales by level number and node.

    ``table`` has `level` (1 is the total, see ``levels``), `series` (the texts of the node's keys joined with
    `|` or `_`, in any order; anything for the total), one column whose name starts with `scale` (mean squared
    change) and one whose name starts with `weight` (money share, adding up to 1 within a level).
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [name for name in ("level", "series") if name not in self.table]
        missing += [name for name in ("scale", "weight") if not self._columns(name)]
        if missing:
            raise InputError(*(f"weights: there is no column {name}; see docs/backtest.md" for name in missing))

    def of(self, grouping: Grouping) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and squared scales float64 (n_nodes) of a level; NaN for nodes not in the table.

        Raises ``InputError`` where the table has no row for any node of the level.
        """
        rows = self.table[self.table["level"].astype(float) == grouping.number]
        weight, scale = (rows[self._columns(name)[0]].to_numpy(float) for name in ("weight", "scale"))
        if not grouping.keys:
            place = np.zeros(1, int) if len(rows) else np.full(1, -1)
        else:
            place = _places(grouping, rows["series"].astype("str"))
        if (place < 0).all():
            raise InputError(f"weights: no row for level {grouping.number} ({grouping.name}); see docs/backtest.md")
        return np.append(weight, np.nan)[place], np.append(scale, np.nan)[place]

    def _columns(self, start: str) -> list[str]:
        return [str(name) for name in self.table if str(name).startswith(start)]


def _places(grouping: Grouping, names: pd.Series) -> np.ndarray:
    """Return the row of each node, −1 for none, over the spellings of its name."""
    index = pd.Index(names.to_numpy())
    place = np.full(grouping.n_nodes, -1)
    for keys in (grouping.keys, grouping.keys[::-1]):
        for mark in ("|", "_"):
            spelled = grouping.nodes[list(keys)].agg(mark.join, axis=1)
            place = np.where(place < 0, index.get_indexer(spelled), place)
    return place
