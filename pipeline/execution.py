"""Execution: a receiver's file as rows of ``execution``, and the realized benefit of what was executed.

Here too: the end of proposals that were refused, and the report of realized benefit by planner, lane, or month. Not here: the forms of files
(``dispatch.receipts``), how a shipment is valued (``positioning.simulation.realized``), options and printing (``forestock.cli.execution``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from dispatch.decide import Signature, ledger_rows
from dispatch.execution_form import execution_form_named, execution_rows, new_rows, released
from dispatch.ledger import counts, in_order, states
from dispatch.partner import names_of
from foundation.errors import InputError, StageError
from foundation.keys import among
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from pipeline.decisions import exclusive, open_plan, plan_inputs, refresh
from pipeline.handover import released_of
from positioning.simulation.engine import Game, read_game
from positioning.simulation.reading import read_network
from positioning.simulation.realized import Moves, realized_benefit
from positioning.simulation.state import open_state
from positioning.simulation.world import codes, read_demand

_MOVED = ("shipped", "received")
log = logging.getLogger(__name__)

Group = Literal["planner", "lane", "month", "proposal"]
_COLUMN: dict[Group, str] = {"planner": "by", "lane": "lane", "month": "month", "proposal": "proposal_id"}
COLUMNS = ["proposal_id", "lane", "by", "units", "units_received", "units_sold", "benefit_eur", "realized_benefit_eur", "override_eur", "end_date"]  # fmt: skip


@dataclass(frozen=True)
class Received:
    """What a file added.

    Attributes
    ----------
    rows
        New rows of ``execution``.
    n_known
        Rows of the file that were on record.
    superseded
        Ids of released proposals that ended because every unit was refused and none moved.

    """

    rows: pd.DataFrame
    n_known: int
    superseded: tuple[str, ...]


def receive_file(settings: Settings, form: str, file: str, signature: Signature) -> Received:
    """Record what ``file`` reports; the same file twice adds no row.

    Raises ``InputError`` with one line per line of the file that cannot be read, is about an unknown proposal, or contradicts
    a recorded row; then no row is written.
    """
    reports = execution_form_named(form).read(_text(file))
    with exclusive(settings):
        warehouse = Warehouse(settings)
        decisions = warehouse.read("decision")
        known = released(released_of(warehouse), warehouse.read("handover"), _sku_names(settings))
        rows = execution_rows(reports, known)
        recorded = warehouse.read("execution")
        added = new_rows(rows, recorded)
        if len(added):
            warehouse.append("execution", added)
        ended = _refused(decisions, pd.concat([recorded, added]), signature)
        if len(ended):
            warehouse.append("decision", ended)
            for as_of in sorted({day.date() for day in ended["as_of"].dropna()}):
                refresh(settings, as_of)
    return Received(added, len(rows) - len(added), tuple(ended["proposal_id"]))


def _text(file: str) -> str:
    """Return the text of a receiver's file, without a byte order mark; raises ``InputError`` if it is empty or cannot be read."""
    try:
        text = files.read_bytes(file).decode("utf-8-sig")
    except StageError as error:
        raise InputError(f"{file}: cannot be read ({error.__cause__ or error}); name a file of the receiver") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not UTF-8 text; save it as UTF-8, or name another file") from None
    if not text.strip():
        raise InputError(f"{file}: is empty; name a file of the receiver")
    return text


def _refused(decisions: pd.DataFrame, execution: pd.DataFrame, signature: Signature) -> pd.DataFrame:
    """Return ledger rows that end released proposals of which receivers refused every unit and moved none."""
    known = states(decisions).rename(columns={"at": "decided_at"}).drop(columns=["reason", "by"])
    known = known[known["status"] == "released"]
    moved = execution.loc[execution["status"].isin(_MOVED), "proposal_id"]
    refused = execution[execution["status"] == "refused"].groupby("proposal_id")["units"].sum()
    units = known["proposal_id"].map(refused)
    is_over = (units >= known["units"]) & ~among(known["proposal_id"], moved)
    reason = Signature(signature.time, signature.by, "the receiver refused it")
    return ledger_rows(known[is_over.fillna(False).astype(bool)], "superseded", reason)


def _sku_names(settings: Settings) -> dict[str, str]:
    """Return the receiver's names of SKUs; empty if they are Forestock's."""
    column = settings.decisions.exports.sku_column
    if column is None:
        return {}
    return names_of(plan_inputs(open_plan(settings, None), "skus")["skus"], "sku", column)


@dataclass(frozen=True)
class Realized:
    """Result of ``update_realized``: dates whose plans were valued now, and the plans whose window has not ended."""

    valued: tuple[date, ...]
    open_plans: tuple[date, ...]


