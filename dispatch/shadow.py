"""Shadow mode: proposals against what planners moved, with the share followed and the moves without a proposal.

Here: matching and sums. Not here: the value of moves in hindsight (``positioning.simulation``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from foundation.keys import among

_KEY = ["origin", "destination", "sku"]


@dataclass(frozen=True)
class Score:
    """Proposals against moves, in units and in the expected benefit of the proposals.

    Attributes
    ----------
    lines
        One row per origin × destination × sku: proposed_units, moved_units, matched_units, benefit_eur (of the proposed
        units), followed_eur (its matched share).

    """

    lines: pd.DataFrame

    @property
    def followed_rate(self) -> float:
        """Units matched ÷ units proposed; 0 without proposals."""
        proposed = float(self.lines["proposed_units"].sum())
        return float(self.lines["matched_units"].sum()) / proposed if proposed else 0.0

    @property
    def unproposed_units(self) -> int:
        """Units moved beyond the proposed ones."""
        return int((self.lines["moved_units"] - self.lines["matched_units"]).sum())


def moves_since(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the order lines with an origin in the ``inbound`` table ``after`` that ``before`` lacks.

    Columns origin, destination, SKU, units.
    """
    is_new = ~among(after["inbound_id"], before["inbound_id"]) & after["origin"].notna()
    return after.loc[is_new, ["origin", "hub", "sku", "units"]].rename(columns={"hub": "destination"})


def score(proposals: pd.DataFrame, moves: pd.DataFrame) -> Score:
    """Match the plan's proposals, without the outlook, with ``moves`` (see ``moves_since``) by origin, destination and SKU."""
    due = proposals[~proposals["is_outlook"].astype(bool)].astype(dict.fromkeys(_KEY, "str"))
    proposed = due.groupby(_KEY, as_index=False).agg(
        proposed_units=("units", "sum"), benefit_eur=("benefit_eur", "sum")
    )
    moved = moves.astype(dict.fromkeys(_KEY, "str")).groupby(_KEY, as_index=False).agg(moved_units=("units", "sum"))
    lines = proposed.merge(moved, on=_KEY, how="outer").sort_values(_KEY, ignore_index=True)
    for name in ("proposed_units", "moved_units", "benefit_eur"):
        lines[name] = lines[name].fillna(0).astype("float64")
    matched = lines[["proposed_units", "moved_units"]].min(axis=1)
    rate = (matched / lines["proposed_units"]).where(lines["proposed_units"] > 0, 0.0)
    return Score(lines.assign(matched_units=matched, followed_eur=lines["benefit_eur"] * rate))
