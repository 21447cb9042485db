"""Changed inputs for a what-if: the same tables, forecasts and settings with one thing different.

Here: what each key of ``what_if`` does to the frames, and the plan of record under them. Not here:
planning (``positioning.plan``) or comparing plans (review).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import ConfigurationError, nearest
from foundation.periods import as_timestamp
from foundation.settings import Settings, WhatIf
from positioning.explain.attribution import Decision, service_terms
from positioning.explain.tables import fixed_terms
from positioning.inputs.costs import KG
from positioning.inputs.frames import codes
from positioning.inputs.problem import Problem, build_problem
from positioning.inputs.subproblem import build_subproblem
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.workers import worker_pool

EVERYWHERE = "all"
_PRICES = ("eur_per_unit", "eur_per_kg", "eur_per_load")
_CAPACITIES = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Inputs:
    """What a plan is computed from.

    Attributes
    ----------
    tables
        Input tables known at the planning date, by name.
    forecasts
        Forecast frames by name.
    settings
        The configuration.

    """

    tables: Frames
    forecasts: Frames
    settings: Settings


def changed(inputs: Inputs, change: WhatIf, as_of: date) -> Inputs:
    """Return ``inputs`` under ``change``; the frames given are left as they are.

    Raises ``ConfigurationError`` with a line per hub, lane or region that is not known.
    """
    _check_names(inputs.tables, change)
    tables = dict(inputs.tables)
    tables["lanes"] = _lanes(tables["lanes"], change)
    tables["hubs"], tables["hub_capacity"] = _capacities(tables, change)
    if change.closed_hubs:
        tables["hub_capacity"] = _closed(tables["hub_capacity"], change.closed_hubs, as_of)
    forecasts = {name: scaled_demand(frame, change.demand_factor) for name, frame in inputs.forecasts.items()}
    return Inputs(tables, forecasts, inputs.settings.under(change))


def kept_total_eur(inputs: Inputs, transfer: pd.DataFrame, as_of: date) -> float:
    """Return the signed sum of all terms where the lines of ``transfer`` are carried out under ``inputs``.

    Lines that are no longer possible (a lane lost, a hub closed) are left out; nothing new is decided.
    """
    problem = build_problem(inputs.tables, inputs.forecasts, inputs.settings, as_of, inputs.tables.get("earlier"))
    decisions = _decisions(problem, transfer)
    with worker_pool(problem, len(decisions), Parameters()) as workers:
        chunks = [([decisions[sku] for sku in chunk],) for chunk in workers.chunks_of(list(range(len(decisions))))]
        costs: list[float] = workers.run(cost_chunk, chunks)
    return float(sum(costs) + fixed_terms(problem, _lines(problem, decisions))[:KG].sum())


def cost_chunk(cache: SubproblemCache, decisions: list[Decision]) -> list[float]:
    """Return what every decision is expected to cost in the plan's demand scenarios, in EUR, without loads."""
    return [_cost_eur(cache, decision) for decision in decisions]


def _cost_eur(cache: SubproblemCache, decision: Decision) -> float:
    subproblem = build_subproblem(cache.problem, decision.sku)
    priced = cache.priced_subproblem(subproblem, np.zeros(len(subproblem.lanes)))
    units = np.zeros(len(subproblem.lanes))
    units[np.searchsorted(subproblem.lanes, decision.lanes)] = decision.units
    goods = subproblem.usable.sum() + subproblem.arrivals.sum()
    terms = service_terms(priced.arcs, priced.solve_recourse(units)) + units @ subproblem.shipment_terms
    return float(terms[:KG].sum() + goods * cache.problem.catalog.unit_cost_eur[decision.sku])


def _lines(problem: Problem, decisions: list[Decision]) -> pd.DataFrame:
    """Return the size of every line, for the loads it needs."""
    specified = problem.catalog
    sku = np.concatenate([np.full(len(decision.lanes), decision.sku, dtype="int64") for decision in decisions])
    units = np.concatenate([decision.units for decision in decisions])
    sizes = {"units": units, "liters": units * specified.volume_l[sku], "kilograms": units * specified.mass_kg[sku]}
    shipment = np.concatenate([decision.lanes for decision in decisions])
    return pd.DataFrame({"shipment": shipment, "share_eur": 0.0, **sizes})


def _decisions(problem: Problem, transfer: pd.DataFrame) -> list[Decision]:
    """Return what ``transfer`` decides for every sku, without lines that are not possible."""
    lanes, skus = problem.network.shipments.lane, problem.catalog.skus
    index, sku = codes([str(lane) for lane in transfer["lane"]], lanes), codes([str(s) for s in transfer["sku"]], skus)
    units = transfer["units"].to_numpy(dtype="float64")
    result = []
    for place in range(len(skus)):
        rows = np.flatnonzero((sku == place) & (index >= 0))
        rows = rows[np.isin(index[rows], build_subproblem(problem, place).lanes)] if len(rows) else rows
        rows = rows[np.argsort(index[rows], kind="stable")]
        result.append(Decision(place, index[rows], units[rows]))
    return result


