"""A sku in outline: what serving demand costs at least, as the largest of the cuts known so far.

For given shipments the compiled transportation solver tells the cost on every path and its dual prices,
which bound the cost of all other shipments from below (Van Slyke & Wets, "L-shaped linear programs", SIAM
J. Appl. Math. 17 (1969)); cuts are summed over a few groups of paths, or over all of them for each part where the
sku falls apart. They know no price, so they serve every later question about the sku. Not here: branching (``positioning.optimizer.branch_and_bound``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from positioning.inputs.costs import total
from positioning.inputs.subproblem import N_RANKS, SkuProblem
from positioning.optimizer.branch_and_bound import Branched, Offer, Rows, branch
from positioning.optimizer.recourse import Case, Service

# A cut stays while an answer of one of so many of the last searches lay on it.
_IDLE_ANSWERS = 40
_ON_EUR = 1e-7


class CutPool:
    """All cuts of one sku, and how many searches ago each was the largest of its group."""

    def __init__(self, slope: np.ndarray, floor: np.ndarray) -> None:
        """Start with limits on shipments alone, rows ``slope`` (n, L) · units ≥ ``floor`` (n,), which always stay."""
        self._all = Rows(slope, floor, np.full(len(floor), -1), np.zeros(0, dtype="int64"))
        self._idle = np.zeros(len(floor), dtype="int64")
        self._chosen: Rows | None = None

    def add(self, slope: np.ndarray, floor: np.ndarray) -> None:
        """Add one cut per group, ``slope`` (n_groups, L) and ``floor`` (n_groups,)."""
        old, groups = self._all, np.arange(len(floor))
        self._all = Rows(
            np.concatenate([old.slope, slope]), np.concatenate([old.floor, floor]),
            np.concatenate([old.group, groups]), len(old.floor) + groups,
        )  # fmt: skip
        self._idle = np.concatenate([self._idle, np.zeros(len(groups), dtype="int64")])
        self._chosen = None

    def latest_summed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the cut on the whole cost that the groups' last ones make together: slope (1, L) and floor (1,)."""
        home = self._all.home
        return self._all.slope[home].sum(axis=0, keepdims=True), self._all.floor[home].sum(keepdims=True)

    def rows(self) -> Rows:
        """Return limits, the cuts added last and those that mattered lately."""
        if self._chosen is None:
            kept = np.flatnonzero(self._is_near())
            home = np.searchsorted(kept, self._all.home)
            self._chosen = Rows(self._all.slope[kept], self._all.floor[kept], self._all.group[kept], home)
        return self._chosen

    def recall(self, answers: np.ndarray) -> bool:
        """Note which cuts the ``answers`` (n, L) lie on; say whether any of them was not searched on."""
        group, n_groups = self._all.group, len(self._all.home)
        is_cut = group >= 0
        height = self._all.floor[is_cut, None] - self._all.slope[is_cut] @ answers.T
        was_near = self._is_near()[is_cut]
        on, is_broken = np.zeros(len(height), dtype=bool), False
        for of in range(n_groups):
            selected = np.flatnonzero(group[is_cut] == of)
            top = height[selected].max(axis=0)
            slack = _ON_EUR * np.maximum(1.0, np.abs(top))
            on[selected] = (height[selected] >= top - slack).any(axis=1)
            is_broken |= bool((height[selected[was_near[selected]]].max(axis=0) < top - slack).any())
        self._idle[is_cut] = np.where(on, 0, self._idle[is_cut] + 1)
        self._chosen = None
        return is_broken

    def _is_near(self) -> np.ndarray:
        near = (self._all.group < 0) | (self._idle < _IDLE_ANSWERS)
        near[self._all.home] = True
        return near


@dataclass(frozen=True)
class Parts:
    """How many parts, the part of each shipment (L,) and of each sink but the dump (n_sinks − 1,)."""

    count: int
    of_lane: np.ndarray
    of_sink: np.ndarray

    def split(self, by_lane: np.ndarray) -> np.ndarray:
        """Return values (L,) as rows (count, L), each part's own beside zeros."""
        return np.where(self.of_lane == np.arange(self.count)[:, None], by_lane, 0.0)

    def summed(self, by_sink: np.ndarray) -> np.ndarray:
        """Return the sums (count,) of values (n_sinks − 1,)."""
        return np.bincount(self.of_sink, weights=by_sink, minlength=self.count)


