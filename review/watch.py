"""What to watch: data that are old, a forecast that leans, articles without a past, room worth money.

Here: a line per matter with what is known of it this night. Not here: what the plan left undone
(``exceptions``), or finding out over many nights (monitoring).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from review.wording import NOTHING, Money, day, number, rate

Frames = dict[str, pd.DataFrame]
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
    found = [
        _stock(tables, settings, as_of),
        _sales(tables, settings, as_of),
        _bias(outputs.get("accuracy", pd.DataFrame()), settings),
        _new_skus(outputs["forecast"]),
        *_capacities(outputs["exception"], settings),
    ]
    return sorted(found, key=lambda matter: not matter.is_worrying)


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
    said = "; ".join(
        f"{kind.removeprefix(_CAPACITY)} at {hub} {money(eur)}"
        for kind, hub, eur in zip(ranked["kind"], ranked["hub"], ranked["eur"], strict=True)
    )
    return [Watched("Room worth money", money(float(rows["eur"].sum())), f"what a tenth more would save: {said}", True)]