def _lanes(lanes: pd.DataFrame, change: WhatIf) -> pd.DataFrame:
    """Return the lanes that still run, with their prices, lead times and loads changed."""
    result = lanes[~lanes["lane"].astype(str).isin(change.lost_lanes)].reset_index(drop=True)
    for name in _PRICES:
        if name in result and change.transport_factor:
            result[name] = result[name] * _by_lane(result, change.transport_factor, 1.0, np.multiply)
    if change.added_lead_days:
        later = result["lead_time_days"] + _by_lane(result, change.added_lead_days, 0.0, np.add).astype("int64")
        result["lead_time_days"] = later.clip(lower=0)
    if change.added_loads and "loads_per_departure" in result:
        more = result["loads_per_departure"] + _by_lane(result, change.added_loads, 0.0, np.add)
        result["loads_per_departure"] = more.clip(lower=0)
    return result


def _by_lane(lanes: pd.DataFrame, parts: Mapping[str, float], neutral: float, join: np.ufunc) -> np.ndarray:
    """Return the value of each lane: the changes of its id, mode, kind, and of all lanes, joined."""
    values = np.full(len(lanes), neutral)
    for word, value in parts.items():
        is_meant = np.full(len(lanes), word == EVERYWHERE)
        for name in {"lane", "mode", "kind"} & set(lanes.columns):
            is_meant |= (lanes[name].astype(object) == word).to_numpy(dtype=bool)
        values = np.where(is_meant, join(values, value), values)
    return values


def _capacities(tables: Frames, change: WhatIf) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return hubs and their changes with capacity added; unlimited capacities stay unlimited."""
    hubs = tables["hubs"].copy()
    capacity = tables.get("hub_capacity")
    capacity = pd.DataFrame({"hub": [], "from_date": []}) if capacity is None else capacity.copy()
    added = dict(zip(_CAPACITIES, (change.added_storage_l, change.added_inbound_units, change.added_outbound_units), strict=True))  # fmt: skip
    for frame in (hubs, capacity):
        for name, by_hub in added.items():
            if by_hub and name in frame:
                more = frame["hub"].astype(str).map(by_hub).fillna(0.0).astype("float64")
                if "handling_class" in frame:
                    more = more.where(frame["handling_class"].isna(), 0.0)
                frame[name] = (frame[name].astype("float64") + more).clip(lower=0)
    return hubs, capacity


def _closed(capacity: pd.DataFrame, hubs: Iterable[str], as_of: date) -> pd.DataFrame:
    """Return the changes of hubs without the changes of ``hubs``, which are closed from ``as_of`` on."""
    names = sorted(set(hubs))
    closed = pd.DataFrame({"hub": names, "from_date": as_timestamp(as_of), "is_open": False})
    others = capacity[~capacity["hub"].astype(str).isin(names)]
    return pd.concat([others, closed], ignore_index=True) if len(others) else closed


def scaled_demand(frame: pd.DataFrame, factors: Mapping[str, float]) -> pd.DataFrame:
    """Return a forecast frame with its mean and quantiles times the factor of the region.

    The whole law is scaled, so its relative spread stays.
    """
    names = [name for name in frame.columns if name == "mean_units" or (name[:1] == "q" and name[1:].isdigit())]
    if not factors or "region" not in frame or not names:
        return frame
    factor = frame["region"].astype(str).map(factors).fillna(1.0).to_numpy(dtype="float64")
    factor = factor * factors.get(EVERYWHERE, 1.0)
    scaled = frame.assign(**{name: frame[name] * factor for name in names})
    if {"dispersion", "step_units"} <= set(frame):
        # The part of the variance that is proportional to the mean grows with the factor alone; the rest makes up.
        ratio = (frame["step_units"] / frame["mean_units"].clip(lower=1e-9)) * (1 - 1 / np.maximum(factor, 1e-9))
        scaled["dispersion"] = (frame["dispersion"] + ratio).clip(lower=0.0)
    return scaled


def _check_names(tables: Frames, change: WhatIf) -> None:
    """Raise ``ConfigurationError`` where ``change`` names a place or lane that is not in the tables."""
    lanes = tables["lanes"]
    hubs, regions = _texts(tables["hubs"], "hub"), _texts(tables["regions"], "region")
    words = {text for name in ("lane", "mode", "kind") for text in _texts(lanes, name)} | {EVERYWHERE}
    parts = {
        "closed_hubs": (change.closed_hubs, hubs), "lost_lanes": (change.lost_lanes, _texts(lanes, "lane")),
        "demand_factor": (change.demand_factor, regions | {EVERYWHERE}),
        **{key: (getattr(change, key), words) for key in ("transport_factor", "added_lead_days", "added_loads")},
        **{key: (getattr(change, key), hubs) for key in ("added_storage_l", "added_inbound_units", "added_outbound_units")},
    }  # fmt: skip
    faults = [
        f"what_if {change.name}: {key}: {name!r} is not known{nearest(name, sorted(known))}"
        for key, (names, known) in parts.items()
        for name in names
        if name not in known
    ]
    if faults:
        raise ConfigurationError(*faults)


def _texts(frame: pd.DataFrame, name: str) -> set[str]:
    return set(frame[name].dropna().astype(str)) if name in frame else set()
