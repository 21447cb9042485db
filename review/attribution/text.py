"""Attributions as tables and sentences, for a terminal and for Prefect artifacts.

Not here: the attribution itself (the other modules), printing (``forestock.cli``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

WORDS = {
    "forecast": "demand exceeded the forecast", "placement": "units were at other hubs",
    "late_arrival": "an inbound shipment was late", "lane": "a lane or hub was closed",
    "network_short": "the whole network was short", "wrong_hub": "shipped from a hub other than the nearest",
    "hub_not_ready": "not ready at the cut-off", "carrier": "the carrier exceeded the lead time", "promise": "the promised time was too short",
}  # fmt: skip
_SHOWN = 10


@dataclass(frozen=True)
class Section:
    """One part of the answer: a table, which may have no rows, then sentences.

    Attributes
    ----------
    title
        Heading of the table; empty where there is no table.
    columns
        Column heads; ``numeric`` names those that are right-aligned.
    rows
        Cells as text, one tuple per row.
    sentences
        Sentences after the table.
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    numeric: frozenset[str] = frozenset()
    rows: tuple[tuple[str, ...], ...] = ()
    sentences: tuple[str, ...] = ()


def attribution_sections(
    causes: pd.DataFrame, returns: pd.DataFrame, currency: str, only: tuple[str | None, str | None] = (None, None)
) -> tuple[Section, ...]:
    """Return the costliest stockouts with their causes, late parcels, and outlying returns.

    ``causes`` has the grain of the table `cause`, ``returns`` that of `return_finding`. ``only`` limits stockouts to a
    hub and a SKU.
    """
    stockouts = causes[causes["question"] == "stockout"]
    for column, value in zip(("hub", "sku"), only, strict=True):
        stockouts = stockouts[stockouts[column] == value] if value else stockouts
    outliers = returns[returns["is_outlier"].astype(bool)]
    sentences = (*_parcels(causes[causes["question"] == "late_parcel"]), *_returns(outliers, currency))
    return _stockouts(stockouts, currency), Section(sentences=sentences)


def _stockouts(rows: pd.DataFrame, currency: str) -> Section:
    if rows.empty:
        return Section(sentences=("No hub had a stockout.",))
    total = rows.groupby(["hub", "sku"])[["caused_units", "eur"]].sum().reset_index()
    ranked = total.sort_values(["eur", "caused_units", "hub", "sku"], ascending=[False, False, True, True])
    cells = []
    for row in ranked.head(_SHOWN).itertuples():
        causes = rows[(rows["hub"] == row.hub) & (rows["sku"] == row.sku)].sort_values(["share_rate", "cause"])
        main = causes.iloc[-1]
        cells.append(
            (str(row.hub), str(row.sku), f"{row.caused_units:,.0f}", f"{row.eur:,.0f}", WORDS[main["cause"]], f"{main['share_rate']:.0%}")
        )  # fmt: skip
    shares = rows.groupby("cause")["caused_units"].sum().sort_values(ascending=False) / rows["caused_units"].sum()
    return Section(
        "Stockouts, costliest first", ("hub", "sku", "units", currency, "main cause", "share"),
        frozenset({"units", currency, "share"}), tuple(cells), (f"All {len(total):,} stockouts: {_listed(shares)}.",),
    )  # fmt: skip


def _parcels(rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        return
    shares = rows.groupby("cause")["share_rate"].sum().sort_values(ascending=False)
    yield f"{rows['caused_units'].sum():,.0f} late parcels: {_listed(shares)}."
    most = rows.sort_values("caused_units").iloc[-1]
    carrier = most["carrier"] or "any carrier"
    yield f"Largest group: {WORDS[most['cause']]}, {most['hub']} to {most['region']} by {carrier}, {most['caused_units']:,.0f} parcels."


def _returns(rows: pd.DataFrame, currency: str) -> Iterator[str]:
    for row in rows.head(_SHOWN).itertuples():
        yield (
            f"Returns of {row.kind} {row.place} for reason {row.reason}: {row.return_rate:.1%} of sales, compared with "
            f"{row.network_return_rate:.1%} in the network; expected cost {row.eur:,.0f} {currency} in this plan."
        )


def _listed(shares: pd.Series) -> str:
    return "; ".join(f"{WORDS[str(cause)]} {share:.0%}" for cause, share in shares.items() if share > 0.005)


def as_markdown(sections: tuple[Section, ...]) -> str:
    """Return the sections as Markdown, tables as pipe tables."""
    parts: list[str] = []
    for section in sections:
        if section.rows:
            ruler = ["---:" if name in section.numeric else "---" for name in section.columns]
            lines = [_pipes(line) for line in (section.columns, ruler, *section.rows)]
            parts += [f"**{section.title}**", "\n".join(lines)]
        parts += section.sentences
    return "\n\n".join(parts) + "\n"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
