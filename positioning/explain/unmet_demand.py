"""Why demand stays unmet after the plan: the binding cause of each stockout, and the change that would remove it.

Here: trial shipments evaluated on the plan's demand scenarios, and one sentence per stockout. Not here: which stockouts are
reported (``positioning.explain.exceptions``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from positioning.explain.attribution import Decision, Outcome, units_of
from positioning.inputs.capacity import shared_constraints
from positioning.inputs.catalog import carries
from positioning.inputs.costs import total
from positioning.inputs.network import date_after
from positioning.inputs.problem import Problem
from positioning.inputs.subproblem import Subproblem
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.recourse import PricedSubproblem

_HALF = 0.5
_MEASURES = {"storage": "liters", "inbound": "units", "outbound": "units"}


@dataclass(frozen=True)
class Trial:
    """The effect of one more shipment, without loads.

    Attributes
    ----------
    shipment
        Position of the shipment in the network.
    units
        Units of the shipment.
    saved_eur
        Expected savings; negative where the shipment costs more than it saves.
    fewer_lost_units
        Expected reduction of lost sales over all regions.
    paying_units
        Largest smaller size that saves money where ``units`` do not; 0 where there is none.
    """

    shipment: int
    units: float
    saved_eur: float
    fewer_lost_units: float
    paying_units: float


@dataclass(frozen=True)
class Diagnosis:
    """The lost sales of one SKU after the plan, and trials of further shipments.

    Attributes
    ----------
    sku
        Position of the SKU.
    lost
        Expected units lost by region and bucket, (R, B).
    trials
        Evaluated further shipments.

    """

    sku: int
    lost: np.ndarray
    trials: tuple[Trial, ...]


def diagnose_chunk(cache: SubproblemCache, decisions: list[Decision]) -> list[Diagnosis]:
    """Return the diagnosis of every decision."""
    return [_diagnosis(cache, decision) for decision in decisions]


def _diagnosis(cache: SubproblemCache, decision: Decision) -> Diagnosis:
    subproblem = cache.subproblem(decision.sku)
    priced = cache.priced_subproblem(subproblem, np.zeros(len(subproblem.lanes)))
    units = units_of(subproblem, decision)
    eur, lost = _evaluated(priced, units)
    sizes = np.where(units > 0, subproblem.limits.pack, subproblem.limits.least)

    def trial(lane: int, size: float) -> Trial:
        trial_eur, trial_lost = _evaluated(priced, units + size * (np.arange(len(units)) == lane))
        return Trial(int(subproblem.lanes[lane]), size, eur - trial_eur, float((lost - trial_lost).sum()), 0.0)

    trials = [
        trial(lane, size)
        for lane in _candidates(subproblem, units, lost, sizes)
        for size in sorted({float(sizes[lane]), _covering(subproblem, units, lost, lane)})
    ]
    if trials and max(one.saved_eur for one in trials) < 0:
        best = max(range(len(trials)), key=lambda index: trials[index].saved_eur)
        lane = int(np.searchsorted(subproblem.lanes, trials[best].shipment))
        smaller = (float(trials[best].units // 2**halving) for halving in range(1, 12))
        paying = next((size for size in smaller if size >= 1 and trial(lane, size).saved_eur > 0), 0.0)
        trials[best] = replace(trials[best], paying_units=paying)
    return Diagnosis(decision.sku, lost, tuple(trials))


def _evaluated(priced: PricedSubproblem, units: np.ndarray) -> tuple[float, np.ndarray]:
    """Return expected cost and lost units (R, B) after ``units`` (L,) are sent."""
    recourse = priced.solve_recourse(units)
    shape = len(priced.problem.regions), len(priced.problem.bucket_days)
    lost = recourse.flow[-1, : shape[0] * shape[1]].reshape(shape)
    return float(recourse.scenario_eur.mean()) + priced.sending_eur(units), lost


def _candidates(subproblem: Subproblem, units: np.ndarray, lost: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Return the cheapest supply and transfer lane with units left into each hub that serves a region with lost sales."""
    serves = np.unique(subproblem.delivery_hub[lost.sum(axis=1)[subproblem.delivery_region] >= 1.0])
    eur = np.where(subproblem.limits.left(units) >= sizes, total(subproblem.shipment_terms), np.inf)
    into = [
        np.flatnonzero((subproblem.destination == hub) & (subproblem.is_supply == kind))
        for hub in serves
        for kind in (True, False)
    ]
    cheapest = [int(lanes[np.argmin(eur[lanes])]) for lanes in into if len(lanes)]
    return [lane for lane in cheapest if np.isfinite(eur[lane])]


