"""Comparison of two plans: every line, and the figures of every hub and region.

Here: the frames of the tables ``what_if_line`` and ``what_if_place``. Not here: their page.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
_KEYS = ["kind", "sku", "origin", "destination", "lane", "departure_id", "ship_date", "arrival_date"]
_BY_HUB = ("units_in", "units_out", "target_units", "expected_demand_units")
_BY_REGION = ("demand_units", "local_units", "spilled_units", "late_units", "lost_units")
_RISKY = 0.5


def line_differences(record: Frames, other: Frames) -> pd.DataFrame:
    """Return the lines of both plans with units and benefit in each, and the difference.

    ``record`` and ``other`` hold ``transfer``. A line is one ``proposal_id``, so the same SKU on another
    departure is another line. ``difference`` is ``new``, ``dropped``, ``more``, ``less`` or ``same``. ``reason`` is
    that of the other plan, or of the plan of record where the line is dropped.
    """
    old, new = (frames["transfer"].set_index("proposal_id") for frames in (record, other))
    lines = new[[*_KEYS, "reason"]].combine_first(old[[*_KEYS, "reason"]])[[*_KEYS, "reason"]].sort_index()
    result = lines.assign(
        units_of_record=_of(old, "units", lines.index).astype("Int64"), units=_of(new, "units", lines.index).astype("Int64"),
        benefit_eur_of_record=_of(old, "benefit_eur", lines.index), benefit_eur=_of(new, "benefit_eur", lines.index),
    )  # fmt: skip
    before, after = result["units_of_record"].to_numpy(int), result["units"].to_numpy(int)
    named = [(before == 0, "new"), (after == 0, "dropped"), (after > before, "more"), (after < before, "less")]
    words = np.select([rule for rule, _ in named], [word for _, word in named], "same")
    return result.assign(difference=pd.array(words, dtype="str")).rename_axis("proposal_id").reset_index()


def _of(plan: pd.DataFrame, column: str, lines: pd.Index) -> pd.Series:
    return plan[column].astype("float64").reindex(lines).fillna(0.0)


def place_differences(record: Frames, other: Frames) -> pd.DataFrame:
    """Return kind, place, KPI and both values of every hub (from ``position``) and region (from ``service``).

    Units are summed over SKUs. ``skus_at_risk`` counts SKUs with a stockout probability above 0.5.
    """
    result = pd.concat(
        [_joined("hub", _hubs(record), _hubs(other)), _joined("region", _regions(record), _regions(other))]
    )
    return result.reset_index(drop=True)


def _hubs(frames: Frames) -> pd.DataFrame:
    position = frames["position"].assign(skus_at_risk=frames["position"]["stockout_probability"] > _RISKY)
    return position.groupby("hub", sort=True)[[*_BY_HUB, "skus_at_risk"]].sum()


def _regions(frames: Frames) -> pd.DataFrame:
    return frames["service"].groupby("region", sort=True)[list(_BY_REGION)].sum()


def _joined(kind: str, record: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    stacked = [frame.astype("float64").stack() for frame in (record, other)]
    both = pd.concat(stacked, axis=1, keys=["kpi_value_of_record", "kpi_value"]).fillna(0.0)
    return both.rename_axis(["place", "kpi"]).reset_index().assign(kind=kind)