def parts_of(article: SkuProblem) -> Parts:
    """Return the parts of a sku.

    Places are tied by shipments and later departures between hubs, by deliveries, and by a supplier whose
    units are limited.
    """
    n_hubs, n_regions, n_buckets = len(article.hubs), len(article.regions), len(article.bucket_days)
    supplier = n_hubs + n_regions + np.where(article.is_supply, article.origin, 0)
    is_limited = article.is_supply & np.isfinite(
        np.append(article.available, np.inf)[np.where(article.is_supply, article.origin, -1)]
    )
    ties = [
        (article.origin[~article.is_supply], article.destination[~article.is_supply]),
        (supplier[is_limited], article.destination[is_limited]),
        (article.delivery_hub, n_hubs + article.delivery_region),
    ]  # fmt: skip
    one, other = (np.concatenate([tie[side] for tie in ties]) for side in (0, 1))
    n_places = n_hubs + n_regions + len(article.available)
    tied = coo_array((np.ones(len(one)), (one, other)), shape=(n_places, n_places))
    _, of_place = connected_components(tied, directed=False)
    kept, of_place = np.unique(of_place[: n_hubs + n_regions], return_inverse=True)
    of_region = np.repeat(of_place[n_hubs:], n_buckets)
    return Parts(len(kept), of_place[article.destination], np.append(of_region, np.repeat(of_place[:n_hubs], N_RANKS)))


_GROUPS = 5


@dataclass(frozen=True)
class Effort:
    """When to stop: within ``share`` of what is at stake, after ``nodes`` per search or so many ``searches``.

    Before branching the relaxed answer is brought within the same share by at most ``cuts`` evaluations.
    """

    share: float
    nodes: int
    searches: int
    cuts: int = 60


@dataclass(frozen=True)
class Asked:
    """What is asked on top of a sku's own costs.

    ``price`` (L,) EUR per unit, ``charges`` (L,) EUR for using a shipment at all, ``most`` (L,) units it may take.
    """

    price: np.ndarray
    charges: np.ndarray
    most: np.ndarray


@dataclass(frozen=True)
class Found:
    """A lower bound with all that is asked and the best plan seen: its units (L,) and its cost with all that is asked."""

    bound_eur: float
    units: np.ndarray
    eur: float


@dataclass(frozen=True)
class Plan:
    """Units (L,) in whole packs and what they cost without prices, EUR."""

    units: np.ndarray
    eur: float


