"""Part of a problem: what a worker needs to plan some of its SKUs.

Only the rows of these SKUs travel. On arrival, they take their places in arrays of all SKUs, so that a SKU has the same position
everywhere; the system backs the rows between them with memory only when they are written, which never happens. Not here: which
worker plans which SKUs (``positioning.optimizer.workers``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from positioning.inputs.catalog import Catalog
from positioning.inputs.demand import Demand
from positioning.inputs.inventory import Stock
from positioning.inputs.limits import Limits
from positioning.inputs.problem import Problem

_BY_SKU: dict[type, tuple[str, ...]] = {
    Problem: ("arrivals",),
    Stock: ("usable", "physical"),
    Limits: ("is_allowed", "give", "receive", "available", "pack_units", "order_pack_units", "order_min_units"),
    **{kind: tuple(one.name for one in fields(kind) if one.type == "np.ndarray") for kind in (Catalog, Demand)},
}
_NAMES = ("skus", "handling_class")


@dataclass(frozen=True)
class ProblemPart:
    """A problem with the rows of some SKUs only.

    Attributes
    ----------
    problem
        The problem; arrays, names, and uses of resources by SKU have one entry for each of ``skus``.
    skus
        Positions of the SKUs in the whole problem, ascending, (n,).
    n_skus
        Number of SKUs of the whole problem.

    """

    problem: Problem
    skus: np.ndarray
    n_skus: int

    def restored(self) -> Problem:
        """Return the problem with every SKU of the part at its position; other SKUs are empty."""

        def spread(rows: np.ndarray) -> np.ndarray:
            whole = np.zeros((self.n_skus, *rows.shape[1:]), dtype=rows.dtype)
            whole[self.skus] = rows
            return whole

        names = {}
        for name in _NAMES:
            texts = [""] * self.n_skus
            for sku, text in zip(self.skus, getattr(self.problem.catalog, name), strict=True):
                texts[sku] = text
            names[name] = tuple(texts)
        return _mapped(self.problem, _once(spread), names)


def part_of(problem: Problem, skus: np.ndarray) -> ProblemPart:
    """Return the part of ``problem`` that planning ``skus``, ascending positions, reads."""
    catalog, stock = problem.catalog, problem.stock
    names = {name: tuple(np.array(getattr(catalog, name), dtype=object)[skus]) for name in _NAMES}
    lines = stock.arrivals[stock.arrivals["sku"].isin(skus)]
    part = _mapped(problem, _once(lambda rows: rows[skus]), names | {"successors": ()})
    stock = replace(part.stock, arrivals=lines, overdue=lines.iloc[:0], lapsed=lines.iloc[:0])
    previous = replace(
        problem.previous,
        **{one.name: _emptied(getattr(problem.previous, one.name)) for one in fields(problem.previous)},
    )
    return ProblemPart(replace(part, stock=stock, previous=previous, assumptions=()), skus, len(catalog.skus))


def _emptied(value: Any) -> Any:
    """Return a frame or a mapping of earlier proposals without its entries: planning a SKU reads none."""
    return value.iloc[:0] if hasattr(value, "iloc") else type(value)()


def _once(change: Any) -> Any:
    """Return ``change`` with a memory, because resources share arrays."""
    done: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def changed(rows: np.ndarray) -> np.ndarray:
        if id(rows) not in done:
            done[id(rows)] = rows, change(rows)  # with its key, so that no other array gets its id
        return done[id(rows)][1]

    return changed


def _mapped(problem: Problem, change: Any, names: dict[str, tuple[str, ...]]) -> Problem:
    """Return the problem with ``change`` applied to every array by SKU, and ``names`` in the catalog."""

    def applied(part: Any, **more: Any) -> Any:
        return replace(part, **{name: change(getattr(part, name)) for name in _BY_SKU[type(part)]}, **more)

    resources = tuple(replace(row, use=change(row.use)) for row in problem.shared.resources)
    limits = applied(problem.limits, shared=replace(problem.shared, resources=resources))
    return applied(
        problem,
        catalog=applied(problem.catalog, **names),
        stock=applied(problem.stock),
        demand=applied(problem.demand),
        limits=limits,
    )  # fmt: skip
