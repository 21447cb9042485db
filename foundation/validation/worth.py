"""Money that is missing where a plan needs it: sales that cost nothing to lose, goods that count as free.

A plan on such input is valid and worthless, so these are warnings. Not here: defaults with a meaning of their own (``assumptions``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, InputWarning, counted_noun
from foundation.lost_sales import lost_sale_values, sales_prices
from foundation.validation.input_table import ValidInputs

_OFFER_FACTOR = 1.5  # between the cost of an offer and that of its SKU before one is taken for a price per pack


@dataclass(frozen=True)
class Money:
    """What the input says of each SKU: EUR per unit, NaN where it is not known.

    Attributes
    ----------
    sku : object array (n_skus)
        SKU.
    cost : float64 array (n_skus)
        ``unit_cost_eur``.
    price : float64 array (n_skus)
        Price of ``skus``, else of ``prices``.
    stated_loss : float64 array (n_skus)
        ``lost_sale_eur`` as it stands.
    lost : float64 array (n_skus)
        Value of a lost sale.
    units : float64 array (n_skus)
        Units sold lately.
    """

    sku: np.ndarray
    cost: np.ndarray
    price: np.ndarray
    stated_loss: np.ndarray
    lost: np.ndarray
    units: np.ndarray


def money_of(inputs: ValidInputs) -> Money:
    """Return what the input says of the money of each SKU."""
    sku, skus = inputs.texts("skus", "sku"), inputs.tables["skus"]
    has_prices = inputs.has("prices", "date", "region", "sku", "unit_price_eur")
    prices = inputs.tables["prices"] if has_prices else None
    units = inputs.recent_units.groupby("sku")["units_sold"].sum().reindex(sku).fillna(0.0)
    return Money(
        sku=sku,
        cost=inputs.numbers("skus", "unit_cost_eur"),
        price=sales_prices(skus, prices, inputs.as_of),
        stated_loss=inputs.numbers("skus", "lost_sale_eur"),
        lost=lost_sale_values(skus, prices, inputs.as_of),
        units=units.to_numpy(dtype="float64"),
    )


def worth_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield what costs nothing although it should."""
    if not inputs.has("skus", "sku"):
        return
    money = money_of(inputs)
    no_price = np.isnan(money.stated_loss) & np.isnan(money.price)
    yield from _unpriced(
        money, "unit_price_eur", no_price,
        "empty and no lost_sale_eur; losing their sales costs nothing, so nothing will be sent or delivered",
        "give unit_price_eur and unit_cost_eur, or lost_sale_eur",
    )  # fmt: skip
    lost = np.where(np.isnan(money.stated_loss), "; losing a sale costs the whole price", "")
    no_cost = np.isnan(money.cost)
    yield from _unpriced(
        money, "unit_cost_eur", no_cost,
        f"empty; goods count as free, so that buying, holding, and aging cost nothing{max(lost[no_cost], default='')}",
        "give unit_cost_eur",
    )  # fmt: skip
    loss = money.lost
    is_cheap = (
        _cheap_losses(inputs.tables["skus"], inputs.tables["lanes"], loss) if inputs.has("lanes", "kind") else loss < 0
    )
    yield from _unpriced(
        money, "lost_sale_eur", is_cheap, "below the cheapest delivery", "a plan would rather refuse the customer"
    )
    yield from _unpriced(
        money, "lost_sale_eur", (loss == 0) & ~is_cheap, "of 0 (given, or price less cost); nothing is sent for them",
        "give what a lost sale costs",
    )  # fmt: skip
    yield from _odd_offers(inputs, money)
    yield from _unprofitable_lanes(inputs, money)


