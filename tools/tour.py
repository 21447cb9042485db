"""Write ``docs/tour.md``: one SKU of the demo's newest plan, followed through every table.

``python -m tools.tour`` prints the page after ``forestock demo``. ``make tour`` runs both. The text of the page is in
``review/templates/tour.md.j2``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features import build_panel, forecast_matrix
from foundation.errors import ConfigurationError
from foundation.matrix import FeatureMatrix
from foundation.proximity import rank_deliveries
from foundation.settings import Settings
from foundation.store import Warehouse, snapshot
from foundation.wording import Money, day, number
from pipeline.configuration import load_settings
from pipeline.run import planned_run
from review.plan.page import environment
from review.plan.proposals import ranked

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Example:
    """The SKU, hub, and region that the tour follows, and the proposal for them."""

    sku: str
    hub: str
    region: str
    proposal: pd.Series


def choose_example(tables: Frames, outputs: Frames) -> Example | None:
    """Return the best transfer of a plan (the best order if there is no transfer), or ``None`` without proposals.

    The region is the one with the highest demand among the regions whose nearest hub is the destination.
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
    return Example(best["sku"], best["destination"], str(demand[regions].idxmax()), best)


def _reached(tables: Frames, hub: str) -> list[str]:
    """Return the regions whose nearest hub is ``hub``, or the region in which ``hub`` ranks best if there are none."""
    ranks = rank_deliveries(tables["lanes"], tables["hubs"], tables["regions"])
    ranks = ranks[(ranks["hub"] == hub).to_numpy()].sort_values(["rank", "region"])
    return ranks.loc[ranks["rank"] == 0, "region"].tolist() or ranks["region"].head(1).tolist()


def tour_page(example: Example, tables: Frames, outputs: Frames, features: pd.DataFrame, settings: Settings) -> str:
    """Return the text of ``docs/tour.md`` with the rows of ``example`` in every table.

    ``features`` has one row per feature of the first forecast period: name, family, value.
    """
    plan = outputs["plan"].iloc[-1]
    return environment().get_template("tour.md.j2").render(
        example=example, plan=plan, settings=settings, money=Money(settings.currency), day=day, number=number,
        tables=_tables_shown(example, tables, outputs), features=markdown(features),
    )  # fmt: skip


def _tables_shown(example: Example, tables: Frames, outputs: Frames) -> dict[str, str]:
    series = {"sku": example.sku, "region": example.region}
    departure = {"departure_id": example.proposal["departure_id"]}
    shown: dict[str, tuple[pd.DataFrame, dict[str, str], str]] = {
        "sales": (tables["sales"], series, "date units_sold"),
        "prices": (tables["prices"], series, "date unit_price_eur"),
        "skus": (tables["skus"], {"sku": example.sku}, "sku unit_cost_eur lost_sale_eur volume_l handling_class pack_units"),
        "stock": (_latest(tables["stock"]), {"sku": example.sku}, "date hub units_on_hand units_reserved"),
        "lanes": (tables["lanes"], {"destination": example.region}, "lane distance_km lead_time_days eur_per_unit eur_per_kg"),
        "forecast": (outputs["forecast"], series, "date mean_units q025 q250 q500 q750 q975 tier"),
        "window": (outputs["forecast_window"], series, "window_days mean_units q025 q250 q500 q750 q975"),
        "position": (outputs["position"], {"sku": example.sku}, "hub units_on_hand units_inbound units_out units_in target_units expected_demand_units stockout_probability fill_rate days_of_supply"),
        "service": (outputs["service"], {"sku": example.sku}, "region demand_units local_units_before local_units lost_units_before lost_units source_hubs"),
        "transfer": (outputs["transfer"], {"proposal_id": example.proposal["proposal_id"]}, "proposal_id origin destination units packs ship_date arrival_date cost_eur benefit_eur loss_if_refused_eur"),
        "departure": (outputs["departure"], departure, "lane ship_date decide_by loads units lines volume_fill_rate fixed_eur benefit_eur"),
    }  # fmt: skip
    last_rows = {"sales": 4, "prices": 2}
    first_rows = {"forecast": 4}
    return {
        name: markdown(_of(frame, keys)[columns.split()].tail(last_rows.get(name, 99)).head(first_rows.get(name, 99)))
        for name, (frame, keys, columns) in shown.items()
    }


def _latest(stock: pd.DataFrame) -> pd.DataFrame:
    return stock[stock["date"] == stock["date"].max()]


def _of(frame: pd.DataFrame, keys: dict[str, str]) -> pd.DataFrame:
    for column, value in keys.items():
        frame = frame[frame[column].astype(str) == value]
    return frame.sort_values([name for name in ("date", "hub", "region", "lane") if name in frame.columns])


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table: ISO dates, numbers with four digits, empty cells for unknown values."""
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


_TABLES = ("forecast", "forecast_window", "position", "service", "transfer", "departure", "plan")
_SHOWN = (
    "lag_1", "mean_7", "mean_28", "nonzero_28", "weekday_mean_8", "lag_year", "price", "price_to_mean", "snap", "event_ahead", "total_weekday", "sku_trend",
)  # fmt: skip


def tour(config: str, overrides: tuple[str, ...] = ()) -> str:
    """Return the tour of the newest plan of a configuration; raises ``ConfigurationError`` without proposals."""
    settings = load_settings(config, overrides)
    warehouse = Warehouse(settings)
    as_of = warehouse.dates("plan")[-1]
    tables = snapshot.read(planned_run(settings, as_of).context.inputs.folder)
    outputs = {name: warehouse.read(name, as_of) for name in _TABLES}
    result = choose_example(tables, outputs)
    if result is None:
        raise ConfigurationError(f"the plan of {as_of} contains no proposals, so there is no SKU to follow")
    matrix = forecast_matrix(build_panel(tables, settings, as_of), settings)
    outputs["plan"] = outputs["plan"].assign(n_features=len(matrix.names))
    return tour_page(result, tables, outputs, _features(matrix, result), settings)


def _features(matrix: FeatureMatrix, example: Example) -> pd.DataFrame:
    """Return the name, family, and value of some features of the first period of the SKU in its region."""
    is_series = (matrix.series["sku"].astype(str) == example.sku) & (
        matrix.series["region"].astype(str) == example.region
    )
    row = np.flatnonzero((matrix.series_code == int(np.flatnonzero(is_series)[0])) & (matrix.step == 1))[0]
    places = [matrix.names.index(name) for name in _SHOWN if name in matrix.names]
    values = [float(matrix.values[row, place]) for place in places]
    names, families = [matrix.names[place] for place in places], [matrix.families[place] for place in places]
    return pd.DataFrame({"feature": names, "family": families, "value": values})


if __name__ == "__main__":
    print(tour("demo.yaml", tuple(sys.argv[1:])), end="\n")
