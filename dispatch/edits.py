"""Units a planner asks for instead of those proposed, checked before they are decided.

Whole packs, at least the supplier's smallest order, no more than the origin can give. Not here: what
the change is worth (``worth``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from foundation.errors import InputError


def with_units(
    chosen: pd.DataFrame, units: Mapping[str, int], position: pd.DataFrame, supply: pd.DataFrame
) -> pd.DataFrame:
    """Return ``chosen`` with ``units`` (by proposal_id) and their packs in place of the proposed ones.

    The pack is the proposal's own (units ÷ packs). ``position`` is the night's table: an origin hub
    can give what the plan leaves it beyond the proposed units. ``supply`` is the input table with
    ``min_order_units`` and ``units_available`` of suppliers, empty without suppliers. Raises
    ``InputError`` with a line for every edit that cannot be.
    """
    asked = chosen["proposal_id"].map(units)
    edited = chosen[asked.notna()].assign(asked=asked[asked.notna()].astype("int64"))
    faults = [
        fault
        for row in _limits(edited, position, supply).to_dict("records")
        if (fault := _fault(row))
    ]  # fmt: skip
    if faults:
        raise InputError(*faults)
    pack = chosen["units"] // chosen["packs"]
    changed = asked.fillna(chosen["units"]).astype("Int64")
    return chosen.assign(units=changed, packs=changed // pack)


def _limits(edited: pd.DataFrame, position: pd.DataFrame, supply: pd.DataFrame) -> pd.DataFrame:
    """Add ``least`` and ``available``, the smallest and largest units of each line; NaN: no limit."""
    held = position[["hub", "sku", "units_on_hand", "units_out"]].rename(columns={"hub": "origin"})
    offers = supply.rename(columns={"supplier": "origin"}).reindex(
        columns=["origin", "sku", "min_order_units", "units_available"]
    )
    joined = edited.merge(held, on=["origin", "sku"], how="left").merge(
        offers.astype({"origin": "str", "sku": "str"}), on=["origin", "sku"], how="left"
    )
    is_supply = joined["kind"] == "supply"
    room = (joined["units_on_hand"] - joined["units_out"]).clip(lower=0) + joined["units"]
    numbers = joined[["min_order_units", "units_available"]].astype("float64")
    return joined.assign(
        least=numbers["min_order_units"].where(is_supply),
        available=numbers["units_available"].where(is_supply, room.astype("float64")),
    )


def _fault(row: dict) -> str | None:
    line = f"{row['proposal_id']} ({row['sku']} {row['origin']} → {row['destination']})"
    asked, pack = int(row["asked"]), int(row["units"] // row["packs"])
    if asked <= 0:
        return f"{line}: {asked} units are no shipment; reject the proposal instead"
    if asked % pack:
        lower, upper = asked // pack * pack, (asked // pack + 1) * pack
        return f"{line}: {asked} units are not whole packs of {pack}; take {f'{lower} or ' if lower else ''}{upper}"
    if asked < row["least"]:
        return f"{line}: {asked} units are below the smallest order of {int(row['least'])}"
    if asked > row["available"]:
        most = int(np.floor(row["available"]))
        return f"{line}: {asked} units are more than the {most} {row['origin']} can give"
    return None
