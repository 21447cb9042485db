"""The network of a replay, derived from what a plan reads of the same tables.

Here: the arrays of network, catalog and capacities of ``positioning`` laid out by period. Not here: what a column means
(``positioning.inputs.network``, ``positioning.inputs.catalog``, ``positioning.inputs.capacity``), so that plan and replay cannot differ in it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import InputError
from foundation.settings import Settings
from positioning.inputs import network as plan_network
from positioning.inputs.capacity import read_hub_capacity
from positioning.inputs.catalog import Catalog, build_catalog, carries, read_promises
from positioning.inputs.frames import table, texts
from positioning.inputs.limits import may_travel, whole_orders
from positioning.simulation.world import Delivery, Hubs, Lanes, Network, PlanInputs, Skus, Supply, weekdays


def read_network(tables: dict[str, pd.DataFrame], settings: Settings, start: date, periods: int) -> Network:
    """Return the network of ``tables`` for ``periods`` periods from ``start``.

    Lanes of kinds that ``positioning.kinds`` leaves out are not in it. Raises ``InputError`` when
    hubs, lanes or SKUs are missing.
    """
    for name in ("hubs", "lanes", "skus", "regions"):
        if tables.get(name) is None or tables[name].empty:
            raise InputError(f"{name}: the table is missing or empty; a replay needs it")
    network = plan_network.build_network(tables, settings, start)
    catalog = build_catalog(tables, network, settings)
    inputs = PlanInputs(tables, network, catalog, read_hub_capacity(tables, network), may_travel(network, catalog))
    return Network(
        start, periods, settings.grid.days, _skus(catalog), _hubs(inputs, periods, settings.grid.days),
        _delivery(catalog, network, read_promises(tables, network, catalog)),
        _lanes(inputs, settings), _supply(catalog, network), inputs,
    )  # fmt: skip


def _skus(catalog: Catalog) -> Skus:
    return Skus(
        pd.Index(catalog.skus, name="sku", dtype="str"), catalog.unit_cost_eur, catalog.lost_sale_eur,
        catalog.mass_kg, catalog.volume_l, np.array(catalog.handling_class, dtype=object),
    )  # fmt: skip


def _hubs(inputs: PlanInputs, periods: int, days: int) -> Hubs:
    catalog = inputs.catalog
    starts = np.arange(periods) * days
    return Hubs(
        pd.Index(inputs.network.hubs, name="hub", dtype="str"), inputs.hub_capacity.is_open(int(starts[-1]) + 1)[:, starts],
        catalog.holding_eur_per_day * days, catalog.storage_eur_per_day * days,
    )  # fmt: skip


def _delivery(
    catalog: Catalog, network: plan_network.Network, promises: tuple[tuple[str, ...], np.ndarray, np.ndarray]
) -> Delivery:
    """Return the delivery lanes; of two lanes between the same places the one of least carriage and lateness stands."""
    lanes, (classes, promised, penalty) = network.deliveries, promises
    shape = (len(catalog.skus), len(network.hubs), len(network.regions))
    carriage, late_eur, kg_co2e = np.full(shape, np.inf), np.zeros(shape), np.zeros(shape)
    lead_days, is_late = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    rank, nearest = np.full((shape[0], shape[2]), np.inf), np.full((shape[0], shape[2]), -1, dtype=np.int64)
    unit_eur, unit_kg = _per_unit(lanes, catalog)
    column = np.array([classes.index(name) for name in catalog.handling_class], dtype=np.int64)
    for lane, (hub, region) in enumerate(zip(lanes.origin, lanes.destination, strict=True)):
        late = lanes.lead_days[lane] > promised[region, column]
        price = np.where(late, penalty[region, column], 0.0)
        allowed = _allowed(catalog, network, lane)
        index = (slice(None), hub, region)
        better = allowed & (unit_eur[:, lane] + price < carriage[index] + late_eur[index])
        for target, value in (
            (carriage, unit_eur[:, lane]), (late_eur, price), (kg_co2e, unit_kg[:, lane]), (is_late, late),
            (lead_days, lanes.lead_days[lane]),
        ):  # fmt: skip
            target[index] = np.where(better, value, target[index])
        nearer = allowed & (lanes.nearness[lane] < rank[:, region])
        rank[nearer, region], nearest[nearer, region] = lanes.nearness[lane], hub
    regions = pd.Index(network.regions, name="region", dtype="str")
    return Delivery(regions, carriage, late_eur, is_late, lead_days, kg_co2e, _preference(carriage + late_eur), nearest)


def _allowed(catalog: Catalog, network: plan_network.Network, lane: int) -> np.ndarray:
    """Return whether the delivery lane and its hub may carry each SKU, (K,)."""
    lanes = network.deliveries
    both = (lanes.classes[lane], network.hub_classes[lanes.origin[lane]])
    names = np.array(catalog.handling_class, dtype=object)
    return np.isin(names, [name for name in set(catalog.handling_class) if carries(both, name).all()])


def _per_unit(lanes: plan_network.Lanes, catalog: Catalog) -> tuple[np.ndarray, np.ndarray]:
    """Return euro and kg CO2e of carrying one unit on each lane, (K, L), loads aside."""
    mass = catalog.mass_kg[:, None]
    return lanes.eur_per_unit[None, :] + mass * lanes.eur_per_kg, mass / 1000.0 * lanes.kg_co2e_per_t[None, :]


def _preference(cost: np.ndarray) -> np.ndarray:
    """Return hubs by rising cost, (K, R, H), -1 where there is no lane; ties by hub."""
    by_region = np.swapaxes(cost, 1, 2)
    order = np.argsort(by_region, axis=2, kind="stable")
    known = np.isfinite(np.take_along_axis(by_region, order, axis=2))
    return np.where(known, order, -1).astype(np.int64)


def _lanes(inputs: PlanInputs, settings: Settings) -> Lanes:
    """Return the lanes of ``positioning.kinds`` that move stock, in the order of their identifiers.

    ``is_allowed`` says which SKUs a lane may ever carry, supply lanes only those the supplier offers.
    """
    catalog, lanes = inputs.catalog, inputs.network.shipments
    rows = table(inputs.tables, "lanes").sort_values("lane", kind="stable", ignore_index=True)
    rows = rows[pd.Series(texts(rows, "kind"), dtype=object).isin(list(settings.positioning.kinds)).to_numpy()]
    is_offered = np.column_stack(
        [whole_orders(catalog, catalog.available_units) > 0, np.ones(len(catalog.skus), dtype=bool)]
    )
    allowed = inputs.may_travel & is_offered[:, np.where(lanes.is_supply, lanes.origin, -1)]
    cutoffs = pd.to_timedelta(pd.Series(texts(rows, "cutoff", "24:00"), dtype=object) + ":00").dt.total_seconds().to_numpy() / 60  # fmt: skip
    return Lanes(
        pd.Index(lanes.lane, name="lane", dtype="str"), lanes.is_supply, lanes.origin, lanes.destination, lanes.lead_days,
        weekdays(np.array(texts(rows, "departs"), dtype=object)), cutoffs, lanes.eur_per_load, lanes.load_l, lanes.load_kg,
        *_per_unit(lanes, catalog), allowed,
    )  # fmt: skip


def _supply(catalog: Catalog, network: plan_network.Network) -> Supply:
    """Return what each supplier with a lane offers; nothing is available of SKUs it does not offer."""
    return Supply(
        pd.Index(network.suppliers, name="supplier", dtype="str"), catalog.available_units.T.copy(),
        catalog.purchase_eur.T,
    )  # fmt: skip
