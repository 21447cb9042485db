"""HiGHS behind one small class, and the rule for a solve that ends undecided: restart from scratch.

Here: passing a program, running it to an answer, changing bounds, reading values. Not here: what rows and
columns mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csc_array


@dataclass(frozen=True)
class Rows:
    """Rows of one constraint: entries (row, column, value) with rows counted from 0, and bounds."""

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    names: Callable[[Names], list[str]]


@dataclass(frozen=True)
class Names:
    """Names of what a sku's problem numbers: its hubs, regions, shipments, deliveries, all suppliers."""

    hubs: tuple[str, ...]
    regions: tuple[str, ...]
    suppliers: tuple[str, ...]
    shipments: tuple[str, ...]
    deliveries: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """Where columns stand: ``send`` first, then per path ``serve``, ``keep``, ``end``, ``later``."""

    n_send: int
    n_serve: int
    n_keep: int
    n_end: int
    n_later: int
    n_paths: int

    @property
    def width(self) -> int:
        """Columns of one path."""
        return self.n_serve + self.n_keep + self.n_end + self.n_later

    @property
    def count(self) -> int:
        """All columns."""
        return self.n_send + self.n_paths * self.width

    def on_paths(self, first: int, local: np.ndarray) -> np.ndarray:
        """Return columns (n_paths, len(local)) of the group that starts at ``first`` within a path."""
        starts = self.n_send + self.width * np.arange(self.n_paths) + first
        return starts[:, None] + local[None, :]

    def serve(self, local: np.ndarray) -> np.ndarray:
        """Units served over a delivery lane in a bucket, lane × B + bucket."""
        return self.on_paths(0, local)

    def keep(self, local: np.ndarray) -> np.ndarray:
        """Units kept at a hub from a bucket to the next, hub × B + bucket."""
        return self.on_paths(self.n_serve, local)

    def end(self, local: np.ndarray) -> np.ndarray:
        """Units left at a hub by rank, hub × N_RANKS + rank."""
        return self.on_paths(self.n_serve + self.n_keep, local)

    def later(self, local: np.ndarray) -> np.ndarray:
        """Units on a later departure."""
        return self.on_paths(self.n_serve + self.n_keep + self.n_end, local)


NO_COLUMNS = Columns(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class LinearProgram:
    """min cost · v + offset subject to lower ≤ matrix v ≤ upper, 0 ≤ v ≤ most."""

    columns: Columns
    cost: np.ndarray
    most: np.ndarray
    matrix: csc_array
    lower: np.ndarray
    upper: np.ndarray
    offset: float
    blocks: tuple[Rows, ...]


# A solve ends after so many simplex iterations, plus some per row and column: warm starts can cycle for ever.
_ITERATIONS, _ITERATIONS_PER_LINE, _INTERIOR_ITERATIONS = 5_000, 20, 500
# A last resort for whole numbers, whose inner solves have limits of their own; no solve on record comes near it.
_SECONDS = 900.0
# From where the last solve ended; from scratch; by the primal simplex; by an interior point.
_ATTEMPTS: tuple[dict[str, object], ...] = (
    {}, {"solver": "simplex", "simplex_strategy": 1}, {"solver": "simplex", "simplex_strategy": 4}, {"solver": "ipm"},
)  # fmt: skip
_OPTIONS = ("solver", "simplex_strategy", "simplex_iteration_limit", "ipm_iteration_limit", "time_limit")


@dataclass(frozen=True)
class Solution:
    """An optimal solution: objective with offset and the values of all columns."""

    eur: float
    values: np.ndarray


def run_to_answer(highs: highspy.Highs) -> bool:
    """Run ``highs`` until it has an answer; return whether it is one that can be used.

    A start from a neighbor's basis may end undecided or cycle, because rounding errors add up. Iterations are
    therefore limited, and an undecided solve is restarted from scratch, first by the same and then by other
    algorithms. An optimum can be used, and so can the best solution of a program with whole numbers.
    """
    kept = {name: highs.getOptionValue(name)[1] for name in _OPTIONS}
    limit = _ITERATIONS + _ITERATIONS_PER_LINE * (highs.getNumRow() + highs.getNumCol())
    highs.setOptionValue("simplex_iteration_limit", limit)
    highs.setOptionValue("ipm_iteration_limit", _INTERIOR_ITERATIONS)
    is_usable = False
    for attempt in _ATTEMPTS:
        if attempt:
            highs.clearSolver()
        highs.setOptionValue("time_limit", highs.getRunTime() + _SECONDS)
        for name, value in attempt.items():
            highs.setOptionValue(name, value)
        highs.run()
        is_usable = _is_usable(highs)
        if is_usable:
            break
    for name, value in kept.items():
        highs.setOptionValue(name, value)
    return is_usable


def _is_usable(highs: highspy.Highs) -> bool:
    status, info = highs.getModelStatus(), highs.getInfo()
    has_values = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    return bool(status == highspy.HighsModelStatus.kOptimal or (has_values and info.mip_node_count >= 0))


class Solver:
    """One HiGHS instance on one thread; silent and deterministic."""

    def __init__(self, **options: object) -> None:
        self.highs = highspy.Highs()
        self.highs.silent()
        for name, value in {"threads": 1, "random_seed": 0, **options}.items():
            self.highs.setOptionValue(name, value)

    def load(self, program: LinearProgram, names: tuple[list[str], list[str]] | None = None) -> None:
        """Replace the model; ``names`` are those of rows and columns, for written files."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(program.cost), len(program.lower)
        lp.col_cost_, lp.offset_ = program.cost, program.offset
        lp.col_lower_, lp.col_upper_ = np.zeros(len(program.cost)), program.most
        lp.row_lower_, lp.row_upper_ = program.lower, program.upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = program.matrix.indptr
        lp.a_matrix_.index_ = program.matrix.indices
        lp.a_matrix_.value_ = program.matrix.data
        if names is not None:
            lp.row_names_, lp.col_names_ = [[_writable(name) for name in part] for part in names]
        self.highs.passModel(lp)

    def solve(self) -> Solution:
        """Solve from where the last solve ended; raises ``RuntimeError`` without an answer."""
        result = self.try_solve()
        if result is None:
            status = self.highs.modelStatusToString(self.highs.getModelStatus())
            raise RuntimeError(f"the solver ended with {status}")
        return result

    def try_solve(self) -> Solution | None:
        """Solve from where the last solve ended; None without an answer, also after a restart from scratch."""
        if not run_to_answer(self.highs):
            return None
        return Solution(self.highs.getInfo().objective_function_value, np.array(self.highs.getSolution().col_value))

    def set_most(self, first: int, most: np.ndarray) -> None:
        """Change the upper bounds of rows from ``first`` on; they have no lower ones."""
        index = np.arange(first, first + len(most), dtype=np.int32)
        self.highs.changeRowsBounds(len(most), index, np.full(len(most), -np.inf), np.asarray(most, dtype="float64"))


def _writable(name: str) -> str:
    """Return ``name`` in characters the ``.lp`` format takes: gives[A>B] → gives(A_to_B)."""
    return name.replace("[", "(").replace("]", ")").replace(">", "_to_")
