"""The nearest hub of each region for each handling class: where a region's demand is expected to be served.

Here: the shortest delivery lane from a hub that may carry the class, ties by hub. Not here: who served it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]


def nearest_hubs(tables: Frames) -> pd.DataFrame:
    """Return region, sku, hub and ``lead_time_days`` of the lane from the nearest hub; absent where there is none.

    ``tables`` hold ``skus``, ``hubs`` and ``lanes``.
    """
    classes = handling_classes(tables["skus"])
    lanes = delivery_lanes(tables)
    found = [
        _nearest(lanes, _carrying(tables["hubs"], name), name) for name in sorted(classes["handling_class"].unique())
    ]
    by_class = pd.concat(found, ignore_index=True)
    return classes.merge(by_class, on="handling_class")[["region", "sku", "hub", "lead_time_days"]]


def delivery_lanes(tables: Frames) -> pd.DataFrame:
    """Return hub, region, lead_time_days, distance_km and prices of every delivery lane."""
    lanes = tables["lanes"]
    lanes = lanes[(lanes["kind"].astype(str) == "delivery").to_numpy()]
    found = pd.DataFrame({"hub": lanes["origin"].astype(str), "region": lanes["destination"].astype(str)})
    for name, default in (("lead_time_days", 0.0), ("distance_km", np.inf), ("eur_per_unit", 0.0), ("eur_per_kg", 0.0)):
        given = lanes[name] if name in lanes else pd.Series(default, index=lanes.index)
        found[name] = given.astype("float64").fillna(default)
    return found.reset_index(drop=True)


def handling_classes(skus: pd.DataFrame) -> pd.DataFrame:
    """Return sku and handling class; ambient where it is not said."""
    given = skus["handling_class"] if "handling_class" in skus else pd.Series(None, index=skus.index, dtype=object)
    said = given.astype(object).where(given.notna(), "ambient").astype(str)
    return pd.DataFrame({"sku": skus["sku"].astype(str), "handling_class": said})


def _carrying(hubs: pd.DataFrame, handling_class: str) -> set[str]:
    if "handling_classes" not in hubs:
        return set(hubs["hub"].astype(str))
    said = hubs["handling_classes"].astype(object).where(hubs["handling_classes"].notna(), "").astype(str)
    may = [not text.strip() or handling_class in {part.strip() for part in text.split("|")} for text in said]
    return set(hubs.loc[may, "hub"].astype(str))


def _nearest(lanes: pd.DataFrame, hubs: set[str], handling_class: str) -> pd.DataFrame:
    ranked = lanes[lanes["hub"].isin(hubs)].sort_values(["region", "distance_km", "hub"])
    return ranked.drop_duplicates("region")[["region", "hub", "lead_time_days"]].assign(handling_class=handling_class)