class Outline:
    """The cuts and the plans of one sku, from its ``case``, whose price is not looked at."""

    def __init__(self, case: Case) -> None:
        """Learn what sending nothing costs."""
        self.case = case
        self.most = _useful_units(case)
        self.sending_eur = total(case.problem.shipment_terms)
        self.limits = _limits(case.problem)
        self._pool = CutPool(*self.limits)
        self._parts = parts_of(case.problem)
        n_paths = len(case.ahead.paths)
        self._starts = np.unique(np.arange(min(_GROUPS, n_paths)) * n_paths // min(_GROUPS, n_paths))
        self._known: dict[bytes, float] = {}
        self._plans: dict[bytes, Plan] = {}
        no_shipment = np.zeros(len(self.most))
        self.nothing_eur = self.eur(no_shipment)
        self.first_cut = self._pool.latest_summed()
        self.slopes = self.sending_eur - self.first_cut[0][0]

    def is_idle(self, asked: np.ndarray) -> bool:
        """Say whether sending nothing is certainly best at prices ``asked`` (L,).

        With nothing sent the values of stock are optimal dual prices of the second stage; where no shipment
        has a negative reduced cost the optimum is to send nothing.
        """
        return bool((self.slopes + asked >= -1e-9).all())

    def eur(self, units: np.ndarray) -> float:
        """Return what sending ``units`` (L,) costs, without prices, and learn its cuts."""
        key = units.tobytes()
        if key not in self._known:
            service = self.case.serve(units)
            self._cut(units, service)
            self._known[key] = float(service.path_eur.mean()) + float(self.sending_eur @ units)
        return self._known[key]

    def learned(self, units: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return what sending ``units`` (L,) costs and its cut over all paths (1, L) and (1,), none where it is known."""
        is_known = units.tobytes() in self._known
        eur = self.eur(units)
        slope, floor = self._pool.latest_summed()
        return (eur, slope[:0], floor[:0]) if is_known else (eur, slope, floor)

    def best(self, asked: Asked, effort: Effort) -> tuple[Found, list[Plan]]:
        """Return the best plan and a bound at what is ``asked``, and the plans met on the way.

        The bound holds for all shipments within ``asked.most`` whatever the effort.
        """
        offer = self._offer(asked)
        result = Found(self.nothing_eur, np.zeros(len(self.most)), self.nothing_eur)
        if self.is_idle(asked.price + offer.part):
            return result, []
        for plan in self._plans.values():
            result = _better(result, plan, asked)
        bound, fresh = self._relaxed_eur(offer, effort), []
        for _ in range(effort.searches):
            text = branch(self._pool.rows(), offer, result.eur, effort.share, effort.nodes)
            bound = max(bound, text.bound_eur)
            if self._pool.recall(text.met):
                continue
            if text.plan.tobytes() in self._plans or not text.plan.any():
                break
            fresh.append(Plan(text.plan, self.eur(text.plan)))
            self._plans[text.plan.tobytes()] = fresh[-1]
            result = _better(result, fresh[-1], asked)
            if result.eur - bound <= effort.share * (self.nothing_eur - bound):
                break
        return Found(min(bound, result.eur), result.units, result.eur), fresh

    def _relaxed_eur(self, offer: Offer, effort: Effort) -> float:
        """Bring the outline close to the sku where packs need not be whole; return the bound there."""
        best, bound = self.nothing_eur, -np.inf
        for _ in range(effort.cuts):
            text: Branched = branch(self._pool.rows(), offer, self.nothing_eur, 1.0, 0)
            bound, units = max(bound, text.root_eur), text.root
            if self._pool.recall(text.met):
                continue
            if units.tobytes() in self._known:
                break
            best = min(best, self.eur(units) + float((offer.asked + offer.part - self.sending_eur) @ units))
            if best - bound <= effort.share * (self.nothing_eur - bound):
                break
        return bound

    def _offer(self, asked: Asked) -> Offer:
        article = self.case.problem
        part = np.where(asked.most > 0, asked.charges / np.maximum(asked.most, 1e-9), 0.0)
        return Offer(self.sending_eur + asked.price, asked.charges, part, asked.most, article.pack, article.least)

    def _cut(self, units: np.ndarray, service: Service) -> None:
        """Add what ``service`` says of all other shipments: a cut per part of the sku, or per group of paths."""
        article, paths = self.case.problem, np.arange(len(service.path_eur))[:, None]
        gained = service.path_value[paths, article.destination, self.case.ahead.arrival]
        given = service.path_value[:, np.where(article.is_supply, 0, article.origin), 0]
        if len(article.available):
            ordered = service.supplier_value[:, np.where(article.is_supply, article.origin, 0)]
            given = np.where(article.is_supply, ordered, given)
        if self._parts.count > 1:
            slope = self._parts.split((given - gained).mean(axis=0))
            paid = np.multiply(
                service.flow, self.case.ways.cost, out=np.zeros_like(service.flow), where=service.flow != 0
            )
            eur = self._parts.summed(paid.sum(axis=0)[:-1])
        else:
            slope = np.add.reduceat(given - gained, self._starts, axis=0) / len(paths)
            eur = np.add.reduceat(service.path_eur, self._starts) / len(paths)
        self._pool.add(-slope, eur - slope @ units)


def _better(found: Found, plan: Plan, asked: Asked) -> Found:
    """Return the better of ``found`` and ``plan``, which may not be allowed."""
    if (plan.units > asked.most + 1e-9).any():
        return found
    eur = plan.eur + float(asked.price @ plan.units + asked.charges[plan.units > 0].sum())
    return Found(found.bound_eur, plan.units, eur) if eur < found.eur else found


def _useful_units(case: Case) -> np.ndarray:
    """Return what each shipment can take at most, (L,): where suppliers have any amount, all that could ever be used.

    That is the largest demand of a path and all ranks of units left but the last, whose value no unit is bought for.
    """
    article = case.problem
    rooms = article.end_room[np.isfinite(article.end_room)].sum()
    useful = case.ahead.paths.reshape(len(case.ahead.paths), -1).sum(axis=1).max(initial=0.0) + rooms
    return np.minimum(article.most, np.maximum(np.ceil(useful / article.pack) * article.pack, article.least))


def _limits(article: SkuProblem) -> tuple[np.ndarray, np.ndarray]:
    """Return what hubs and suppliers can give and hubs receive as rows (n, L) · units ≥ floor (n,)."""
    hubs, suppliers = np.arange(len(article.hubs))[:, None], np.arange(len(article.available))[:, None]
    rows = np.concatenate([
        (article.origin == hubs) & ~article.is_supply, (article.origin == suppliers) & article.is_supply, article.destination == hubs,
    ])  # fmt: skip
    most = np.concatenate([article.give, article.available, article.receive])
    is_binding = rows.any(axis=1) & np.isfinite(most)
    return -rows[is_binding].astype("float64"), -most[is_binding]
