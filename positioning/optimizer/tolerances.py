"""Differences that count as none in the arithmetic of each algorithm, and when a solve is given up.

Fields that end in ``_eur`` are in units of the problem's money, a tenth of a typical piece's worth (``positioning.money``).
Compiled kernels take named tuples. Not here: numbers that trade time for quality (``parameters``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class DualSimplex(NamedTuple):
    """Arithmetic of the dual simplex in a SKU's search.

    Attributes
    ----------
    feasible_units
        Units by which a basic variable may exceed a bound.
    feasible_rate
        The same as a share of the largest bound; the larger of the two counts.
    smallest_pivot
        Coefficients up to this one are not pivots. A larger one is more stable and ends more solves without a solution.
    tie_eur
        Costs up to this one count as 0 when a variable enters.
    pivots
        Pivots of one solve at most.

    """

    feasible_units: float = 1e-7
    feasible_rate: float = 1e-13
    smallest_pivot: float = 1e-9
    tie_eur: float = 1e-9
    pivots: int = 400


class TreeSimplex(NamedTuple):
    """Arithmetic of the dual simplex on the spanning tree of a transportation problem.

    Attributes
    ----------
    tie_rate
        Largest cost added to an arc to break ties, as a share of the largest cost. A larger one changes recourse costs.
    tie_growth
        Factor on ``tie_rate`` after each restart.
    pivots_per_node
        Pivots per node before a restart.
    restarts
        Starts at most.
    feasible_units
        Units by which a flow may be negative where demand is not whole.
    feasible_rate
        The same as a share of the largest flow, added to ``feasible_units``.

    """

    tie_rate: float = 2.0**-36
    tie_growth: float = 64.0
    pivots_per_node: int = 100
    restarts: int = 4
    feasible_units: float = 1e-7
    feasible_rate: float = 1e-12


class Branching(NamedTuple):
    """Arithmetic of the branch and bound of a SKU.

    Attributes
    ----------
    whole_units
        Units up to which a shipment counts as not used, and by which a limit may be exceeded.
    whole_rate
        Distance from a whole number of packs, as a share of a pack, up to which packs count as whole.
    least_gap_eur
        The search ends within this distance from the best plan, whatever the share to stop at.
    eur_per_unit_off
        Weight of a unit away from whole packs against unpaid linking duals when a shipment is chosen to branch on.
    simplex
        Arithmetic of the relaxations.

    """

    whole_units: float = 1e-6
    whole_rate: float = 1e-5
    least_gap_eur: float = 1e-6
    eur_per_unit_off: float = 2.0
    simplex: DualSimplex = DualSimplex()


@dataclass(frozen=True)
class SolverLimits:
    """When a solve of HiGHS is given up and restarted from scratch.

    Attributes
    ----------
    simplex_iterations, iterations_per_line
        Simplex iterations at most: a number, plus some per row and column. Warm starts can cycle without end.
    interior_iterations
        Interior-point iterations at most.
    seconds
        Seconds at most, a last resort for whole numbers, whose inner solves have limits of their own.

    """

    simplex_iterations: int = 5_000
    iterations_per_line: int = 20
    interior_iterations: int = 500
    seconds: float = 900.0


@dataclass(frozen=True)
class SolverTolerances:
    """Differences that count as none, in the arithmetic of all steps.

    Attributes
    ----------
    branching
        Of the branch and bound of a SKU.
    tree_simplex
        Of the recourse costs.
    sum_rate
        Share of its terms by which a sum over many SKUs may differ by the order of adding.
    bound_eur
        Amount by which a lower bound may lie above the plan's cost before it is a defect.
    no_gap_eur
        Gap up to which a plan counts as optimal.

    """

    branching: Branching = field(default_factory=Branching)
    tree_simplex: TreeSimplex = field(default_factory=TreeSimplex)
    sum_rate: float = 1e-9
    bound_eur: float = 1e-2
    no_gap_eur: float = 1e-6
