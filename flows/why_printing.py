"""An attribution as a person reads it in a terminal of 80 columns. Not here: what is in it (``flows.why``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from flows.why import Answer

WORDS = {
    "forecast": "more was wanted than forecast", "placement": "units stood at other hubs", "late_arrival": "what was awaited came late",
    "lane": "a lane or hub stopped", "network_short": "the whole network had too little", "wrong_hub": "sent from a far hub",
    "hub_not_ready": "not ready at the cut-off", "carrier": "the carrier took longer", "promise": "promised too early",
}  # fmt: skip
_SHOWN = 10


def print_answer(answer: Answer, only: tuple[str | None, str | None], console: Console) -> None:
    """Print the dearest stock-outs with their causes, late parcels and returns that stand out."""
    console.print()
    console.rule(f"[bold]Why, after the night of {answer.as_of} (to {answer.until})")
    causes = answer.causes
    stockouts = causes[causes["question"] == "stockout"]
    for column, value in zip(("hub", "sku"), only, strict=True):
        stockouts = stockouts[stockouts[column] == value] if value else stockouts
    _print_stockouts(stockouts, console, answer.settings.currency)
    _print_parcels(causes[causes["question"] == "late_parcel"], console)
    _print_returns(answer.returns[answer.returns["is_outlier"].astype(bool)], console, answer.settings.currency)
    console.print("Tables: cause, return_finding.", highlight=False)


def _print_stockouts(rows: pd.DataFrame, console: Console, currency: str) -> None:
    if rows.empty:
        console.print("No hub ran out.")
        return
    whole = rows.groupby(["hub", "sku"])[["caused_units", "eur"]].sum()
    table = Table(title="Hubs that ran out, dearest first", title_justify="left", box=None, pad_edge=False)
    for name in ("hub", "sku", "units", currency, "mostly because", "share"):
        table.add_column(name, justify="right" if name in ("units", currency, "share") else "left")
    ranked = whole.reset_index().sort_values(
        ["eur", "caused_units", "hub", "sku"], ascending=[False, False, True, True]
    )
    for row in ranked.head(_SHOWN).itertuples():
        mine = rows[(rows["hub"] == row.hub) & (rows["sku"] == row.sku)].sort_values(["share_rate", "cause"])
        first = mine.iloc[-1]
        table.add_row(str(row.hub), str(row.sku), f"{row.caused_units:,.0f}", f"{row.eur:,.0f}", WORDS[first["cause"]], f"{first['share_rate']:.0%}")  # fmt: skip
    console.print(table)
    shares = rows.groupby("cause")["caused_units"].sum().sort_values(ascending=False) / rows["caused_units"].sum()
    said = "; ".join(f"{WORDS[str(cause)]} {share:.0%}" for cause, share in shares.items() if share > 0.005)
    console.print(f"All {len(whole):,} together: {said}.", highlight=False)


def _print_parcels(rows: pd.DataFrame, console: Console) -> None:
    if rows.empty:
        return
    shares = rows.groupby("cause")["share_rate"].sum().sort_values(ascending=False)
    said = "; ".join(f"{WORDS[str(cause)]} {share:.0%}" for cause, share in shares.items() if share > 0.005)
    console.print(f"{rows['caused_units'].sum():,.0f} late parcels: {said}.", highlight=False)
    first = rows.sort_values("caused_units").iloc[-1]
    console.print(f"Most: {WORDS[first['cause']]} — {first['hub']} to {first['region']} by {first['carrier'] or 'any carrier'}, {first['caused_units']:,.0f} parcels.", highlight=False)  # fmt: skip


def _print_returns(rows: pd.DataFrame, console: Console, currency: str) -> None:
    for row in rows.head(_SHOWN).itertuples():
        console.print(
            f"Returns: {row.kind} {row.place}, {row.reason}: {row.return_rate:.1%} of sales against {row.network_return_rate:.1%}; {row.eur:,.0f} {currency} in the plan.",
            highlight=False,
        )  # fmt: skip
