"""HiGHS behind one small class; only the programme of few skus, which grows row by row (``positioning.joint``), calls it itself.

Here: passing a programme, changing prices, reading values. Not here: what rows and columns mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from positioning.model import Programme


@dataclass(frozen=True)
class Solution:
    """An optimal solution: objective with offset and the values of all columns."""

    eur: float
    values: np.ndarray


class Solver:
    """One HiGHS instance on one thread; silent and deterministic."""

    def __init__(self, **options: object) -> None:
        self.highs = highspy.Highs()
        self.highs.silent()
        for name, value in {"threads": 1, "random_seed": 0, **options}.items():
            self.highs.setOptionValue(name, value)

    def load(self, programme: Programme, names: tuple[list[str], list[str]] | None = None) -> None:
        """Replace the model; ``names`` are those of rows and columns, for written files."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(programme.cost), len(programme.lower)
        lp.col_cost_, lp.offset_ = programme.cost, programme.offset
        lp.col_lower_, lp.col_upper_ = np.zeros(len(programme.cost)), programme.most
        lp.row_lower_, lp.row_upper_ = programme.lower, programme.upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = programme.matrix.indptr
        lp.a_matrix_.index_ = programme.matrix.indices
        lp.a_matrix_.value_ = programme.matrix.data
        if names is not None:
            lp.row_names_, lp.col_names_ = [[_writable(name) for name in part] for part in names]
        self.highs.passModel(lp)

    def solve(self) -> Solution:
        """Solve from where the last solve ended; raises ``RuntimeError`` when not optimal."""
        found = self.try_solve()
        if found is None:
            status = self.highs.modelStatusToString(self.highs.getModelStatus())
            raise RuntimeError(f"the solver ended with {status}")
        return found

    def try_solve(self) -> Solution | None:
        """Solve from where the last solve ended; None when there is no optimal solution.

        A start from a neighbour's basis may end undecided (rounding errors pile up); then it starts afresh.
        """
        self.highs.run()
        if self.highs.getModelStatus() == highspy.HighsModelStatus.kUnknown:
            self.highs.clearSolver()
            self.highs.run()
        if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return Solution(self.highs.getInfo().objective_function_value, np.array(self.highs.getSolution().col_value))

    def set_most(self, first: int, most: np.ndarray) -> None:
        """Change the upper bounds of rows from ``first`` on; they have no lower ones."""
        index = np.arange(first, first + len(most), dtype=np.int32)
        self.highs.changeRowsBounds(len(most), index, np.full(len(most), -np.inf), np.asarray(most, dtype="float64"))


def _writable(name: str) -> str:
    """Return ``name`` in characters the ``.lp`` format takes: gives[A>B] → gives(A_to_B)."""
    return name.replace("[", "(").replace("]", ")").replace(">", "_to_")
