"""A reason's words say which way each amount goes, and its amounts add up to what it says the line is worth."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from positioning.explain.sentences import reason

TERMS = {
    "saved_lost_sales_eur": 60.0, "saved_delivery_eur": -12.0, "saved_late_eur": 3.5, "saved_keeping_eur": -0.5,
    "saved_goods_eur": -1.0, "saved_moving_eur": -4.0,
}  # fmt: skip


def _line(**terms: float) -> SimpleNamespace:
    parts = TERMS | terms
    worth = sum(parts.values()) - 6.0
    return SimpleNamespace(kind="transfer", units=8.0, origin="A", destination="B", fixed_share_eur=6.0, benefit_eur=worth, fewer_lost_units=7.2, loss_if_refused_eur=worth, **parts)  # fmt: skip


def test_amounts_add_up_to_the_lines_worth() -> None:
    values = reason(_line())
    worth, *parts = [float(text) for text in re.findall(r"-?\d+\.\d\d", values)]
    assert sum(parts) == pytest.approx(worth)


def test_what_costs_is_not_called_a_saving() -> None:
    parts = reason(_line())
    assert (
        "7.2 fewer lost sales 60.00; dearer delivery -12.00; fewer late parcels 3.50; more keeping -0.50; goods worth less -1.00"
        in parts
    )
    assert "cheaper delivery 12.00" in reason(_line(saved_delivery_eur=12.0))