def _covering(subproblem: Subproblem, units: np.ndarray, lost: np.ndarray, lane: int) -> float:
    """Return the size on ``lane`` that covers the expected loss of the regions its hub serves, as far as units are left."""
    served = subproblem.delivery_region[subproblem.delivery_hub == subproblem.destination[lane]]
    pack, least = subproblem.limits.pack[lane], subproblem.limits.least[lane]
    packs = np.ceil(min(lost[np.unique(served)].sum(), subproblem.limits.left(units)[lane]) / pack)
    most = np.floor(subproblem.limits.left(units)[lane] / pack) * pack
    return float(max(min(packs * pack, most), pack if units[lane] > 0 else least))


def diagnosis_in_eur(diagnosis: Diagnosis, unit: float) -> Diagnosis:
    """Return ``diagnosis`` of a problem in units of ``unit`` EUR, in EUR."""
    trials = tuple(replace(trial, saved_eur=trial.saved_eur * unit) for trial in diagnosis.trials)
    return replace(diagnosis, trials=trials)


@dataclass(frozen=True)
class Remaining:
    """What the plan leaves of shared resources.

    Attributes
    ----------
    slack
        Capacity left of each resource, (n_resources,), in the unit of its use.
    loads
        Loads in use by shipment.

    """

    slack: np.ndarray
    loads: dict[int, float]


