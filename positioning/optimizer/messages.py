"""How pricing results travel from workers: the arrays of all columns of a chunk end to end, uses without their zeros.

Unpacked results equal those that were packed, bit for bit. Not here: who sends them (``positioning.optimizer.workers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from positioning.optimizer.pricing import Column, PricingResult


@dataclass(frozen=True)
class PackedResults:
    """Pricing results of n SKUs with m columns in all.

    Attributes
    ----------
    heads
        Position, number of columns, cost without shipments, and bound of each SKU.
    eur
        Cost of each column, (m,).
    lanes, units
        Shipments and units of all columns, end to end.
    n_lanes, n_uses
        Number of shipments and of resources used by each column, (m,).
    resources, uses
        Resources that columns use and how much, end to end.
    n_resources
        Number of resources.

    """

    heads: list[tuple[int, int, float, float]]
    eur: np.ndarray
    lanes: np.ndarray
    units: np.ndarray
    n_lanes: np.ndarray
    n_uses: np.ndarray
    resources: np.ndarray
    uses: np.ndarray
    n_resources: int


def pack(answers: list[Any]) -> list[Any] | PackedResults:
    """Return ``answers`` in the form in which they travel; only pricing results with columns change."""
    columns = [column for answer in answers if isinstance(answer, PricingResult) for column in answer.columns]
    if not columns:
        return answers
    resources = [np.flatnonzero(column.uses) for column in columns]
    return PackedResults(
        heads=[(one.sku, len(one.columns), one.no_shipment_eur, one.bound_eur) for one in answers],
        eur=np.array([column.eur for column in columns]),
        lanes=np.concatenate([column.lanes for column in columns]).astype("int32"),
        units=np.concatenate([column.units for column in columns]),
        n_lanes=_lengths([column.lanes for column in columns]),
        n_uses=_lengths(resources),
        resources=np.concatenate(resources).astype("int32"),
        uses=np.concatenate([column.uses[used] for column, used in zip(columns, resources, strict=True)]),
        n_resources=len(columns[0].uses),
    )


def unpack(packed: list[Any] | PackedResults) -> list[Any]:
    """Return the answers that ``pack`` was given."""
    if not isinstance(packed, PackedResults):
        return packed
    lanes, units = _cut(packed.lanes.astype("int64"), packed.n_lanes), _cut(packed.units, packed.n_lanes)
    resources, uses = _cut(packed.resources, packed.n_uses), _cut(packed.uses, packed.n_uses)
    results, first = [], 0
    for sku, n_columns, no_shipment_eur, bound_eur in packed.heads:
        columns = tuple(
            Column(
                sku, lanes[index], units[index], float(packed.eur[index]),
                _filled(packed.n_resources, resources[index], uses[index]),
            )
            for index in range(first, first + n_columns)
        )  # fmt: skip
        results.append(PricingResult(sku, no_shipment_eur, bound_eur, columns))
        first += n_columns
    return results


def _lengths(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([len(array) for array in arrays], dtype="int32")


def _cut(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(lengths)[:-1])


def _filled(length: int, index: np.ndarray, values: np.ndarray) -> np.ndarray:
    filled = np.zeros(length)
    filled[index] = values
    return filled
