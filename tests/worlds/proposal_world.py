"""A small plan to decide on: two departures between three hubs and one order, as tables of the warehouse."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from dispatch.decide import Signature
from dispatch.selection import current
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from tests.worlds.neutral_rows import neutral_row

AS_OF = date(2016, 5, 23)
MORNING = pd.Timestamp("2016-05-23T07:00", tz="UTC")
CUTOFF = pd.Timestamp("2016-05-23T16:00", tz="UTC")


def act(decided_at: pd.Timestamp = MORNING, reason: str | None = None) -> Signature:
    """Return a decision of Ada's."""
    return Signature(decided_at.as_unit("us"), "Ada", reason)


def proposal(proposal_id: str, sku: str = "tea", lane: str = "A-B", **changes: object) -> dict[str, object]:
    """Return one row of ``transfer``: 12 units in packs of 6 on ``lane`` (origin-destination), worth 30 for 10."""
    origin, _, destination = lane.partition("-")
    row: dict[str, object] = {
        "as_of": pd.Timestamp(AS_OF), "plan_id": "p", "proposal_id": proposal_id, "kind": "transfer", "sku": sku,
        "origin": origin, "destination": destination, "lane": lane, "departure_id": f"{lane} 2016-05-23", "units": 12,
        "packs": 2, "ship_date": pd.Timestamp("2016-05-23"), "arrival_date": pd.Timestamp("2016-05-25"),
        "decide_by": CUTOFF, "cost_eur": 10.0, "benefit_eur": 30.0, "loss_if_refused_eur": 30.0, "kg_co2e": 1.0,
        "reason": "because", "binding_constraints": "", "is_outlook": False, "status": "proposed",
    }  # fmt: skip
    return neutral_row("transfer", AS_OF) | row | changes


def transfer(*rows: dict[str, object]) -> pd.DataFrame:
    """Return rows as the table ``transfer`` in its dtypes."""
    return pd.DataFrame(list(rows)).astype({"units": "Int64", "packs": "Int64", "is_outlook": "boolean"})


def proposals(*rows: dict[str, object], decisions: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return rows as commands see them, with the ledger's state."""
    return current(transfer(*rows), ledger() if decisions is None else decisions)


def decision(proposal_id: str, status: str, decided_at: str = "2016-05-23T07:00", **parts: object) -> dict[str, object]:
    """Return one row of ``decision`` as another system writes it: without the line."""
    moment = pd.Timestamp(decided_at, tz="UTC")
    return {
        "proposal_id": proposal_id,
        "status": status,
        "at": moment,
        "by": "Ada",
        "units": None,
        "reason": None,
    } | parts


def ledger(*rows: dict[str, object]) -> pd.DataFrame:
    """Return rows as the table ``decision`` in its dtypes."""
    from foundation.store.arrow import typed
    from foundation.tables import OUTPUTS

    frame = pd.DataFrame(list(rows)) if rows else pd.DataFrame({"proposal_id": pd.Series(dtype="str")})
    return typed(frame, OUTPUTS["decision"])


def departure(lane: str = "A-B", **changes: object) -> dict[str, object]:
    """Return one row of ``departure``: one load at 20 € that is half full, worth 60."""
    origin, _, destination = lane.partition("-")
    row: dict[str, object] = {
        "as_of": pd.Timestamp(AS_OF), "departure_id": f"{lane} 2016-05-23", "lane": lane, "kind": "transfer",
        "origin": origin, "destination": destination, "ship_date": pd.Timestamp("2016-05-23"),
        "arrival_date": pd.Timestamp("2016-05-25"), "decide_by": CUTOFF, "loads": 1, "units": 24,
        "volume_fill_rate": 0.5, "mass_fill_rate": 0.2, "fixed_eur": 20.0, "benefit_eur": 60.0, "lines": 2,
    }  # fmt: skip
    return neutral_row("departure", AS_OF) | row | changes


def position(**days_of_supply: float | None) -> pd.DataFrame:
    """Return ``position`` rows for ``hub__sku=days``: 30 units on hand, 12 of them leaving."""
    keys = [name.split("__") for name in days_of_supply]
    return pd.DataFrame(
        neutral_row("position", AS_OF)
        | {
            "as_of": pd.Timestamp(AS_OF), "hub": [key[0] for key in keys], "sku": [key[1] for key in keys],
            "units_on_hand": 30, "units_inbound": 0, "units_out": 12, "units_in": 0, "target_units": 18,
            "expected_demand_units": 1.0, "stockout_probability": 0.0, "fill_rate": 1.0, "fill_rate_before": 1.0,
            "days_of_supply": pd.Series(list(days_of_supply.values()), dtype="float64"),
        }
    )  # fmt: skip


def exception_rows(*hubs: str) -> pd.DataFrame:
    """Return one exception per hub, worth 50 at the first and 10 less at each further one."""
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp(AS_OF), "kind": "hub_full_inbound", "hub": hubs, "region": None, "sku": None,
            "units": pd.Series([4] * len(hubs), dtype="Int64"), "eur": [50.0 - 10 * place for place in range(len(hubs))],
            "decide_by": pd.Series([pd.NaT] * len(hubs), dtype="datetime64[us, UTC]"), "action": "Add inbound capacity.",
        }
    )  # fmt: skip


def plan_row() -> pd.DataFrame:
    """Return the row of ``plan`` for the run, its money all zero."""
    return pd.DataFrame([neutral_row("plan", AS_OF)])


def warehouse_with(folder: Path, *rows: dict[str, object], **settings: object) -> Settings:
    """Write a plan with ``rows`` as proposals into a warehouse below ``folder`` and return its settings."""
    built = Settings(warehouse=str(folder / "warehouse"), **settings)  # type: ignore[arg-type] # sections as dicts
    warehouse = Warehouse(built)
    lanes = dict.fromkeys(str(row["lane"]) for row in rows)
    hubs = {f"{row[end]}__{row['sku']}": 1.0 for row in rows for end in ("origin", "destination")}
    warehouse.write("plan", plan_row(), AS_OF)
    warehouse.write("transfer", transfer(*rows), AS_OF)
    warehouse.write("departure", pd.DataFrame([departure(lane) for lane in lanes]), AS_OF)
    warehouse.write("position", position(**hubs), AS_OF)
    return built