def _odd_offers(inputs: ValidInputs, money: Money) -> Iterator[InputWarning]:
    """Offers at more than the sales price, or far from ``unit_cost_eur`` of their SKU."""
    if (
        not inputs.has("supply", "supplier", "sku", "unit_cost_eur")
        or "supply" not in inputs.settings.positioning.kinds
    ):
        return
    offer, sku = inputs.numbers("supply", "unit_cost_eur"), inputs.texts("supply", "sku")
    index = pd.Index(money.sku).get_indexer(pd.Index(sku))
    price, cost = (np.where(index >= 0, values[index], np.nan) for values in (money.price, money.cost))
    with np.errstate(invalid="ignore", divide="ignore"):
        is_above_price = (offer > price) & (price > 0)
        factor = np.maximum(offer / cost, cost / offer)
        is_far = ~is_above_price & (offer > 0) & (cost > 0) & (factor > _OFFER_FACTOR)
    supplier = inputs.texts("supply", "supplier")
    for rows, problem, beside in (
        (is_above_price, "above the sales price; a sale of what is ordered loses money", price),
        (is_far, f"more than {_OFFER_FACTOR} times above or below skus.unit_cost_eur", cost),
    ):
        if rows.any():
            first = np.flatnonzero(rows)[:KEYS_SHOWN]
            keys = tuple(
                f"supplier={supplier[row]}, sku={sku[row]}: {offer[row]:g} beside {beside[row]:g}" for row in first
            )
            remedy = "give EUR per unit; a price per pack is to be divided by pack_units"
            yield InputWarning("supply", "unit_cost_eur", problem, remedy, int(rows.sum()), keys)


def _unprofitable_lanes(inputs: ValidInputs, money: Money) -> Iterator[InputWarning]:
    """Delivery lanes that cost more than losing the sale of any SKU, where other lanes do not."""
    if not inputs.has("lanes", "lane", "kind"):
        return
    is_delivery = inputs.texts("lanes", "kind") == "delivery"
    known = ~np.isnan(money.lost)
    if not is_delivery.any() or not known.any():
        return
    mass = inputs.numbers("skus", "mass_kg", 0.0)[known]
    lost = money.lost[known]
    per_unit, per_kg = inputs.numbers("lanes", "eur_per_unit", 0.0), inputs.numbers("lanes", "eur_per_kg", 0.0)
    lanes = np.flatnonzero(is_delivery)
    least = {rate: float((mass * rate - lost).min()) for rate in np.unique(per_kg[lanes])}
    gap = per_unit[lanes] + np.array([least[rate] for rate in per_kg[lanes]])
    if not (gap > 0).any() or (gap > 0).all():
        return
    unprofitable = lanes[gap > 0]
    unprofitable = unprofitable[
        np.lexsort((inputs.texts("lanes", "lane")[unprofitable].astype(str), -per_unit[unprofitable]))
    ]
    column = "eur_per_unit" if per_unit[unprofitable].any() else "eur_per_kg"
    keys = tuple(
        f"lane={inputs.texts('lanes', 'lane')[row]}: {inputs.numbers('lanes', column)[row]:g}"
        for row in unprofitable[:KEYS_SHOWN]
    )
    problem = "of delivery lanes on which a unit costs more than losing its sale, whatever the SKU; nothing is ever delivered on them"
    yield InputWarning("lanes", column, problem, "correct the cost, or remove the lane", len(unprofitable), keys)


def _unpriced(money: Money, column: str, rows: np.ndarray, problem: str, remedy: str) -> Iterator[InputWarning]:
    if not rows.any():
        return
    units = money.units[rows].sum()
    sold = f" ({counted_noun(units, 'unit')} sold in the last 28 days)" if units else ""
    order = np.lexsort((money.sku[rows].astype(str), -money.units[rows]))
    keys = tuple(f"sku={sku}" for sku in money.sku[rows][order][:KEYS_SHOWN])
    yield InputWarning("skus", column, f"{problem}{sold}", remedy, int(rows.sum()), keys)


def _cheap_losses(skus: pd.DataFrame, lanes: pd.DataFrame, loss: np.ndarray) -> np.ndarray:
    """Return a boolean per sku: losing a sale costs less (EUR per unit) than the cheapest delivery.

    ``loss`` (n,) is in EUR per unit; a delivery costs ``eur_per_unit`` plus ``eur_per_kg`` times ``mass_kg``. A sku whose loss
    is unknown (NaN) counts as no.
    """

    def column(frame: pd.DataFrame, name: str, default: float) -> np.ndarray:
        return frame[name].to_numpy(dtype="float64") if name in frame else np.full(len(frame), default)

    delivery = lanes[(lanes["kind"] == "delivery").fillna(False)]
    if delivery.empty:
        return np.zeros(len(skus), dtype=bool)
    per_unit = np.nan_to_num(column(delivery, "eur_per_unit", 0.0))
    per_kg = np.nan_to_num(column(delivery, "eur_per_kg", 0.0))
    mass = np.nan_to_num(column(skus, "mass_kg", 0.0))
    cheapest = np.min(per_unit[None, :] + mass[:, None] * per_kg[None, :], axis=1)
    with np.errstate(invalid="ignore"):
        return loss < cheapest
