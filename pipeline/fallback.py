"""Fallback: the seasonal-naive baseline forecasts a region's segment until a date.

Here: the append-only table ``fallback``, its rows that hold at a planning date, and replacing rows of a forecast. Not
here: the baseline (``models.naive_forecast``), or when to fall back (``monitoring.findings``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from dispatch.decide import Signature
from dispatch.ledger import ready_moment
from features.panel import Panel
from foundation.errors import InputError, nearest
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from models.naive_forecast import naive_forecast

_EXCHANGED = ("forecast", "forecast_window")
Segments = tuple[tuple[str, str], ...]


def record_fallback(settings: Settings, where: tuple[str, str], until: date, signature: Signature) -> None:
    """Record that the baseline forecasts ``(region, segment)`` on planning dates before ``until``, known from ``signature.time`` on.

    A later record about the same pair replaces the earlier one. Raises ``InputError`` if no forecast in the warehouse has
    the region.
    """
    warehouse = Warehouse(settings)
    dates = warehouse.dates("forecast")
    regions = sorted(set(warehouse.read("forecast", dates[-1], ["region"])["region"])) if dates else []
    if where[0] not in regions:
        raise InputError(f"no forecast has region {where[0]!r}{nearest(where[0], regions)}")
    row = {
        "region": where[0],
        "segment": where[1],
        "at": signature.time,
        "until_date": until,
        "by": signature.by,
        "reason": signature.reason,
    }
    warehouse.append("fallback", pd.DataFrame([row]))


def fallback_segments(settings: Settings, hubs: pd.DataFrame | None, as_of: date) -> Segments:
    """Return the (region, segment) pairs that the baseline forecasts at ``as_of``, sorted: recorded before the run was ready, not expired."""
    notes = Warehouse(settings).read("fallback")
    zones = hubs["timezone"] if hubs is not None and "timezone" in hubs else pd.Series(dtype="str")
    ready = ready_moment(as_of, settings.positioning.ready_at, zones.astype("str"))
    known = (
        notes[notes["at"] < ready].sort_values("at", kind="stable").drop_duplicates(["region", "segment"], keep="last")
    )
    known = known[known["until_date"] > pd.Timestamp(as_of)]
    return tuple(sorted(zip(known["region"], known["segment"], strict=True)))


def with_baseline(
    frames: dict[str, pd.DataFrame], panel: Panel, matrix: FeatureMatrix, settings: Settings, segments: Segments
) -> dict[str, pd.DataFrame]:
    """Return the forecast's frames with the rows of ``segments`` replaced by the baseline's; `tier` names the baseline."""
    if not segments:
        return frames
    as_of = panel.periods[panel.n_history].astype("datetime64[D]").item()
    naive = naive_forecast(panel.demand[:, : panel.n_history], matrix, settings, as_of)
    is_meant = _meant(panel, segments)
    return frames | {name: _exchanged(frames[name], naive[name], is_meant) for name in _EXCHANGED}


def _meant(panel: Panel, segments: Segments) -> set[tuple[str, str]]:
    """Return the (region, sku) pairs of the segments."""
    column = panel.hierarchy[-1] if panel.hierarchy else "sku"
    series = panel.series[["region", "sku"]].astype("str").assign(segment=panel.series[column].astype("str"))
    held = series[pd.MultiIndex.from_frame(series[["region", "segment"]]).isin(list(segments))]
    return set(zip(held["region"], held["sku"], strict=True))


def _exchanged(frame: pd.DataFrame, other: pd.DataFrame, is_meant: set[tuple[str, str]]) -> pd.DataFrame:
    """Return ``frame`` with the rows of the pairs taken from ``other``; both have the same rows in the same order."""
    pairs = pd.MultiIndex.from_frame(frame[["region", "sku"]])
    selected = pairs.isin(list(is_meant))
    columns = [name for name in frame if name not in ("region", "sku", "date", "window_days", "as_of", "model_version")]
    built = frame.copy()
    built.loc[selected, columns] = other.loc[selected, columns].to_numpy()
    return built.astype(frame.dtypes.to_dict())
