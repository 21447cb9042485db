"""The proposals, their departures and their details, as compact columns for the page's script.

Here: order and columns of the tables ``transfer`` and ``departure``, and the rows a proposal's details show, with the forecast curves
and recent sales of its SKU and region. Not here: the list's appearance (``templates/list.js``), the drawing of curves
(``templates/curves.js``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings, quantile_columns
from foundation.wording import moment
from review.packing import TextTable, dates, numbers, pack

_MOST_PERIODS = 56
_BANDS = ((0.025, 0.975), (0.25, 0.75))


def ranked(transfer: pd.DataFrame) -> pd.DataFrame:
    """Return the proposals in order: those due in this run before the outlook, largest benefit first, ties by id."""
    order = ["is_outlook", "benefit_eur", "proposal_id"]
    return transfer.sort_values(order, ascending=[True, False, True]).reset_index(drop=True)


def decided(transfer: pd.DataFrame) -> str:
    """Return the status of the run's proposals as ``12 approved, 3 released, 5 open``; empty where all are open."""
    status = transfer.loc[~transfer["is_outlook"].astype(bool), "status"]
    counted = status[status != "proposed"].value_counts(sort=False).sort_index()
    if counted.empty:
        return ""
    n_open = int((status == "proposed").sum())
    return ", ".join([*(f"{count} {status}" for status, count in counted.items()), f"{n_open} open"])


