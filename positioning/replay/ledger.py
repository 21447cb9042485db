"""What a replay writes down, period by period: euro by term, units and the moves.

Purchase and the value of what is left are kept beside the operating terms: see ``Ledger.value_eur``.
Not here: the formulas of the costs (costs) and of the KPIs (kpis).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

OPERATING_TERMS = (
    "transfer_eur", "supply_eur", "handling_eur", "delivery_eur", "late_eur", "lost_sales_eur",
    "holding_eur", "storage_eur", "carbon_eur", "churn_eur",
)  # fmt: skip
GOODS_TERMS = ("purchase_eur", "goods_sold_eur", "stock_change_eur")
TERMS = OPERATING_TERMS + GOODS_TERMS
UNIT_COUNTS = ("demanded", "served", "local", "on_time", "transferred", "supplied")


@dataclass
class Ledger:
    """The account of one policy.

    Attributes
    ----------
    eur : float64 (term, K, T) in the order of ``TERMS``.
    units : int64 (count, K, T) in the order of ``UNIT_COUNTS``.
    kg_co2e : float64 (K, T).
    stock : int64 (K, H, T), at the end of each period.
    lead_units : int64 (days,), units served by days from order to door.
    moves : per night with shipments, (period, sku, lane, units) arrays.
    plans : per night, the wishes with outlook lines.
    refused_units : what the gate cut from the wishes.

    """

    policy: str
    eur: np.ndarray
    units: np.ndarray
    kg_co2e: np.ndarray
    stock: np.ndarray
    lead_units: np.ndarray
    moves: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    plans: list[tuple[int, pd.DataFrame]] = field(default_factory=list)
    refused_units: int = 0

    def count(self, name: str) -> int:
        """Return the units of count ``name`` over the whole replay."""
        return int(self.units[UNIT_COUNTS.index(name)].sum())

    def term_eur(self, name: str) -> float:
        """Return the euro of term ``name`` over the whole replay."""
        return float(self.eur[TERMS.index(name)].sum())

    def sku_eur(self, *, with_goods: bool) -> np.ndarray:
        """Return each article's cost (K,): the operating terms, and the goods' terms if asked for."""
        n_terms = len(TERMS) if with_goods else len(OPERATING_TERMS)
        return self.eur[:n_terms].sum(axis=(0, 2))

    def value_eur(self, *, with_goods: bool) -> float:
        """Return V, the cost of the replay; lower is better.

        Without goods: the operating terms. With goods: plus purchase, less the value at cost of the
        units sold (``lost_sale_eur`` is a contribution, so what a sale brings is net of cost), less
        the change of the value of stock and goods on the road, what is left written down to
        ``positioning.terminal_value_rate`` of cost. Every policy's leftovers are valued alike.
        """
        return float(self.sku_eur(with_goods=with_goods).sum())


def open_ledger(policy: str, shape: tuple[int, int, int], longest_days: int) -> Ledger:
    """Return an empty account for (K, H, T) and deliveries of up to ``longest_days``."""
    n_skus, n_hubs, periods = shape
    return Ledger(
        policy,
        np.zeros((len(TERMS), n_skus, periods)),
        np.zeros((len(UNIT_COUNTS), n_skus, periods), dtype=np.int64),
        np.zeros((n_skus, periods)),
        np.zeros((n_skus, n_hubs, periods), dtype=np.int64),
        np.zeros(longest_days + 1, dtype=np.int64),
    )


def tidy(ledger: Ledger, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the euro by policy × date × term, every term on every date."""
    by_term = ledger.eur.sum(axis=1)
    return pd.DataFrame(
        {
            "policy": ledger.policy,
            "date": np.tile(dates.to_numpy(), len(TERMS)),
            "term": np.repeat(np.array(TERMS, dtype=object), len(dates)),
            "eur": by_term.ravel(),
        }
    ).astype({"policy": "str", "term": "str"})
