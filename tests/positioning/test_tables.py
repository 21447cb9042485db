"""The words of a reason state the direction of each amount, and the amounts add up to the savings of the line."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from positioning.explain.tables import reason

TERMS = {
    "saved_lost_sales_eur": 60.0, "saved_delivery_eur": -12.0, "saved_late_eur": 3.5, "saved_keeping_eur": -0.5,
    "saved_goods_eur": -1.0, "saved_moving_eur": -4.0,
}  # fmt: skip


def _line(**terms: float) -> SimpleNamespace:
    parts = TERMS | terms
    savings = sum(parts.values()) - 6.0
    return SimpleNamespace(kind="transfer", units=8.0, origin="A", destination="B", fixed_share_eur=6.0, benefit_eur=savings, fewer_lost_units=7.2, loss_if_refused_eur=savings, **parts)  # fmt: skip


def test_amounts_add_up_to_the_savings_of_the_line() -> None:
    savings, *parts = [float(text) for text in re.findall(r"-?\d+\.\d\d", reason(_line()))]
    assert sum(parts) == pytest.approx(savings)


def test_a_cost_is_not_described_as_a_saving() -> None:
    assert (
        "7.2 fewer lost sales 60.00; higher delivery cost -12.00; fewer late parcels 3.50; higher holding cost -0.50; lower inventory value -1.00"
        in reason(_line())
    )
    assert "lower delivery cost 12.00" in reason(_line(saved_delivery_eur=12.0))