def update_realized(settings: Settings, as_of: date | None) -> Realized:
    """Value the executed proposals of every plan whose window of sales has ended by ``as_of`` (None: with the last sales).

    A plan is valued again if receivers reported more since. Raises ``InputError`` with one line per fault of the inputs.
    """
    warehouse = Warehouse(settings)
    lines = executed_lines(warehouse)
    if lines.empty:
        return Realized((), ())
    accepted = snapshot.accept(settings, as_of, "forecast")
    sales = snapshot.read(accepted, ("sales",))["sales"]
    snapshot.release(accepted.reference)
    valued, waiting = [], []
    for day in sorted({moment.date() for moment in lines.loc[lines["is_valued"], "as_of"]}):
        end = _window_end(lines[lines["as_of"] == pd.Timestamp(day)], settings)
        if end > accepted.as_of:
            waiting.append(day)
        elif _is_new(lines[lines["as_of"] == pd.Timestamp(day)], warehouse.read("realized", day)):
            warehouse.write("realized", _valued(settings, lines, (day, end), sales), day)
            valued.append(day)
    return Realized(tuple(valued), tuple(waiting))


def executed_lines(warehouse: Warehouse) -> pd.DataFrame:
    """Return the lines of proposals that moved, and of rejected ones: the ledger's line with what receivers reported.

    ``shipped`` and ``received`` are units. Without a report, an executed proposal moved as decided. ``ship_date`` and
    ``arrival_date`` are the reported days where there are any. ``is_valued`` is false for lines that are still in transit.
    """
    decisions = warehouse.read("decision")
    known = states(decisions).merge(_planner(decisions), on="proposal_id", how="left")
    known = known[known[["sku", "lane", "as_of", "ship_date", "arrival_date", "units"]].notna().all(axis=1)]
    joined = known.merge(_reported(warehouse.read("execution")), on="proposal_id", how="left")
    is_rejected = joined["status"] == "rejected"
    is_reported = joined[["shipped", "received", "refused"]].notna().any(axis=1)
    has_moved = ~is_rejected & (is_reported | (joined["status"] == "executed"))
    joined = joined[has_moved | is_rejected]
    arrived = joined["received"].fillna(0) + joined["refused"].fillna(0)
    is_closed = (joined["status"] == "executed") & joined["received"].isna() & joined["refused"].isna()
    shipped = joined["shipped"].fillna(arrived).mask(is_closed, joined["shipped"].fillna(joined["units"]))
    received = joined["received"].fillna(0).mask(is_closed, shipped)
    off = joined["status"] == "rejected"
    return joined.assign(
        shipped=shipped.mask(off, 0).astype("int64"), received=received.mask(off, 0).astype("int64"),
        ship_date=joined["shipped_on"].fillna(joined["ship_date"]),
        arrival_date=joined["received_on"].fillna(joined["arrival_date"]),
        is_valued=off | (arrived > 0) | is_closed,
    )  # fmt: skip


