"""What was left undone and what needs a person, gathered by kind.

Here: order and sums of the table ``exception``. Not here: finding them, which positioning does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from review.wording import NOTHING, Money, carbon, day, number, rate

_SHOWN = 25


@dataclass(frozen=True)
class Finding:
    """All findings of one kind; ``rows`` holds the worst of them, ``count`` how many there are."""

    kind: str
    count: int
    units: float
    eur: float
    rows: pd.DataFrame

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def shared_action(self) -> str:
        """What to do where it is the same for all that are shown and these are more than one; else empty."""
        actions = set(self.rows["action"].astype(str))
        return actions.pop() if len(actions) == 1 and len(self.rows) > 1 else ""

    @property
    def has_deadline(self) -> bool:
        """Whether any that is shown has to be decided by some moment."""
        return bool(self.rows["decide_by"].notna().any())


def findings(exception: pd.DataFrame) -> list[Finding]:
    """Return the findings by kind, most money at stake first, ties by kind."""
    result = [
        Finding(
            str(kind), len(rows), float(rows["units"].sum()), float(rows["eur"].sum()),
            rows.sort_values(["eur", "units", "hub", "sku"], ascending=[False, False, True, True]).head(_SHOWN),
        )
        for kind, rows in exception.groupby("kind", sort=True)
    ]  # fmt: skip
    return sorted(result, key=lambda finding: (-finding.eur, finding.kind))


_OWN = "forestock"
_CAPACITY = "capacity_blocks_"
_NAMED = 6


@dataclass(frozen=True)
class Watched:
    """One matter: its name, its figure, what that means, and whether somebody should look."""

    name: str
    value: str
    note: str
    is_worrying: bool


def watched(tables: Frames, outputs: Frames, settings: Settings, as_of: date) -> list[Watched]:
    """Return the matters of the night, those that need a look first.

    ``outputs`` hold ``forecast`` and ``exception`` of the night and, where earlier nights have been looked back on,
    ``accuracy``. A matter nothing is known of says so.
    """
    result = [
        _stock(tables, settings, as_of),
        _sales(tables, settings, as_of),
        _bias(outputs.get("accuracy", pd.DataFrame()), settings),
        _new_skus(outputs["forecast"]),
        *_capacities(outputs["exception"], settings),
    ]
    return sorted(result, key=lambda matter: not matter.is_worrying)


def _stock(tables: Frames, settings: Settings, as_of: date) -> Watched:
    stock = tables.get("stock", pd.DataFrame())
    if stock.empty:
        return Watched("Stock snapshot", NOTHING, "no snapshot is known", True)
    taken = stock["date"].max()
    age = (as_timestamp(as_of) - taken).days
    limit = settings.monitoring.max_stock_age_days
    return Watched("Stock snapshot", _aged(age), f"taken on {day(taken)}; stale above {limit} days", age > limit)


def _sales(tables: Frames, settings: Settings, as_of: date) -> Watched:
    sales = tables.get("sales", pd.DataFrame())
    if sales.empty:
        return Watched("Sales", NOTHING, "no sales are known", True)
    last = sales.groupby("region", observed=True)["date"].max()
    age = (as_timestamp(as_of) - last).dt.days - settings.grid.days
    limit = settings.monitoring.max_sales_age_days
    stale = sorted(age.index[age > limit].astype(str))
    note = f"last sales on {day(last.max())}"
    if stale:
        shown = ", ".join(stale[:_NAMED]) + (f" and {len(stale) - _NAMED} more" if len(stale) > _NAMED else "")
        note = f"no sales for more than {limit} days in {shown}"
    return Watched("Sales", _aged(int(age.min())), note, bool(stale))


def _aged(days: int) -> str:
    return "up to date" if days <= 0 else f"{number(days)} {'day' if days == 1 else 'days'} old"


def _bias(accuracy: pd.DataFrame, settings: Settings) -> Watched:
    """Say how far the forecasts of earlier nights leant, over all regions and segments."""
    rows = accuracy[accuracy["method"] == _OWN] if len(accuracy) else accuracy
    if rows.empty or not float(rows["actual_units"].sum()):
        return Watched(
            "Forecast bias", NOTHING, "earlier nights have not been looked back on (forestock monitor)", False
        )
    units = rows[["forecast_units", "actual_units"]].sum()
    bias = float(units["forecast_units"] / units["actual_units"] - 1.0)
    worst = rows.iloc[int(rows["bias_rate"].abs().fillna(0.0).to_numpy().argmax())]
    where = f"furthest in {worst['region']}, {worst['segment']}: {rate(worst['bias_rate'])}"
    limit = settings.monitoring.max_bias_rate
    note = f"{'too much' if bias > 0 else 'too little'} was forecast for the nights before; {where}"
    return Watched(
        "Forecast bias", rate(bias), note, abs(bias) > limit or bool(rows["is_sustained"].astype(bool).any())
    )


def _new_skus(forecast: pd.DataFrame) -> Watched:
    """Say how much of the expected demand has no history of its own (tier ending in ``_new``)."""
    is_new = forecast["tier"].astype(str).str.endswith("_new")
    whole = float(forecast["mean_units"].sum())
    if not whole:
        return Watched("New skus", NOTHING, "nothing is forecast", False)
    skus = forecast.loc[is_new, "sku"].astype(str).unique()
    share = float(forecast.loc[is_new, "mean_units"].sum()) / whole
    note = f"{rate(share)} of expected demand has too little history of its own; it is forecast from what is like it"
    note = note if len(skus) else "every sku has a history of its own"
    return Watched("New skus", number(len(skus)), note, share > 0.05)


def _capacities(exception: pd.DataFrame, settings: Settings) -> list[Watched]:
    rows = exception[exception["kind"].astype(str).str.startswith(_CAPACITY)]
    if rows.empty:
        return [Watched("Room worth money", "none", "no shared room of a hub is used up at a cost", False)]
    money = Money(settings.currency)
    ranked = rows.sort_values(["eur", "hub"], ascending=[False, True]).head(_NAMED)
    parts = "; ".join(
        f"{kind.removeprefix(_CAPACITY)} at {hub} {money(eur)}"
        for kind, hub, eur in zip(ranked["kind"], ranked["hub"], ranked["eur"], strict=True)
    )
    return [
        Watched("Room worth money", money(float(rows["eur"].sum())), f"what a tenth more would save: {parts}", True)
    ]


_MOVE = ["kind", "sku", "origin", "destination"]
_CHANGES_SHOWN = 15
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
    shown = moves[moves["difference"] != "same"].head(_CHANGES_SHOWN)
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
    specified = transfer[~transfer["is_outlook"].astype(bool)].astype(dict.fromkeys(_MOVE, "str"))
    return specified.groupby(_MOVE).agg(
        units=("units", "sum"), benefit_eur=("benefit_eur", "sum"), status=("status", lambda parts: ", ".join(sorted(set(parts))))
    )  # fmt: skip


def _figures(old: pd.Series, new: pd.Series, settings: Settings) -> list[tuple[str, str, str]]:
    money = Money(settings.currency)
    shown = (
        ("Expected cost with the plan", money, "total_eur"), ("Expected cost without", money, "total_eur_before"),
        ("Served by the nearest hub", rate, "local_fill_rate"), ("On time as promised", rate, "promise_hit_rate"),
        ("Carbon of the plan", carbon, "kg_co2e"), ("Proposals", number, "n_proposals"),
    )  # fmt: skip
    return [(name, write(old[column]), write(new[column])) for name, write, column in shown]
