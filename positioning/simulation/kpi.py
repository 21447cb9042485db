"""A KPI of a replay, the data it is computed from, and the registry of all KPIs.

KPIs live in ``positioning/simulation/kpis``; installed packages add theirs as entry points of the group ``forestock.kpis``.
Not here: costs and the comparison of policies (``ledger``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foundation.extensions import entries
from positioning.simulation.ledger import Ledger
from positioning.simulation.world import Network

GROUP = "forestock.kpis"


@dataclass(frozen=True)
class Replayed:
    """The data a KPI is computed from.

    Attributes
    ----------
    ledger
        Account of one policy.
    network
        Network of the replay.
    daily_units
        Mean daily demand ahead of the regions each hub is nearest to, (K, H); the same for all policies.
    """

    ledger: Ledger
    network: Network
    daily_units: np.ndarray


@dataclass(frozen=True)
class Kpi:
    """One KPI of a replay.

    Attributes
    ----------
    name
        Value of the column `kpi`.
    label
        Name on pages and in the terminal.
    unit
        ``rate`` for a share, otherwise the unit of the value, for example ``days``.
    value
        Computes the KPI; NaN where it is not defined.
    decimals
        Decimals of the text.
    order
        Position on pages and in the terminal; smaller is earlier, ties by name.
    """

    name: str
    label: str
    unit: str
    value: Callable[[Replayed], float]
    decimals: int = 1
    order: int = 1_000

    def text(self, value: float | None) -> str:
        """Return a value of the KPI as pages and the terminal show it, a dash where it is unknown."""
        if value is None or not np.isfinite(value):
            return "–"
        return f"{100 * value:,.{self.decimals}f}%" if self.unit == "rate" else f"{value:,.{self.decimals}f}"


def registered_kpis() -> tuple[Kpi, ...]:
    """Return every KPI that ships with Forestock or is installed, in the order of pages.

    Raises ``ConfigurationError`` where an installed KPI cannot be loaded or two KPIs have the same name.
    """
    known = entries("positioning.simulation.kpis", GROUP, Kpi)
    return tuple(sorted(known.values(), key=lambda kpi: (kpi.order, kpi.name)))


def all_kpis(replayed: Replayed) -> dict[str, float]:
    """Return every registered KPI of a replay by name."""
    return {kpi.name: float(kpi.value(replayed)) for kpi in registered_kpis()}


def ratio(part: float, whole: float) -> float:
    """Return ``part`` ÷ ``whole``; NaN where ``whole`` is 0."""
    return float(part) / float(whole) if whole else float("nan")
