"""What changed since the night before: the plans' figures, and moves that are new, gone, larger or smaller.

Here: two nights' plans beside one another. A move is kind, sku, origin and destination; its departure is another
one every night. Not here: what-ifs, which compare plans of one night (``review.what_if``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.settings import Settings
from review.wording import Money, carbon, number, rate

_MOVE = ["kind", "sku", "origin", "destination"]
_SHOWN = 15
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Since:
    """The night before, its plan's figures beside tonight's, how many moves differ how, and those that differ most."""

    as_of: date
    figures: list[tuple[str, str, str]]
    counts: dict[str, int]
    moves: pd.DataFrame

    @property
    def n_changed(self) -> int:
        """Moves that are not as they were."""
        return sum(count for word, count in self.counts.items() if word != "same")


def since(before: Frames, outputs: Frames, settings: Settings) -> Since | None:
    """Return what changed since ``before`` (``plan`` and ``transfer`` of an earlier night); None where there is none."""
    if not len(before.get("plan", ())) or not len(outputs["plan"]):
        return None
    old, new = before["plan"].iloc[-1], outputs["plan"].iloc[-1]
    moves = changed_moves(before["transfer"], outputs["transfer"])
    counts = {str(word): int(count) for word, count in moves["difference"].value_counts().sort_index().items()}
    shown = moves[moves["difference"] != "same"].head(_SHOWN)
    return Since(pd.Timestamp(old["as_of"]).date(), _figures(old, new, settings), counts, shown)


def changed_moves(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return every move of either night's own lines (no outlook) with units and benefit in both, the largest change first.

    ``status`` is what became of the earlier night's lines, statuses joined by a comma.
    """
    old, new = (_summed(frame) for frame in (before, now))
    earlier = {"units": "units_before", "benefit_eur": "benefit_eur_before", "status": "status_then"}
    both = old.rename(columns=earlier).join(new, how="outer")
    for name in ("units_before", "units", "benefit_eur_before", "benefit_eur"):
        both[name] = both[name].astype("float64").fillna(0.0)
    was, now_units = both["units_before"], both["units"]
    rules = [(was == 0, "new"), (now_units == 0, "gone"), (now_units > was, "more"), (now_units < was, "less")]
    both["difference"] = np.select([rule for rule, _ in rules], [word for _, word in rules], "same")
    both["change_eur"] = both["benefit_eur"] - both["benefit_eur_before"]
    both["status_then"] = both["status_then"].fillna("")
    ranked = both.assign(size=both["change_eur"].abs()).reset_index()
    return ranked.sort_values(["size", *_MOVE], ascending=[False, True, True, True, True], ignore_index=True)


def _summed(transfer: pd.DataFrame) -> pd.DataFrame:
    own = transfer[~transfer["is_outlook"].astype(bool)].astype(dict.fromkeys(_MOVE, "str"))
    return own.groupby(_MOVE).agg(
        units=("units", "sum"), benefit_eur=("benefit_eur", "sum"), status=("status", lambda said: ", ".join(sorted(set(said))))
    )  # fmt: skip


def _figures(old: pd.Series, new: pd.Series, settings: Settings) -> list[tuple[str, str, str]]:
    money = Money(settings.currency)
    shown = (
        ("Expected cost with the plan", money, "total_eur"), ("Expected cost without", money, "total_eur_before"),
        ("Served by the nearest hub", rate, "local_fill_rate"), ("On time as promised", rate, "promise_hit_rate"),
        ("Carbon of the plan", carbon, "kg_co2e"), ("Proposals", number, "n_proposals"),
    )  # fmt: skip
    return [(name, write(old[column]), write(new[column])) for name, write, column in shown]
