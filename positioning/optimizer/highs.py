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

from positioning.optimizer.tolerances import SolverLimits


@dataclass(frozen=True)
class Rows:
    """Rows of one constraint.

    Attributes
    ----------
    row, column, value
        Entries, (n,), with rows counted from 0.
    lower, upper
        Sides of the rows, (n_rows,), inclusive.
    names
        Returns the names of the rows.

    """

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    names: Callable[[Names], list[str]]


@dataclass(frozen=True)
class Names:
    """Names of the places and lanes of a SKU's problem.

    Attributes
    ----------
    hubs, regions, suppliers, shipments, deliveries
        Names in the order of their positions in the problem.

    """

    hubs: tuple[str, ...]
    regions: tuple[str, ...]
    suppliers: tuple[str, ...]
    shipments: tuple[str, ...]
    deliveries: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """Numbers of columns: ``send`` first, then ``serve``, ``keep``, ``end``, and ``later`` of each scenario.

    Attributes
    ----------
    n_send
        Shipments.
    n_serve
        Delivery lanes × buckets.
    n_keep
        Hubs × buckets.
    n_end
        Hubs × ranks.
    n_later
        Later departures.
    n_paths
        Demand scenarios.

    """

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
    """min cost · v + offset subject to lower ≤ matrix v ≤ upper, 0 ≤ v ≤ most.

    Attributes
    ----------
    columns
        Positions of the columns, for programs of a SKU.
    cost, most
        Cost and upper bound of each column, (n_columns,).
    matrix
        Coefficients, (n_rows, n_columns).
    lower, upper
        Sides of the rows, (n_rows,), inclusive.
    offset
        Constant of the objective.
    blocks
        Constraints the rows come from.

    """

    columns: Columns
    cost: np.ndarray
    most: np.ndarray
    matrix: csc_array
    lower: np.ndarray
    upper: np.ndarray
    offset: float
    blocks: tuple[Rows, ...]


# From where the last solve ended; from scratch; by the primal simplex; by an interior point.
_ATTEMPTS: tuple[dict[str, object], ...] = (
    {}, {"solver": "simplex", "simplex_strategy": 1}, {"solver": "simplex", "simplex_strategy": 4}, {"solver": "ipm"},
)  # fmt: skip
_OPTIONS = ("solver", "simplex_strategy", "simplex_iteration_limit", "ipm_iteration_limit", "time_limit")
_UNBOUNDED = (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible)
CONTINUOUS, WHOLE, ZERO_OR_WHOLE = (
    highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger, highspy.HighsVarType.kSemiInteger,
)  # fmt: skip


@dataclass(frozen=True)
class Solution:
    """A solution that can be used.

    Attributes
    ----------
    eur
        Objective with its offset.
    values
        Values of all columns, (n_columns,).
    duals
        Dual values of all rows as HiGHS signs them, (n_rows,); 0 where columns are whole.
    bound_eur
        No solution of the program costs less.

    """

    eur: float
    values: np.ndarray
    duals: np.ndarray
    bound_eur: float