def proposal_content(
    proposals: pd.DataFrame, departure: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> dict[str, object]:
    """Return the columns of the page's list, for JSON.

    Parameters
    ----------
    proposals
        Rows of ``transfer`` in the order of ``ranked``.
    departure
        Rows of ``departure``, at least those that ``proposals`` name.
    tables
        Input tables; ``skus`` gives handling class, owner and name, ``hubs`` the time zones.

    Returns
    -------
    dict
        Text columns hold positions in ``texts``; ``departure`` of a proposal is the position of its departure in ``departures``.
    """
    texts = TextTable()
    positions = {departure_id: position for position, departure_id in enumerate(departure["departure_id"])}
    skus = _skus(proposals, tables)
    content: dict[str, object] = {
        "departures": _departures(departure, tables, texts),
        "id": proposals["proposal_id"].tolist(),
        "sku": texts.of(proposals["sku"]),
        "departure": [positions[departure_id] for departure_id in proposals["departure_id"]],
        "outlook": [int(flag) for flag in proposals["is_outlook"]],
        "status": texts.of(proposals["status"]),
        "binding": texts.of(proposals["binding_constraints"]),
        "class": texts.of(skus["handling_class"]),
        "owner": texts.of(skus["owner"]),
        "label": texts.of(skus["label"]),
    }
    for column, decimals in (
        ("units", 0),
        ("packs", 0),
        ("cost_eur", 2),
        ("benefit_eur", 2),
        ("loss_if_refused_eur", 2),
        ("kg_co2e", 1),
    ):
        content[column] = numbers(proposals[column], decimals)
    return content | {"texts": texts.texts()}


def _skus(proposals: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    skus = tables.get("skus", pd.DataFrame(columns=["sku"])).set_index("sku")
    result = skus.reindex(index=proposals["sku"], columns=["handling_class", "owner", "name"]).reset_index(drop=True)
    result["handling_class"] = result["handling_class"].fillna("ambient")
    return result.rename(columns={"name": "label"})


def _departures(departure: pd.DataFrame, tables: dict[str, pd.DataFrame], texts: TextTable) -> dict[str, object]:
    result: dict[str, object] = {
        column: texts.of(departure[column]) for column in ("departure_id", "lane", "kind", "origin", "destination")
    }
    result["decide_by"] = texts.of(_cutoffs(departure, tables))
    for column in ("ship_date", "arrival_date"):
        result[column] = dates(departure[column])
    for column, decimals in (
        ("loads", 0),
        ("units", 0),
        ("lines", 0),
        ("volume_fill_rate", 3),
        ("mass_fill_rate", 3),
        ("fixed_eur", 2),
        ("benefit_eur", 2),
    ):
        result[column] = numbers(departure[column], decimals)
    return result


def _cutoffs(departure: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return the last moment to decide on each departure, in the time zone of its origin.

    A supplier has no time zone; the destination's counts then, and UTC where that hub has none either.
    """
    hubs = tables.get("hubs", pd.DataFrame())
    zones: dict[str, str] = {}
    if "timezone" in hubs.columns:
        zones = dict(zip(hubs["hub"].tolist(), hubs["timezone"].fillna("UTC").tolist(), strict=True))
    columns = (departure[name].tolist() for name in ("origin", "destination", "decide_by"))
    return [
        moment(decide_by, zones.get(origin, zones.get(destination, "UTC")))
        for origin, destination, decide_by in zip(*columns, strict=True)
    ]


SKUS_PER_PACK = 24
Rows = dict[str, list[list[Any]]]


@dataclass(frozen=True)
class Details:
    """The packed details of all proposed SKUs.

    Attributes
    ----------
    skus
        SKUs in the order of their best proposals.
    packs
        Packed details; SKU ``n`` of ``skus`` is in pack ``n // SKUS_PER_PACK``.
    skus_with_curves
        Number of SKUs, counted from the first, whose packs include forecast curves.
    """

    skus: list[str]
    packs: list[str]
    skus_with_curves: int


def details(proposals: pd.DataFrame, parts: dict[str, Rows], curves_mb: float) -> Details:
    """Return the details of every proposed SKU, in the order of ``proposals``.

    ``parts`` maps ``hubs``, ``inbound``, ``service`` and ``curves`` to rows by SKU. Packs after the first
    ``curves_mb`` million characters omit ``curves``.
    """
    skus = list(dict.fromkeys(proposals["sku"]))
    reasons = rows_by(proposals["sku"], [range(len(proposals)), proposals["reason"], *_instead(proposals)])
    packs: list[str] = []
    with_curves = 0
    for start in range(0, len(skus), SKUS_PER_PACK):
        batch = skus[start : start + SKUS_PER_PACK]
        has_curves = sum(map(len, packs)) < curves_mb * 1e6
        with_curves += len(batch) if has_curves else 0
        packs.append(pack({sku: _sku_details(sku, reasons, parts, has_curves) for sku in batch}))
    return Details(skus, packs, with_curves)


def _sku_details(sku: str, reasons: Rows, parts: dict[str, Rows], has_curves: bool) -> dict[str, object]:
    result: dict[str, object] = {name: rows.get(sku, []) for name, rows in parts.items() if name != "curves"}
    result["reasons"] = {str(index): reason for index, reason, *_ in reasons[sku]}
    result["instead"] = {
        str(index): values for index, _, *values in reasons[sku] if any(value is not None for value in values)
    }
    result["curves"] = parts["curves"].get(sku, []) if has_curves else None
    return result


def _instead(proposals: pd.DataFrame) -> list[list[Any]]:
    """Return by proposal the next-best alternative, the loss without a replacement, and the share of scenarios it pays in.

    None where the plan has no such columns, as plans of earlier versions.
    """
    absent = pd.Series(index=proposals.index, dtype="float64")
    next_best = proposals.get("next_best", absent).astype("object")
    figures = [
        numbers(proposals.get(name, absent), decimals)
        for name, decimals in (("loss_if_dropped_eur", 2), ("pays_rate", 3))
    ]
    return [next_best.where(next_best.notna(), None).tolist(), *figures]


def rows_by(keys: Iterable[str], columns: Sequence[Iterable[Any]]) -> Rows:
    """Return the rows of ``columns`` grouped by key, each group in the order of the rows."""
    result: Rows = defaultdict(list)
    for key, *row in zip(keys, *columns, strict=True):
        result[key].append(row)
    return dict(result)


def hub_rows(position: pd.DataFrame) -> Rows:
    """Return by SKU: hub, units on hand, inbound, out, in, target, expected demand, stockout probability, days of supply, fill rate."""
    frame = position.sort_values(["sku", "hub"])
    whole = [
        numbers(frame[name], 0) for name in ("units_on_hand", "units_inbound", "units_out", "units_in", "target_units")
    ]
    rest = [
        numbers(frame["expected_demand_units"], 1),
        numbers(frame["stockout_probability"], 3),
        numbers(frame["days_of_supply"], 1),
        numbers(frame.get("fill_rate", pd.Series(index=frame.index, dtype="float64")), 3),
    ]
    return rows_by(frame["sku"], [frame["hub"], *whole, *rest])


def inbound_rows(inbound: pd.DataFrame) -> Rows:
    """Return by SKU: hub, arrival date, units and id of every inbound order line."""
    if inbound.empty:
        return {}
    frame = inbound.sort_values(["sku", "arrival_date", "hub", "inbound_id"])
    return rows_by(
        frame["sku"], [frame["hub"], dates(frame["arrival_date"]), numbers(frame["units"], 0), frame["inbound_id"]]
    )


def service_rows(service: pd.DataFrame) -> Rows:
    """Return by SKU: region, demand, then local, spilled, late and lost units before and after the plan, and source hubs."""
    frame = service.sort_values(["sku", "region"])
    names = [f"{name}_units{ending}" for name in ("local", "spilled", "late", "lost") for ending in ("_before", "")]
    columns = [numbers(frame[name], 1) for name in ("demand_units", *names)]
    return rows_by(frame["sku"], [frame["region"], *columns, frame["source_hubs"].fillna("")])


def recent_sales(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> pd.DataFrame:
    """Return the sales of the periods a chart shows: twice the horizon before ``as_of``, at most 56 periods.

    The column ``ago`` counts periods before ``as_of``: 1 is the last one.
    """
    sales = tables.get("sales", pd.DataFrame())
    if sales.empty:
        return pd.DataFrame(columns=["sku", "region", "ago", "units_sold"])
    first, end = settings.grid.step(as_of, -_periods(settings)), as_timestamp(as_of)
    recent = sales[(sales["date"] >= as_timestamp(first)) & (sales["date"] < end)]
    return recent.assign(ago=(end - recent["date"]).dt.days // settings.grid.days)


def _periods(settings: Settings) -> int:
    return min(2 * settings.horizon, _MOST_PERIODS)


def curve_rows(forecast: pd.DataFrame, sales: pd.DataFrame, settings: Settings) -> Rows:
    """Return by SKU: region, units sold by period, oldest first, then mean and interval bounds by forecast period.

    ``sales`` come from ``recent_sales``. A missing period after the first one with sales counts as
    zero or unknown, by ``series.missing_sales``. Intervals are given by lower and upper bound, the widest first.
    """
    bands = _band_columns(settings)
    if forecast.empty or not set(bands) <= set(forecast.columns):
        return {}
    frame = forecast.sort_values(["sku", "region", "date"])
    is_first = (frame[["sku", "region"]] != frame[["sku", "region"]].shift()).any(axis=1).to_numpy()
    cuts = np.append(np.flatnonzero(is_first), len(frame))
    keys = frame.loc[is_first, ["sku", "region"]]
    past = _past(sales, settings).reindex(pd.MultiIndex.from_frame(keys)).to_numpy(float)
    columns = [_cut(numbers(frame["mean_units"], 2), cuts), *(_cut(numbers(frame[band], 1), cuts) for band in bands)]
    flat = _cut(numbers(pd.Series(past.ravel()), 2), np.arange(len(past) + 1) * past.shape[1])
    return rows_by(keys["sku"], [keys["region"], flat, *columns])


def _past(sales: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return units sold by (SKU, region) with one column per period, oldest first."""
    columns = range(_periods(settings), 0, -1)
    sold = sales.pivot_table(index=["sku", "region"], columns="ago", values="units_sold", aggfunc="sum")
    sold = sold.reindex(columns=columns).astype(float)
    if settings.series.missing_sales == "zero":
        sold = sold.mask(sold.isna() & sold.notna().cummax(axis=1), 0.0)
    return sold


def _cut(values: list[Any], cuts: np.ndarray) -> list[list[Any]]:
    return [values[start:end] for start, end in pairwise(cuts)]


def interval_levels(settings: Settings) -> list[tuple[float, float]]:
    """Return up to two pairs of quantile levels, the widest first: those nearest to 2.5–97.5% and 25–75%."""
    levels = settings.forecast.quantiles
    pairs = [(_nearest(low, levels), _nearest(high, levels)) for low, high in _BANDS]
    return list(dict.fromkeys(pair for pair in pairs if pair[0] < pair[1]))


def _nearest(requested: float, levels: tuple[float, ...]) -> float:
    return min(levels, key=lambda level: abs(level - requested))


def _band_columns(settings: Settings) -> list[str]:
    return quantile_columns(tuple(level for pair in interval_levels(settings) for level in pair))


def band_names(settings: Settings) -> list[str]:
    """Return the nominal coverage of each interval, the widest first, for example ``95%``."""
    return [f"{100 * (high - low):.3g}%" for low, high in interval_levels(settings)]
