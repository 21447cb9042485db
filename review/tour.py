"""One article's night as a page: its real rows at every table from sales to proposal.

Here: which rows show the way, and their Markdown. Not here: the words between them
(``templates/tour.md.j2``), or collecting the frames, which flows do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from foundation.proximity import rank_deliveries
from foundation.settings import Settings
from review.page import environment
from review.proposals import ranked
from review.wording import Money, day, number

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Way:
    """The article, hub and region the tour follows, and the proposal it ends at."""

    sku: str
    hub: str
    region: str
    proposal: pd.Series


def way(tables: Frames, outputs: Frames) -> Way | None:
    """Return the best transfer of the night (the best order where there is none), ``None`` without proposals.

    The region is the one with most demand among those the destination is nearest to.
    """
    proposals = ranked(outputs["transfer"])
    proposals = proposals[~proposals["is_outlook"].astype(bool)]
    if proposals.empty:
        return None
    transfers = proposals[proposals["kind"] == "transfer"]
    best = (transfers if len(transfers) else proposals).iloc[0]
    service = outputs["service"]
    demand = service[service["sku"] == best["sku"]].set_index("region")["demand_units"]
    regions = [region for region in _reached(tables, best["destination"]) if region in demand.index]
    return Way(best["sku"], best["destination"], str(demand[regions].idxmax()), best)


def _reached(tables: Frames, hub: str) -> list[str]:
    """Return the regions ``hub`` is nearest to; where it is nearest to none, the one it comes closest to being nearest to."""
    ranked = rank_deliveries(tables["lanes"], tables["hubs"], tables["regions"])
    own = ranked[(ranked["hub"] == hub).to_numpy()].sort_values(["rank", "region"])
    return own.loc[own["rank"] == 0, "region"].tolist() or own["region"].head(1).tolist()


def tour_page(found: Way, tables: Frames, outputs: Frames, features: pd.DataFrame, settings: Settings) -> str:
    """Return ``docs/tour.md``: the rows of ``found`` in every table, with words between.

    ``features`` has a row per feature of the article's first forecast period: name, family, value.
    """
    plan = outputs["plan"].iloc[-1]
    return environment().get_template("tour.md.j2").render(
        found=found, plan=plan, settings=settings, money=Money(settings.currency), day=day, number=number,
        parts=_parts(found, tables, outputs), features=markdown(features),
    )  # fmt: skip


def _parts(found: Way, tables: Frames, outputs: Frames) -> dict[str, str]:
    series = {"sku": found.sku, "region": found.region}
    departure = {"departure_id": found.proposal["departure_id"]}
    shown: dict[str, tuple[pd.DataFrame, dict[str, str], str]] = {
        "sales": (tables["sales"], series, "date units_sold"),
        "prices": (tables["prices"], series, "date unit_price_eur"),
        "skus": (tables["skus"], {"sku": found.sku}, "sku unit_cost_eur lost_sale_eur volume_l handling_class pack_units"),
        "stock": (_latest(tables["stock"]), {"sku": found.sku}, "date hub units_on_hand units_reserved"),
        "lanes": (tables["lanes"], {"destination": found.region}, "lane distance_km lead_time_days eur_per_unit eur_per_kg"),
        "forecast": (outputs["forecast"], series, "date mean_units q025 q250 q500 q750 q975 tier"),
        "window": (outputs["forecast_window"], series, "window_days mean_units q025 q250 q500 q750 q975"),
        "position": (outputs["position"], {"sku": found.sku}, "hub units_on_hand units_inbound units_out units_in target_units expected_demand_units stockout_probability fill_rate days_of_supply"),
        "service": (outputs["service"], {"sku": found.sku}, "region demand_units local_units_before local_units lost_units_before lost_units source_hubs"),
        "transfer": (outputs["transfer"], {"proposal_id": found.proposal["proposal_id"]}, "proposal_id origin destination units packs ship_date arrival_date cost_eur benefit_eur loss_if_refused_eur"),
        "departure": (outputs["departure"], departure, "lane ship_date decide_by loads units lines volume_fill_rate fixed_eur benefit_eur"),
    }  # fmt: skip
    ends = {"sales": 4, "prices": 2}
    heads = {"forecast": 4}
    return {
        name: markdown(_of(frame, keys)[columns.split()].tail(ends.get(name, 99)).head(heads.get(name, 99)))
        for name, (frame, keys, columns) in shown.items()
    }


def _latest(stock: pd.DataFrame) -> pd.DataFrame:
    return stock[stock["date"] == stock["date"].max()]


def _of(frame: pd.DataFrame, keys: dict[str, str]) -> pd.DataFrame:
    for column, value in keys.items():
        frame = frame[frame[column].astype(str) == value]
    return frame.sort_values([name for name in ("date", "hub", "region", "lane") if name in frame.columns])


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table: dates as dates, numbers to four digits, nothing for unknown."""
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    lines = [_line(frame.columns), _line("---:" if flag else "---" for flag in numeric)]
    return "\n".join([*lines, *(_line(map(_cell, row)) for row in frame.itertuples(index=False))])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload] # a scalar of a frame
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return number(value) if abs(value) >= 1000 else f"{value:.4g}"
    return str(value).replace("|", "\\|")
