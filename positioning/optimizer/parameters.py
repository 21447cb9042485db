"""Parameters of the optimizer's algorithms: how long each step searches.

A higher bound on rounds, passes, nodes, or tries costs time; a smaller share to stop at does too. The lower bound of a
plan is valid for any values. Fields that end in ``_eur`` are in units of the problem's money, a tenth of a typical piece's
worth (``positioning.money``). Here: every number that trades time for quality. Not here: arithmetic (``tolerances``), and
parameters of the model, such as scenarios and time buckets, which are ``positioning`` settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from positioning.optimizer.tolerances import SolverLimits, SolverTolerances


@dataclass(frozen=True)
class Effort:
    """When the search for the best plan of one SKU stops.

    Attributes
    ----------
    share
        It stops within this share of what is at stake for the SKU, inclusive.
    nodes
        Nodes of the branch and bound per search at most.
    searches
        Searches at most, each with the Benders cuts of the earlier ones.
    cuts
        Evaluations at most that bring the solution without whole packs within ``share`` before the first search.

    """

    share: float
    nodes: int
    searches: int
    cuts: int = 60

    def times(self, factor: float) -> Effort:
        """Return the effort with ``factor`` times the counts, each at least 1, and the share divided by it."""
        counts = (_more(count, factor) for count in (self.nodes, self.searches, self.cuts))
        return Effort(self.share / factor, *counts)


@dataclass(frozen=True)
class RecourseParameters:
    """The recourse function of a SKU and its Benders cuts.

    Attributes
    ----------
    groups
        Groups of scenarios that have a cut each. More groups converge in fewer rounds of more rows.
    idle_searches
        A cut takes part in searches until none of the solutions of so many lay on it. More cost time per search.
    on_rate
        A solution lies on a cut within this share of the cost there, or this amount where the cost is below 1.
    idle_eur
        Reduced cost, negative and per unit, down to which sending nothing counts as best.

    """

    groups: int = 5
    idle_searches: int = 40
    on_rate: float = 1e-7
    idle_eur: float = 1e-9


@dataclass(frozen=True)
class LocalSearchParameters:
    """The local search of one SKU after a line is refused.

    Attributes
    ----------
    tries
        Shipments that are evaluated at most.
    misses
        It stops after so many in a row, or not in a row since the last improvement, that do not reduce the cost.
    least_gain_eur
        Gains up to this one count as none.

    """

    tries: int = 14
    misses: int = 4
    least_gain_eur: float = 1e-9


@dataclass(frozen=True)
class MasterParameters:
    """The restricted master problem and the choice of whole columns.

    Attributes
    ----------
    nodes
        Nodes of its MILP at most.
    mip_gap_rate
        Relative gap at which the MILP stops.
    regret_eur
        Columns with a reduced cost up to this one take part in the MILP. More columns take longer.
    sweeps
        Passes over all columns at most that exchange chosen ones for better ones that fit.
    turns
        Passes over the doubtful loads at most that add or drop one.
    whole_share
        Shares up to this one, and from 1 less this one, count as whole.
    least_gain_eur
        Gains up to this one do not change the loads.

    """

    nodes: int = 200
    mip_gap_rate: float = 1e-4
    regret_eur: float = 1.0
    sweeps: int = 4
    turns: int = 2
    whole_share: float = 1e-6
    least_gain_eur: float = 1e-6


@dataclass(frozen=True)
class Smoothing:
    """Wentges smoothing of dual prices: the step from those of the best bound toward those of the master.

    Attributes
    ----------
    start
        First step, from 0 (best bound) to 1 (master).
    grow
        Factor on the step after a pass that improved the bound, up to a step of 1.
    shrink
        Factor on the step after another pass.

    """

    start: float
    grow: float = 1.2
    shrink: float = 0.7

    def after(self, step: float, *, is_better: bool) -> float:
        """Return the step after a pass with ``step`` that improved the bound or not."""
        return min(1.0, self.grow * step) if is_better else self.shrink * step


@dataclass(frozen=True)
class SampleParameters:
    """Dual prices to start from, by column generation on a stratified sample of SKUs.

    Attributes
    ----------
    skus
        SKUs of the sample, at least; below twice as many, all SKUs are in it.
    rounds
        Rounds at most.
    close_share
        It stops when bound and master are within this share of the gain, inclusive.
    effort
        Effort per SKU and round.
    smoothing
        Smoothing of dual prices.

    """

    skus: int = 160
    rounds: int = 12
    close_share: float = 0.002
    effort: Effort = Effort(share=0.02, nodes=20, searches=2)
    smoothing: Smoothing = Smoothing(0.5)


@dataclass(frozen=True)
class ColumnGenerationParameters:
    """Column generation over all SKUs.

    Attributes
    ----------
    sample
        The sample that provides the first dual prices.
    passes
        Passes over all SKUs at most.
    close_share
        It stops when bound and master are within this share of what is at stake, inclusive.
    effort
        Effort per SKU and pass.
    early_passes, early_effort
        Number of first passes, whose dual prices are far from their optimum, and the effort per SKU in them.
    smoothing
        Smoothing of dual prices and linking duals.
    kept_columns
        Columns kept per SKU. More make the master larger.
    kept_columns_of_all
        Columns kept of all SKUs together where that is more per SKU.
    doubtful_share
        A load of the relaxed master that is further than this from a whole number is decided again in turns.
    packing_passes
        Passes that generate columns for the loads that go.

    """

    sample: SampleParameters = SampleParameters()
    passes: int = 12
    close_share: float = 0.004
    effort: Effort = Effort(share=0.005, nodes=40, searches=4)
    early_passes: int = 3
    early_effort: Effort = Effort(share=0.02, nodes=20, searches=2)
    smoothing: Smoothing = Smoothing(0.7)
    kept_columns: int = 12
    kept_columns_of_all: int = 2_000
    doubtful_share: float = 0.1
    packing_passes: int = 2


@dataclass(frozen=True)
class BendersParameters:
    """The joint program of few SKUs.

    Attributes
    ----------
    relaxed_rounds, fixed_rounds
        Rounds of solving and evaluating at most, with loads that may be split and with loads that are fixed.
    load_rounds
        Choices of whole loads that are tried at most.
    pack_rounds
        Choices of whole packs that are tried at most.
    rough_share, close_share
        Shares of what is at stake at which rounds with split and with chosen loads stop, inclusive.
    exact_share, exact_pack_share
        Shares of what is at stake that a choice of whole loads, and of whole packs, may be from the optimum.
    packed_shipments
        Whole packs are part of the program up to so many shipments, inclusive. More take much longer.
    nodes, pack_nodes
        Nodes of a MILP with whole loads, and with whole packs, at most.
    no_slope_rate
        Coefficients of a cut below this share of its largest are rounding errors of dual prices.
    largest_count
        Shipments are counted in packs up to so many, larger ones in multiples of packs.
    effort
        Effort per SKU in the passes that generate columns afterwards.
    packing_passes
        Passes that generate columns for the loads that go.

    """

    relaxed_rounds: int = 40
    fixed_rounds: int = 12
    load_rounds: int = 12
    pack_rounds: int = 12
    rough_share: float = 0.01
    close_share: float = 0.004
    exact_share: float = 0.002
    exact_pack_share: float = 0.0005
    packed_shipments: int = 150
    nodes: int = 2_000
    pack_nodes: int = 400
    no_slope_rate: float = 2.0**-23
    largest_count: float = 65_536.0
    effort: Effort = Effort(share=0.001, nodes=100, searches=6)
    packing_passes: int = 4


@dataclass(frozen=True)
class Parameters:
    """All parameters of the optimizer.

    Attributes
    ----------
    few_skus
        Up to so many SKUs, inclusive, one joint program decides; above, column generation. The joint program takes longer
        with more SKUs.
    chunk_skus
        Neighboring SKUs that stay with one worker process. Results depend on it, but not on the number of processes.
    line_rounds
        Rounds at most in which lines below the minimum benefit are dropped and the rest is explained again.
    tolerances, solver
        Arithmetic of the algorithms, and limits of HiGHS.
    recourse, local_search, master, column_generation, benders
        The steps.

    Examples
    --------
    >>> from dataclasses import replace
    >>> Parameters().column_generation.passes
    12
    >>> quick = replace(Parameters(), column_generation=ColumnGenerationParameters(passes=4))

    """

    few_skus: int = 60
    chunk_skus: int = 16
    line_rounds: int = 12
    tolerances: SolverTolerances = field(default_factory=SolverTolerances)
    solver: SolverLimits = field(default_factory=SolverLimits)
    recourse: RecourseParameters = RecourseParameters()
    local_search: LocalSearchParameters = LocalSearchParameters()
    master: MasterParameters = MasterParameters()
    column_generation: ColumnGenerationParameters = ColumnGenerationParameters()
    benders: BendersParameters = BendersParameters()

    def with_effort(self, factor: float) -> Parameters:
        """Return the parameters with more or less effort.

        Parameters
        ----------
        factor
            Factor on rounds, passes, nodes, and searches, each at least 1 afterwards; shares to stop at are divided by it. With 1,
            the parameters are the same.

        """
        generation, benders, master = self.column_generation, self.benders, self.master
        return replace(
            self,
            master=replace(
                master, nodes=_more(master.nodes, factor), mip_gap_rate=master.mip_gap_rate / factor,
                sweeps=_more(master.sweeps, factor), turns=_more(master.turns, factor),
            ),
            column_generation=replace(
                generation, passes=_more(generation.passes, factor), close_share=generation.close_share / factor,
                effort=generation.effort.times(factor), early_effort=generation.early_effort.times(factor), packing_passes=_more(generation.packing_passes, factor),
                sample=replace(
                    generation.sample, rounds=_more(generation.sample.rounds, factor),
                    close_share=generation.sample.close_share / factor, effort=generation.sample.effort.times(factor),
                ),
            ),
            benders=replace(
                benders, relaxed_rounds=_more(benders.relaxed_rounds, factor), fixed_rounds=_more(benders.fixed_rounds, factor),
                load_rounds=_more(benders.load_rounds, factor), pack_rounds=_more(benders.pack_rounds, factor),
                rough_share=benders.rough_share / factor, close_share=benders.close_share / factor,
                exact_share=benders.exact_share / factor, exact_pack_share=benders.exact_pack_share / factor,
                nodes=_more(benders.nodes, factor), pack_nodes=_more(benders.pack_nodes, factor),
                effort=benders.effort.times(factor), packing_passes=_more(benders.packing_passes, factor),
            ),
        )  # fmt: skip

    def are_few(self, n_skus: int) -> bool:
        """Return whether single SKUs matter to shared capacity: few cannot use what one of them leaves."""
        return n_skus <= self.few_skus


def _more(count: int, factor: float) -> int:
    return max(1, round(count * factor))