def _planner(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return who approved or rejected each proposal: the last such row that took effect."""
    rows = in_order(decisions)
    rows = rows[counts(rows) & rows["status"].isin(["approved", "rejected"]).to_numpy()]
    last = rows.drop_duplicates("proposal_id", keep="last")
    return last[["proposal_id", "by"]].rename(columns={"by": "planner"})


def _reported(execution: pd.DataFrame) -> pd.DataFrame:
    """Return units by status and the days of shipment and receipt per proposal."""
    units = execution.pivot_table(index="proposal_id", columns="status", values="units", aggfunc="sum")
    days = execution.assign(day=execution["at"].dt.tz_localize(None).dt.normalize().astype("datetime64[us]"))
    first = days[days["status"] == "shipped"].groupby("proposal_id")["day"].min().rename("shipped_on")
    last = days[days["status"] == "received"].groupby("proposal_id")["day"].max().rename("received_on")
    names = ["shipped", "received", "refused"]
    frame = units.reindex(columns=names).join([first, last], how="left")
    dates = dict.fromkeys(("shipped_on", "received_on"), "datetime64[us]")
    return frame.astype(dict.fromkeys(names, "float64") | dates).rename_axis("proposal_id").reset_index()


def _window_end(lines: pd.DataFrame, settings: Settings) -> date:
    """Return the day after the window: the review period from the last arrival on, at least the plan's cover window."""
    as_of = lines["as_of"].iloc[0].date()
    arrival = lines["arrival_date"].max().date() + timedelta(days=settings.positioning.review_days)
    last = max(arrival, as_of + timedelta(days=settings.positioning.cover_days or 0))
    periods = max(1, -(-(last - as_of).days // settings.grid.days))
    return settings.grid.step(as_of, periods)


def _is_new(lines: pd.DataFrame, recorded: pd.DataFrame) -> bool:
    """Return whether the plan's lines differ from those that were valued."""
    now = lines[lines["is_valued"]].set_index("proposal_id")["received"].to_dict()
    return now != recorded.set_index("proposal_id")["units_received"].to_dict()


def _valued(settings: Settings, lines: pd.DataFrame, window: tuple[date, date], sales: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``realized`` of one plan; lanes and SKUs that its inputs do not have are left out."""
    as_of, end = window
    day, last = pd.Timestamp(as_of), pd.Timestamp(end)
    is_of_plan = (lines["as_of"] == day) & lines["is_valued"]
    is_other = (
        (lines["as_of"] != day) & (lines["shipped"] > 0) & (lines["ship_date"] >= day) & (lines["ship_date"] < last)
    )
    tables = _known_tables(settings, as_of, lines.loc[is_of_plan, "sku"])
    if "inbound" in tables and "proposal_id" in tables["inbound"]:
        is_other &= ~among(lines["proposal_id"], tables["inbound"]["proposal_id"].dropna())
    used = lines[is_of_plan | (is_other & among(lines["sku"], lines.loc[is_of_plan, "sku"]))]
    used = _with_proposed(used, Warehouse(settings).read("transfer", as_of))
    game = _game(settings, tables, window, sales)
    moves, is_known = _moves(used, game, day)
    result = pd.concat([used[is_known].reset_index(drop=True), realized_benefit(game, moves)], axis=1)
    result = result[~moves.is_background].assign(
        units_received=result["received"], realized_benefit_eur=result["realized_eur"],
        by=result["planner"].fillna(result["by"]), end_date=last - pd.Timedelta(days=1),
    )  # fmt: skip
    return result[COLUMNS].astype({"units": "Int64", "units_received": "Int64"})


def _known_tables(settings: Settings, as_of: date, skus: pd.Series) -> dict[str, pd.DataFrame]:
    """Return the inputs as known at the plan's date, for ``skus`` alone."""
    accepted = snapshot.accept(settings, as_of, "rebalance")
    tables = snapshot.read(accepted)
    snapshot.release(accepted.reference)
    return {name: frame[among(frame["sku"], skus)] if "sku" in frame else frame for name, frame in tables.items()}


def _with_proposed(lines: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Return ``lines`` with ``proposed`` units; where a planner kept the proposal, those that shipped."""
    proposed = lines["proposal_id"].map(transfer.set_index("proposal_id")["units"]).astype("Float64")
    is_kept = (lines["status"] != "rejected") & (proposed.isna() | (proposed == lines["units"]).fillna(True))
    return lines.assign(proposed=proposed.fillna(lines["shipped"]).mask(is_kept, lines["shipped"]).astype("int64"))


def _game(settings: Settings, tables: dict[str, pd.DataFrame], window: tuple[date, date], sales: pd.DataFrame) -> Game:
    as_of, end = window
    network = read_network(tables, settings, as_of, (end - as_of).days // settings.grid.days)
    return read_game(network, read_demand(sales, network, 0), open_state(tables, network, settings), (), settings)


def _moves(lines: pd.DataFrame, game: Game, day: pd.Timestamp) -> tuple[Moves, np.ndarray]:
    """Return the shipments of ``lines`` that the game knows, and which of ``lines`` they are, (n,)."""
    network = game.network
    sku, lane = codes(network.skus.index, lines["sku"]), codes(network.lanes.index, lines["lane"])
    is_known = (sku >= 0) & (lane >= 0)
    if not is_known.any():
        raise InputError(f"lanes: no lane of the proposals of {day.date()} is in the table")
    kept = lines[is_known]

    def period(name: str) -> np.ndarray:
        return np.asarray(np.maximum(0, -(-(kept[name] - day).dt.days.to_numpy() // network.period_days)))

    leaves = np.minimum(period("ship_date"), network.periods - 1)
    shipped, received, proposed = (kept[name].to_numpy(dtype=np.int64) for name in ("shipped", "received", "proposed"))
    arrives, is_other = np.maximum(period("arrival_date"), leaves), (kept["as_of"] != day).to_numpy()
    return Moves(
        sku[is_known], lane[is_known], leaves, arrives, shipped, received, proposed, is_other
    ), is_known  # fmt: skip


def realized_report(settings: Settings, group: Group) -> pd.DataFrame:
    """Return sums of ``realized`` by planner, lane, month of the plan, or proposal, the largest benefit first.

    Columns: the group, ``lines``, ``units_received``, ``units_sold``, ``benefit_eur``, ``realized_benefit_eur``, and
    ``overrides`` with ``override_eur``, the lines that a planner changed and what the changes saved.
    """
    rows = Warehouse(settings).read("realized")
    rows = rows.assign(month=rows["as_of"].dt.strftime("%Y-%m"), is_override=rows["override_eur"].notna())
    sums = rows.groupby(_COLUMN[group]).agg(
        lines=("proposal_id", "size"), units_received=("units_received", "sum"), units_sold=("units_sold", "sum"),
        benefit_eur=("benefit_eur", "sum"), realized_benefit_eur=("realized_benefit_eur", "sum"),
        overrides=("is_override", "sum"), override_eur=("override_eur", "sum"),
    )  # fmt: skip
    return sums.sort_values("realized_benefit_eur", ascending=False, kind="stable").reset_index(names=str(group))