class Model:
    """One HiGHS model on one thread: silent, deterministic, and restarted from scratch where a solve ends undecided.

    Parameters
    ----------
    limits
        When a solve is given up.
    may_be_unbounded
        Whether an objective without a minimum is an answer; otherwise such a solve counts as undecided.
    options
        Options of HiGHS by name.

    """

    def __init__(
        self, limits: SolverLimits | None = None, *, may_be_unbounded: bool = False, **options: object
    ) -> None:
        self.highs = highspy.Highs()
        self.highs.silent()
        self._limits = limits or SolverLimits()
        self._may_be_unbounded = may_be_unbounded
        self._whole: set[int] = set()
        self.set_options(**{"threads": 1, "random_seed": 0, **options})

    @property
    def status(self) -> str:
        """How the last solve ended, in the solver's words."""
        return str(self.highs.modelStatusToString(self.highs.getModelStatus()))

    @property
    def is_unbounded(self) -> bool:
        """Whether the last solve ended because the objective has no minimum, or there is no solution at all."""
        return self.highs.getModelStatus() in _UNBOUNDED

    def set_options(self, **options: object) -> None:
        """Set options of HiGHS."""
        for name, value in options.items():
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
        self._whole = set()

    def add_columns(self, cost: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> None:
        """Add columns without entries; all three arrays are (n_columns,)."""
        self.highs.addVars(len(cost), lower, upper)
        self.highs.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)

    def add_row(self, between: tuple[float, float], columns: np.ndarray, amounts: np.ndarray) -> None:
        """Add lower ≤ Σ amounts × columns ≤ upper, both sides inclusive."""
        self.highs.addRow(*between, len(columns), columns.astype(np.int32), amounts)

    @property
    def n_rows(self) -> int:
        """Rows added so far."""
        return int(self.highs.getNumRow())

    def set_bounds(self, column: int, lower: float, upper: float) -> None:
        """Change the bounds of a column, both inclusive."""
        self.highs.changeColBounds(int(column), float(lower), float(upper))

    def set_kinds(self, kinds: dict[int, highspy.HighsVarType]) -> None:
        """Make columns continuous, whole, or zero or whole."""
        for column, kind in kinds.items():
            self.highs.changeColIntegrality(int(column), kind)
        self._whole = (self._whole | kinds.keys()) - {column for column, kind in kinds.items() if kind == CONTINUOUS}

    def set_upper_sides(self, first: int, upper: np.ndarray) -> None:
        """Change the upper sides of rows from ``first`` on; they have no lower ones."""
        index = np.arange(first, first + len(upper), dtype=np.int32)
        self.highs.changeRowsBounds(len(upper), index, np.full(len(upper), -np.inf), np.asarray(upper, dtype="float64"))

    def solve(self) -> Solution:
        """Solve from where the last solve ended; raises ``RuntimeError`` without a solution that can be used."""
        result = self.try_solve()
        if result is None:
            raise RuntimeError(f"the solver ended with {self.status}")
        return result

    def try_solve(self) -> Solution | None:
        """Solve from where the last solve ended; None without a solution, also after restarts from scratch.

        A start from a neighbor's basis may end undecided or cycle, because rounding errors add up. Iterations are
        therefore limited, and an undecided solve is restarted from scratch, first by the same and then by other
        algorithms. An optimum can be used, and so can the best solution of a program with whole numbers.
        """
        if not self._run():
            return None
        info, solution = self.highs.getInfo(), self.highs.getSolution()
        # Without whole numbers there is no bound of a MILP.
        bound = info.mip_dual_bound if self._whole else info.objective_function_value
        duals = np.zeros(self.n_rows) if self._whole else np.array(solution.row_dual)
        return Solution(info.objective_function_value, np.array(solution.col_value), duals, float(bound))

    def _run(self) -> bool:
        highs, limits = self.highs, self._limits
        kept = {name: highs.getOptionValue(name)[1] for name in _OPTIONS}
        lines = highs.getNumRow() + highs.getNumCol()
        highs.setOptionValue("simplex_iteration_limit", limits.simplex_iterations + limits.iterations_per_line * lines)
        highs.setOptionValue("ipm_iteration_limit", limits.interior_iterations)
        is_usable = False
        for attempt in _ATTEMPTS:
            if attempt:
                highs.clearSolver()
            highs.setOptionValue("time_limit", highs.getRunTime() + limits.seconds)
            self.set_options(**attempt)
            highs.run()
            is_usable = self._is_usable()
            if is_usable or (self._may_be_unbounded and self.is_unbounded):
                break
        self.set_options(**kept)
        return is_usable

    def _is_usable(self) -> bool:
        status, info = self.highs.getModelStatus(), self.highs.getInfo()
        has_values = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
        return bool(status == highspy.HighsModelStatus.kOptimal or (has_values and info.mip_node_count >= 0))


def _writable(name: str) -> str:
    """Return ``name`` in characters the ``.lp`` format takes: gives[A>B] → gives(A_to_B)."""
    return name.replace("[", "(").replace("]", ")").replace(">", "_to_")
