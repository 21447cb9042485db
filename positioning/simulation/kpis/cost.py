"""KPIs per unit served: operating cost and carbon."""

from __future__ import annotations

from positioning.simulation.kpi import Kpi, Replayed, ratio
from positioning.simulation.ledger import OPERATING_TERMS


def _eur_per_unit(replayed: Replayed) -> float:
    """Return operating cost, including lost sales, ÷ units served."""
    return ratio(sum(replayed.ledger.term_eur(term) for term in OPERATING_TERMS), replayed.ledger.count("served"))


def _kg_per_unit(replayed: Replayed) -> float:
    """Return Σ mass × km × factor of all shipments and deliveries ÷ units served, well to wheel."""
    return ratio(float(replayed.ledger.kg_co2e.sum()), replayed.ledger.count("served"))


COST = Kpi("eur_per_unit_served", "Cost per unit served", "EUR per unit", _eur_per_unit, 2, order=60)
CARBON = Kpi("kg_co2e_per_unit", "kg CO₂e per unit served", "kg per unit", _kg_per_unit, 3, order=110)