class StockoutCause:
    """Names the binding cause of one SKU's stockouts, region by region.

    The first cause that applies counts, in this order: no allowed lane, no arrival in time, no stock at the sources, a minimum order or
    pack above what is left, no room, a shipment that is too large, a shipment that costs more than it saves.
    """

    def __init__(self, problem: Problem, outcome: Outcome, diagnosis: Diagnosis, remaining: Remaining) -> None:
        self._problem, self._outcome, self._diagnosis, self._remaining = problem, outcome, diagnosis, remaining
        self._sku, self._lanes = outcome.sku, problem.network.shipments
        self._units = np.zeros(len(self._lanes.lane))
        self._units[outcome.lanes] = outcome.units
        self._class = problem.catalog.handling_class[self._sku]
        self._pack, self._least = problem.limits.sizes(self._sku, np.arange(len(self._lanes.lane)))

    def sentence(self, position: int) -> str:
        """Return the cause in the region at ``position`` of the outcome, and the change that would remove it."""
        region = int(self._outcome.regions[position])
        deliveries = self._problem.network.deliveries
        rows = np.flatnonzero(deliveries.destination == region)
        carried = (
            carries(deliveries.classes, self._class)
            & carries(self._problem.network.hub_classes, self._class)[deliveries.origin]
        )
        name = self._problem.network.regions[region]
        if not carried[rows].any():
            return f"No hub with a delivery lane to {name} may carry {self._class} goods there. Add {self._class} to handling_classes of a hub and its lane."
        into = np.flatnonzero(np.isin(self._lanes.destination, deliveries.origin[rows[carried[rows]]]))
        allowed = into[self._problem.limits.is_allowed[self._sku, into]]
        if not len(allowed):
            return self._not_allowed(into, name)
        trials = [trial for trial in self._diagnosis.trials if trial.shipment in set(into.tolist())]
        return (
            self._late(allowed, position)
            or self._without_stock(allowed, position)
            or self._without_room(allowed, trials)
            or self._unprofitable(trials, position)
        )

    def _not_allowed(self, into: np.ndarray, region: str) -> str:
        lanes, catalog = self._lanes, self._problem.catalog
        if not len(into):
            return f"No transfer or supply lane leads to a hub that serves {region}. Add a lane."
        if not carries(lanes.classes, self._class)[into].any():
            return f"No lane to a hub that serves {region} may carry {self._class} goods. Add {self._class} to handling_classes of a lane."
        if not catalog.is_stocked[self._sku][lanes.destination[into]].any():
            return f"No hub that serves {region} may stock the SKU. Set hub_skus.is_stocked for one of them."
        life, fastest = catalog.shelf_life_days[self._sku], int(lanes.lead_days[into].min())
        if fastest >= life:
            return f"The fastest lane takes {_days(fastest)} and the shelf life is {_days(life)}. A lane of at most {_days(life - 1)} would do."
        return f"Every lane to a hub that serves {region} is closed, blocked or limited to 0 loads on its next departure. Open one of them."

    def _late(self, allowed: np.ndarray, position: int) -> str:
        """Return the cause where no allowed shipment arrives before most of the lost sales."""
        arrives = self._problem.network.arrival_days[allowed]
        buckets = self._problem.buckets
        lost = self._diagnosis.lost[position]
        usable = allowed[(self._source_units(allowed) >= 1.0) | (self._units[allowed] > 0)]
        earliest = int((self._problem.network.arrival_days[usable] if len(usable) else arrives).min())
        before = float(lost[: min(buckets.first_from(earliest), buckets.count)].sum())
        if before < _HALF * lost.sum() or before <= 0:
            return ""
        first = buckets.days[int(np.flatnonzero(lost > 0)[0])]
        return (
            f"{before:.0f} of the {_units(lost.sum())} are lost before {self._date(earliest)}, the earliest arrival of a shipment. "
            f"A shipment that arrives by {self._date(first)} would do."
        )

    def _source_units(self, shipments: np.ndarray) -> np.ndarray:
        """Return what each shipment's source had for it before the plan, in units."""
        catalog, origin, is_supply = (
            self._problem.catalog,
            self._lanes.origin[shipments],
            self._lanes.is_supply[shipments],
        )
        usable = self._problem.limits.give[self._sku]
        offered = catalog.available_units[self._sku]
        return np.array([offered[o] if supply else usable[o] for o, supply in zip(origin, is_supply, strict=True)])

    def _without_stock(self, allowed: np.ndarray, position: int) -> str:
        """Return the cause where the sources have no units left, or fewer than the smallest shipment."""
        left = self._source_units(allowed)
        for index, shipment in enumerate(allowed):
            same = (self._lanes.is_supply == self._lanes.is_supply[shipment]) & (
                self._lanes.origin == self._lanes.origin[shipment]
            )
            left[index] -= self._units[same].sum()
        lost = self._diagnosis.lost[position].sum()
        if (left < 1.0).all():
            places = sorted({self._problem.network.shipment_origin(int(shipment)) for shipment in allowed})
            return f"No units are left at {_listed(places)}. {_units(np.ceil(lost), 'more ')} there would cover the expected loss."
        smallest = np.where(self._units[allowed] > 0, self._pack[allowed], self._least[allowed])
        if (left >= smallest).any():
            return ""
        best = int(np.argmax(np.where(left >= 1.0, left, -np.inf)))
        origin = self._problem.network.shipment_origin(int(allowed[best]))
        return f"The smallest shipment from {origin} is {_units(smallest[best])}, and {left[best]:.0f} are left. A minimum order and a pack of at most {_units(left[best])} would do."

    def _without_room(self, allowed: np.ndarray, trials: list[Trial]) -> str:
        """Return the cause where every profitable shipment lacks shared capacity or room below ``max_units``."""
        if not trials:
            smallest = float(self._least[allowed].min())
            return f"Every hub that serves the region is at its hub_skus.max_units. A maximum higher by {_units(smallest)} would do."
        best = max(trials, key=self._saved_eur)
        is_short = all(self._shortage(trial) for trial in trials)
        return self._shortage(best) if is_short and self._saved_eur(best) > 0 else ""

    def _shortage(self, trial: Trial) -> str:
        """Return which shared capacity the trial exceeds, empty where none."""
        loads = {load.shipment: load.most for load in self._problem.shared.loads}
        for row, resource in enumerate(self._problem.shared.resources):
            lack = resource.use[self._sku] * trial.units - self._remaining.slack[row]
            if trial.shipment not in resource.shipments or resource.use[self._sku] <= 0 or lack <= 1e-9:
                continue
            if resource.load < 0:
                name = shared_constraints()[resource.kind].label.capitalize()
                return f"{name} at {resource.place} is used up. {np.ceil(lack):,.0f} more {_MEASURES.get(resource.kind, 'of it')} would do."
            if self._remaining.loads.get(resource.load, 0.0) >= loads[resource.load]:
                ship = self._date(int(self._problem.network.ship_days[trial.shipment]))
                return f"The departure of {resource.place} on {ship} is full. One more load would do."
        return ""

    def _saved_eur(self, trial: Trial) -> float:
        """Return the savings of the trial less the loads it would add."""
        needs_load = self._remaining.loads.get(trial.shipment, 0.0) == 0 or any(
            resource.load == trial.shipment and resource.use[self._sku] * trial.units > self._remaining.slack[row]
            for row, resource in enumerate(self._problem.shared.resources)
        )
        return trial.saved_eur - (float(self._lanes.eur_per_load[trial.shipment]) if needs_load else 0.0)

    def _unprofitable(self, trials: list[Trial], position: int) -> str:
        """Return the cause where every possible shipment is too large to pay, or costs more than it saves."""
        best = max([trial for trial in trials if not self._shortage(trial)] or trials, key=self._saved_eur)
        saved, value = self._saved_eur(best), float(self._problem.catalog.lost_sale_eur[self._sku])
        destination = self._problem.network.hubs[self._lanes.destination[best.shipment]]
        route = f"from {self._problem.network.shipment_origin(best.shipment)} to {destination}"
        shipment = f"A further shipment of {_units(best.units)} {route}"
        if saved >= 0:
            least = self._problem.settings.positioning.min_benefit_eur
            return f"{shipment} would save {saved:,.2f}; positioning.min_benefit_eur is {least:,.2f}, and the plan is optimal up to its optimality gap."
        if best.paying_units:
            return f"The smallest shipment {route} is {_units(best.units)}, which do not pay. A minimum order and a pack of at most {_units(best.paying_units)} would do."
        if best.saved_eur > 0:
            return f"{shipment} saves {best.saved_eur:,.2f}, less than its load cost of {best.saved_eur - saved:,.2f}. It pays together with other SKUs, or from a load cost of {best.saved_eur:,.2f}."
        if best.fewer_lost_units < 1e-6:
            return self._unreached(best, shipment, position)
        needed = value - saved / best.fewer_lost_units
        return f"{shipment} costs {-saved:,.2f} more than it saves. It pays from a lost-sale value of {needed:,.2f} per unit (now {value:,.2f})."

    def _unreached(self, trial: Trial, shipment: str, position: int) -> str:
        """Return the cause where a further shipment would reduce no loss: its delivery costs too much, or it is too late."""
        deliveries, hub = self._problem.network.deliveries, int(self._lanes.destination[trial.shipment])
        eur = deliveries.eur_per_unit + deliveries.eur_per_kg * self._problem.catalog.mass_kg[self._sku]
        served = (deliveries.origin == hub) & np.isin(deliveries.destination, self._outcome.regions)
        least, value = float(eur[served].min()), float(self._problem.catalog.lost_sale_eur[self._sku])
        if least >= value:
            return f"Delivery from {self._problem.network.hubs[hub]} costs {least:,.2f} per unit, and a lost sale {value:,.2f}. A delivery cost below {value:,.2f} would do."
        if not self._lanes.is_supply[trial.shipment]:
            origin, lost = self._problem.network.shipment_origin(trial.shipment), self._diagnosis.lost[position].sum()
            return f"The network is short of the SKU: the units at {origin} are needed there. {_units(np.ceil(lost), 'more ')} would cover the expected loss."
        return f"{shipment} would reduce no lost sales: it arrives too late, or its delivery costs more than a lost sale. Find a faster or cheaper lane."

    def _date(self, day: int) -> str:
        return date_after(self._problem.network.as_of, day).date().isoformat()


def _days(days: float) -> str:
    return f"{days:.0f} day" if days == 1 else f"{days:.0f} days"


def _units(count: float, word: str = "") -> str:
    return f"{count:,.0f} {word}{'unit' if round(count) == 1 else 'units'}"


def _listed(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
