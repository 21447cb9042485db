"""Defaults that decide a plan where the input is silent, each found by one small function.

Here: which columns and tables are silent and what is taken instead. Not here: how an assumption is written or
shown (``foundation.assumptions``), warnings about what the input does say (the other modules of this package).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from foundation.assumptions import Assumption
from foundation.proximity import DISTANCE, ONE_HUB, lane_lengths, rank_deliveries
from foundation.validation.input_table import ValidInputs
from foundation.validation.stock import MOST_UNCOUNTED, best_selling, uncounted_skus
from foundation.validation.worth import money_of

_LANE_COSTS = ("eur_per_unit", "eur_per_kg", "eur_per_load")
# What an optional table that is not provided leaves out, as `validate` prints it.
WITHOUT = {
    "regional": "no weather, footfall or other regional numbers in the forecast",
    "calendar": "no events in the forecast but public holidays of series.country_holidays",
    "prices": "no price changes or promotions in the forecast",
    "hubs": "forecast only", "lanes": "forecast only", "stock": "forecast only",
    "hub_capacity": "capacities of hubs never change",
    "hub_skus": "every hub may hold every SKU",
    "inbound": "nothing is on its way",
    "supply": "every supplier offers every SKU without limit",
    "promises": "no delivery counts as late",
    "returns": "no returns in the forecast",
    "deliveries": "no measured delivery times",
}  # fmt: skip


def assumptions(inputs: ValidInputs, needs: str) -> Iterator[Assumption]:
    """Yield the defaults that a run takes; ``needs`` is ``forecast`` or ``rebalance``."""
    needed = all(inputs.has(table) for table in ("lanes", "skus", "hubs", "regions"))
    if needs != "rebalance" or not needed or not inputs.has("lanes", "kind", "lead_time_days"):
        return
    for rule in _RULES:
        yield from rule(inputs)


def _units_of(inputs: ValidInputs, column: str, names: np.ndarray) -> float:
    """Return the units that were sold lately in some regions, or of some SKUs.

    Parameters
    ----------
    inputs : ValidInputs
        The tables.
    column : {"region", "sku"}
        What ``names`` are.
    names : object array (n)
        Regions or SKUs.
    """
    sold = inputs.recent_units
    return float(sold.loc[sold[column].isin(names), "units_sold"].sum())


def _units_of_lanes(inputs: ValidInputs, rows: np.ndarray) -> float:
    """Return the units that were sold lately in the regions that some lanes serve, or whose hubs they supply.

    Parameters
    ----------
    inputs : ValidInputs
        The tables.
    rows : bool array (n_lanes)
        The lanes.
    """
    kinds, origins, ends = (inputs.texts("lanes", name) for name in ("kind", "origin", "destination"))
    is_delivery = kinds == "delivery"
    reached = rows | np.isin(origins, ends[rows & ~is_delivery])
    return _units_of(inputs, "region", ends[reached & is_delivery])


def _lane_costs(inputs: ValidInputs) -> Iterator[Assumption]:
    """Lanes without any cost: using them is free."""
    kinds = inputs.texts("lanes", "kind")
    silent = np.logical_and.reduce([inputs.empty("lanes", name) for name in _LANE_COSTS])
    for kind, effect in (
        ("transfer", "moving units between hubs costs only positioning.churn_eur_per_unit"),
        ("supply", "ordering costs no transport"),
        ("delivery", "a farther hub delivers as cheaply as the nearest"),
    ):
        rows = silent & (kinds == kind) & (kind == "delivery" or kind in inputs.settings.positioning.kinds)
        if rows.any():
            assumed = f"{kind} lanes without eur_per_unit, eur_per_kg and eur_per_load count as free"
            units = _units_of_lanes(inputs, rows)
            yield Assumption(
                f"{kind}_lane_cost", "lanes", "eur_per_unit", int(rows.sum()), assumed, effect, units=units
            )


def _lost_sales(inputs: ValidInputs) -> Iterator[Assumption]:
    """``lost_sale_eur`` is taken to be price less cost."""
    money = money_of(inputs)
    rows = np.isnan(money.stated_loss) & ~np.isnan(money.price) & ~np.isnan(money.cost)
    if rows.any():
        eur = float((money.lost * money.units)[rows].sum())
        yield Assumption(
            "lost_sale", "skus", "lost_sale_eur", int(rows.sum()), "a lost sale costs price less cost",
            "customers who do not come back cost nothing more", eur, float(money.units[rows].sum()),
        )  # fmt: skip


def _holding(inputs: ValidInputs) -> Iterator[Assumption]:
    """Hubs without a holding rate hold at the configured one."""
    silent = inputs.empty("hubs", "holding_rate_per_year") if inputs.has("hubs", "hub") else np.zeros(0, dtype=bool)
    if silent.any() and inputs.empty("skus", "holding_eur_per_unit_day").any():
        rate = inputs.settings.positioning.default_holding_rate_per_year
        assumed = f"holding costs {rate:.0%} of the unit cost a year (positioning.default_holding_rate_per_year)"
        yield Assumption(
            "holding_rate",
            "hubs",
            "holding_rate_per_year",
            int(silent.sum()),
            assumed,
            "a wrong rate orders too much or too little",
            units=_units_of(inputs, "region", _served(inputs, inputs.texts("hubs", "hub")[silent])),
        )


def _served(inputs: ValidInputs, hubs: np.ndarray) -> np.ndarray:
    """Return the regions with a delivery lane from one of ``hubs``, an object array (n)."""
    rows = (inputs.texts("lanes", "kind") == "delivery") & np.isin(inputs.texts("lanes", "origin"), hubs)
    return inputs.texts("lanes", "destination")[rows]


def _supply(inputs: ValidInputs) -> Iterator[Assumption]:
    """Offers without limit where ``supply`` is not provided; SKUs that can never be ordered."""
    if "supply" not in inputs.settings.positioning.kinds:
        return
    lanes = inputs.texts("lanes", "kind") == "supply"
    if not lanes.any():
        yield Assumption(
            "no_supply_lane",
            "lanes",
            "kind",
            0,
            "nothing can be ordered: there is no lane of kind supply",
            "stock only moves between hubs",
            units=float(inputs.recent_units["units_sold"].sum()),
        )
        return
    money = money_of(inputs)
    if not inputs.has("supply", "supplier", "sku"):
        eur = float(np.nansum(money.cost * money.units))
        yield Assumption(
            "unlimited_supply", "supply", "", 0, "every supplier offers every SKU without limit, in single units, at unit_cost_eur",
            "orders may be more than a supplier can give", eur, float(money.units.sum()),
        )  # fmt: skip
        return
    suppliers = set(inputs.texts("lanes", "origin")[lanes])
    offered = inputs.texts("supply", "sku")[np.isin(inputs.texts("supply", "supplier"), list(suppliers))]
    missing = ~np.isin(money.sku, offered) & (money.units > 0)
    if missing.any():
        loss = money.lost
        yield Assumption(
            "not_offered", "supply", "sku", int(missing.sum()), "SKUs that sell and no supplier with a lane offers cannot be ordered",
            "they sell out what is in stock", float(np.nansum((loss * money.units)[missing])) or None,
            float(money.units[missing].sum()),
        )  # fmt: skip


def _carbon(inputs: ValidInputs) -> Iterator[Assumption]:
    """Lanes without a factor emit nothing."""
    rows = inputs.empty("lanes", "kg_co2e_per_t_km")
    if rows.any():
        priced = inputs.settings.positioning.carbon_eur_per_t > 0
        effect = (
            "their emissions cost nothing, though carbon is priced" if priced else "emissions of the plan are too low"
        )
        yield Assumption(
            "emission_factor", "lanes", "kg_co2e_per_t_km", int(rows.sum()),
            "lanes without kg_co2e_per_t_km emit no CO2e", effect, units=_units_of_lanes(inputs, rows),
        )  # fmt: skip


def _promises(inputs: ValidInputs) -> Iterator[Assumption]:
    """Regions without a promise: no delivery to them is late."""
    regions = inputs.texts("regions", "region") if inputs.has("regions", "region") else np.zeros(0, dtype=object)
    promised = inputs.texts("promises", "region") if inputs.has("promises", "region") else np.zeros(0, dtype=object)
    silent = ~np.isin(regions, promised)
    if silent.any():
        column = "region" if len(promised) else ""
        rows = int(silent.sum()) if len(promised) else 0
        yield Assumption(
            "no_promise",
            "promises",
            column,
            rows,
            "no delivery is promised by a day",
            "no delivery there counts as late",
            units=_units_of(inputs, "region", regions[silent]),
        )


def _measures(inputs: ValidInputs) -> Iterator[Assumption]:
    """SKUs without mass or volume where a cost or a capacity is counted by it."""
    loads = {"mass_kg": ("eur_per_kg", "load_kg", "kg_co2e_per_t_km"), "volume_l": ("load_l",)}
    for name, columns in loads.items():
        used = [f"lanes.{column}" for column in columns if not inputs.empty("lanes", column).all()]
        if name == "volume_l" and inputs.has("hubs"):
            used += [
                f"hubs.{column}"
                for column in ("storage_l", "storage_eur_per_l_day")
                if not inputs.empty("hubs", column).all()
            ]
        rows = inputs.empty("skus", name)
        if used and rows.any():
            yield Assumption(
                name,
                "skus",
                name,
                int(rows.sum()),
                f"SKUs without {name} count as 0",
                f"they neither pay nor fill {', '.join(used)}",
                units=_units_of(inputs, "sku", inputs.texts("skus", "sku")[rows]),
            )


def _nearest_hub(inputs: ValidInputs) -> Iterator[Assumption]:
    """Regions whose delivery lanes do not all have a distance: their hubs are compared by another measure."""
    tables = inputs.tables
    ranked = rank_deliveries(tables["lanes"], tables["hubs"], tables["regions"])
    for basis, lanes in ranked[~ranked["basis"].isin([DISTANCE, ONE_HUB])].groupby("basis"):
        regions = lanes["region"].nunique()
        of_regions = f"{regions:,} {'region' if regions == 1 else 'regions'}"
        yield Assumption(
            f"nearest_hub_by_{str(basis).replace(' ', '_').replace('-', '_')}", "lanes", "distance_km", len(lanes),
            f"the nearest hub of {of_regions} is taken by {basis}",
            "local service, fill rates and expected demand by hub follow it",
            units=_units_of(inputs, "region", lanes["region"].unique()),
        )  # fmt: skip


def _carbon_distance(inputs: ValidInputs) -> Iterator[Assumption]:
    """Lanes with an emission factor and no distance: their emission needs one."""
    lanes = inputs.tables["lanes"]
    if not inputs.has("lanes", "kg_co2e_per_t_km"):
        return
    lengths = lane_lengths(lanes, inputs.tables["hubs"], inputs.tables["regions"])
    emits = (lanes["kg_co2e_per_t_km"] > 0).fillna(False).to_numpy(dtype=bool) & lengths["given_km"].isna().to_numpy()
    is_known = lengths["km"].notna().to_numpy()
    for key, rows, assumed, effect in (
        ("carbon_by_great_circle", emits & is_known, "CO2e is computed on the great-circle distance", "CO2e and its price are low by the detour of the road"),
        ("carbon_unknown", emits & ~is_known, "CO2e of these lanes counts as 0", "CO2e and its price are too low"),
    ):  # fmt: skip
        if rows.any():
            units = _units_of_lanes(inputs, rows)
            yield Assumption(key, "lanes", "distance_km", int(rows.sum()), assumed, effect, units=units)


def _uncounted(inputs: ValidInputs) -> Iterator[Assumption]:
    """Few and slow SKUs without a row of stock; many or best-selling ones are a warning (``stock``)."""
    sold, uncounted = uncounted_skus(inputs)
    if (
        len(uncounted)
        and not len(best_selling(inputs, sold, uncounted))
        and len(uncounted) <= MOST_UNCOUNTED * len(sold)
    ):
        yield Assumption(
            "uncounted", "stock", "sku", len(uncounted), "SKUs that sell and have no row in the snapshot are out of stock",
            "they are ordered and sent as if no hub had any", units=_units_of(inputs, "sku", np.asarray(uncounted.index)),
        )  # fmt: skip


def _inbound(inputs: ValidInputs) -> Iterator[Assumption]:
    if not inputs.has("inbound"):
        yield Assumption(
            "no_inbound", "inbound", "", 0, "nothing is on its way to a hub", "what is on order is ordered again",
            units=float(inputs.recent_units["units_sold"].sum()),
        )  # fmt: skip


_RULES: tuple[Callable[[ValidInputs], Iterator[Assumption]], ...] = (
    _nearest_hub, _lane_costs, _lost_sales, _holding, _supply, _carbon, _carbon_distance, _promises, _measures, _uncounted, _inbound,
)  # fmt: skip
