"""What needs a person's attention: exceptions by kind, the watch list, and changes since the previous run.

Here: sums and order of rows, and the sentences about them. Not here: detecting exceptions (``positioning.explain``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.wording import UNKNOWN, Money, carbon, day, number, rate

_SHOWN = 25


@dataclass(frozen=True)
class Finding:
    """The exceptions of one kind.

    Attributes
    ----------
    kind
        Value of the column `kind`.
    count, units, eur
        Number of rows and sums over all of them.
    rows
        The rows with the most value at stake.
    """

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
        """The action, where several rows are shown and all have the same one; otherwise empty."""
        actions = set(self.rows["action"].astype(str))
        return actions.pop() if len(actions) == 1 and len(self.rows) > 1 else ""

    @property
    def has_deadline(self) -> bool:
        """Whether any row shown has a deadline."""
        return bool(self.rows["decide_by"].notna().any())


def findings(exception: pd.DataFrame) -> list[Finding]:
    """Return the exceptions by kind, the most value at stake first, ties by kind."""
    result = [
        Finding(
            str(kind), len(rows), float(rows["units"].sum()), float(rows["eur"].sum()),
            rows.sort_values(["eur", "units", "hub", "sku"], ascending=[False, False, True, True]).head(_SHOWN),
        )
        for kind, rows in exception.groupby("kind", sort=True)
    ]  # fmt: skip
    return sorted(result, key=lambda finding: (-finding.eur, finding.kind))


_FORESTOCK = "forestock"
_CAPACITY = "capacity_blocks_"
_NAMED = 6


@dataclass(frozen=True)
class WatchItem:
    """One item of the watch list: its name, its figure, an explanation, and whether a person should check it."""

    name: str
    value: str
    note: str
    needs_attention: bool


def watch_list(tables: Frames, outputs: Frames, settings: Settings, as_of: date) -> list[WatchItem]:
    """Return the watch list, items that need attention first.

    ``outputs`` hold ``forecast`` and ``exception`` of the run and, where earlier forecasts have been scored,
    ``accuracy``. The note of an item without data states that.
    """
    result = [
        _stock(tables, settings, as_of),
        _sales(tables, settings, as_of),
        _bias(outputs.get("accuracy", pd.DataFrame()), settings),
        _new_skus(outputs["forecast"]),
        *_capacities(outputs["exception"], settings),
    ]
    return sorted(result, key=lambda item: not item.needs_attention)


def _stock(tables: Frames, settings: Settings, as_of: date) -> WatchItem:
    stock = tables.get("stock", pd.DataFrame())
    if stock.empty:
        return WatchItem("Stock snapshot", UNKNOWN, "no snapshot is available", True)
    taken = stock["date"].max()
    age = (as_timestamp(as_of) - taken).days
    limit = settings.monitoring.max_stock_age_days
    return WatchItem("Stock snapshot", _aged(age), f"taken on {day(taken)}; stale after {limit} days", age > limit)


def _sales(tables: Frames, settings: Settings, as_of: date) -> WatchItem:
    sales = tables.get("sales", pd.DataFrame())
    if sales.empty:
        return WatchItem("Sales", UNKNOWN, "no sales are available", True)
    last = sales.groupby("region", observed=True)["date"].max()
    age = (as_timestamp(as_of) - last).dt.days - settings.grid.days
    limit = settings.monitoring.max_sales_age_days
    stale = sorted(age.index[age > limit].astype(str))
    note = f"last sales on {day(last.max())}"
    if stale:
        shown = ", ".join(stale[:_NAMED]) + (f" and {len(stale) - _NAMED} more" if len(stale) > _NAMED else "")
        note = f"no sales for more than {limit} days in {shown}"
    return WatchItem("Sales", _aged(int(age.min())), note, bool(stale))


def _aged(days: int) -> str:
    return "up to date" if days <= 0 else f"{number(days)} {'day' if days == 1 else 'days'} old"


def _bias(accuracy: pd.DataFrame, settings: Settings) -> WatchItem:
    """Return the bias of earlier forecasts over all regions and segments."""
    rows = accuracy[accuracy["method"] == _FORESTOCK] if len(accuracy) else accuracy
    if rows.empty or not float(rows["actual_units"].sum()):
        return WatchItem(
            "Forecast bias", UNKNOWN, "earlier forecasts have not been scored yet (run forestock monitor)", False
        )
    units = rows[["forecast_units", "actual_units"]].sum()
    bias = float(units["forecast_units"] / units["actual_units"] - 1.0)
    worst = rows.iloc[int(rows["bias_rate"].abs().fillna(0.0).to_numpy().argmax())]
    where = f"largest in {worst['region']}, {worst['segment']}: {rate(worst['bias_rate'])}"
    limit = settings.monitoring.max_bias_rate
    note = f"earlier forecasts were too {'high' if bias > 0 else 'low'}; {where}"
    return WatchItem(
        "Forecast bias", rate(bias), note, abs(bias) > limit or bool(rows["is_sustained"].astype(bool).any())
    )


def _new_skus(forecast: pd.DataFrame) -> WatchItem:
    """Return the share of expected demand without a sales history (tier ending in ``_new``)."""
    is_new = forecast["tier"].astype(str).str.endswith("_new")
    whole = float(forecast["mean_units"].sum())
    if not whole:
        return WatchItem("New SKUs", UNKNOWN, "there is no forecast", False)
    skus = forecast.loc[is_new, "sku"].astype(str).unique()
    share = float(forecast.loc[is_new, "mean_units"].sum()) / whole
    note = f"{rate(share)} of expected demand has too little sales history; its forecast comes from similar SKUs"
    note = note if len(skus) else "every SKU has a sales history"
    return WatchItem("New SKUs", number(len(skus)), note, share > 0.05)


def _capacities(exception: pd.DataFrame, settings: Settings) -> list[WatchItem]:
    rows = exception[exception["kind"].astype(str).str.startswith(_CAPACITY)]
    if rows.empty:
        return [WatchItem("Capacity limits", "none", "no capacity of a hub limits the plan", False)]
    money = Money(settings.currency)
    ranked = rows.sort_values(["eur", "hub"], ascending=[False, True]).head(_NAMED)
    parts = "; ".join(
        f"{kind.removeprefix(_CAPACITY)} at {hub} {money(eur)}"
        for kind, hub, eur in zip(ranked["kind"], ranked["hub"], ranked["eur"], strict=True)
    )
    return [
        WatchItem("Capacity limits", money(float(rows["eur"].sum())), f"savings from 10% more capacity: {parts}", True)
    ]


_SHIPMENT = ["kind", "sku", "origin", "destination"]
_CHANGES_SHOWN = 15
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Changes:
    """The changes since the previous run.

    Attributes
    ----------
    as_of
        Planning date of the previous run.
    figures
        Name, previous value and current value of each figure, as text.
    counts
        Number of shipments by difference: `new`, `dropped`, `more`, `less` or `same`.
    shipments
        The shipments with the largest change in savings.
    """

    as_of: date
    figures: list[tuple[str, str, str]]
    counts: dict[str, int]
    shipments: pd.DataFrame

    @property
    def n_changed(self) -> int:
        """The number of shipments that differ."""
        return sum(count for word, count in self.counts.items() if word != "same")


def changes_since(before: Frames, outputs: Frames, settings: Settings) -> Changes | None:
    """Return the changes since ``before`` (``plan`` and ``transfer`` of the previous run); None without a previous run."""
    if not len(before.get("plan", ())) or not len(outputs["plan"]):
        return None
    old, new = before["plan"].iloc[-1], outputs["plan"].iloc[-1]
    shipments = compared_shipments(before["transfer"], outputs["transfer"])
    counts = {str(word): int(count) for word, count in shipments["difference"].value_counts().sort_index().items()}
    shown = shipments[shipments["difference"] != "same"].head(_CHANGES_SHOWN)
    return Changes(pd.Timestamp(old["as_of"]).date(), _figures(old, new, settings), counts, shown)


def compared_shipments(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return the shipments (kind, SKU, origin, destination) of both runs with units and benefit in each, largest change first.

    Outlook lines are left out. ``status_then`` joins the statuses of the previous run's lines by commas.
    """
    old, new = (_summed(frame) for frame in (before, now))
    earlier = {"units": "units_before", "benefit_eur": "benefit_eur_before", "status": "status_then"}
    both = old.rename(columns=earlier).join(new, how="outer")
    for name in ("units_before", "units", "benefit_eur_before", "benefit_eur"):
        both[name] = both[name].astype("float64").fillna(0.0)
    was, now_units = both["units_before"], both["units"]
    rules = [(was == 0, "new"), (now_units == 0, "dropped"), (now_units > was, "more"), (now_units < was, "less")]
    both["difference"] = np.select([rule for rule, _ in rules], [word for _, word in rules], "same")
    both["change_eur"] = both["benefit_eur"] - both["benefit_eur_before"]
    both["status_then"] = both["status_then"].fillna("")
    ranked = both.assign(size=both["change_eur"].abs()).reset_index()
    return ranked.sort_values(["size", *_SHIPMENT], ascending=[False, True, True, True, True], ignore_index=True)


def _summed(transfer: pd.DataFrame) -> pd.DataFrame:
    due = transfer[~transfer["is_outlook"].astype(bool)].astype(dict.fromkeys(_SHIPMENT, "str"))
    return due.groupby(_SHIPMENT).agg(
        units=("units", "sum"), benefit_eur=("benefit_eur", "sum"), status=("status", lambda parts: ", ".join(sorted(set(parts))))
    )  # fmt: skip


def _figures(old: pd.Series, new: pd.Series, settings: Settings) -> list[tuple[str, str, str]]:
    money = Money(settings.currency)
    shown = (
        ("Expected cost with the plan", money, "total_eur"), ("Expected cost without the plan", money, "total_eur_before"),
        ("Served by the nearest hub", rate, "local_fill_rate"), ("On time as promised", rate, "promise_hit_rate"),
        ("Carbon of the plan", carbon, "kg_co2e"), ("Proposals", number, "n_proposals"),
    )  # fmt: skip
    return [(name, write(old[column]), write(new[column])) for name, write, column in shown]
