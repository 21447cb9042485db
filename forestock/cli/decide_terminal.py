"""What the planner's commands say: sentences and tables that fit 80 columns.

Not here: deciding (``pipeline.decisions``) or parsing (``forestock.cli.decide``).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from foundation.errors import ConfigurationError, InputError, StageError
from foundation.settings import Settings
from pipeline.decisions import Verb

if TYPE_CHECKING:
    import pandas as pd

    from dispatch.decide import Act
    from dispatch.outbox import Delivery
    from pipeline.decisions import DecisionResult, Plan, Selection

_DONE: dict[Verb, str] = {"approve": "Approved", "reject": "Rejected", "release": "Released"}
_LISTED = 40
_DIFFERENCES = 10


def decide_and_print(settings: Settings, as_of: date | None, verb: Verb, selection: Selection, act: Act) -> None:
    """Decide and print what came of it; without a selection, print the plan's proposals and their state."""
    from pipeline.decisions import decide_proposals, open_plan

    console = Console()
    if selection.is_empty:
        _print_proposals(console, open_plan(settings, as_of))
        return
    if selection.is_by_rule and not settings.decisions.rules:
        raise ConfigurationError("decisions.rules: there are none; docs/decisions-of-planners.md shows some")
    _print_decided(console, settings, verb, decide_proposals(settings, as_of, verb, selection, act))


def release_and_print(
    settings: Settings, as_of: date | None, selection: Selection, act: Act, token: str | None
) -> None:
    """Close what is over, release what is approved, deliver what is released, and print each."""
    from foundation.commands import command
    from pipeline.decisions import decide_proposals, open_plan, proposals_text
    from pipeline.handover import close_expired, deliver_released

    console = Console()
    plan = open_plan(settings, as_of)
    closed = close_expired(settings, plan.as_of, act)
    for status, rows in closed.groupby("status"):
        _say(console, f"{proposals_text(len(rows))} of other plans {status}: {', '.join(sorted(set(rows['reason'])))}.")
    if (plan.proposals["status"] == "approved").any() or selection.ids:
        chosen = selection if selection.ids else _approved(plan)
        _print_decided(console, settings, "release", decide_proposals(settings, plan.as_of, "release", chosen, act))
    else:
        _say(console, f"Nothing of the plan of {plan.as_of} is approved and not yet released.")
    delivery = deliver_released(settings, act, token)
    if delivery is not None:
        _print_delivery(console, settings, delivery)
    elif settings.decisions.outbox.target is None:
        _say(
            console,
            f"No outbox is set (decisions.outbox.target), so nothing was handed over. To write it, run {command(settings, 'export', plan.as_of)} --form csv",
        )


def export_and_print(settings: Settings, as_of: date | None, form: str, output: str | None) -> None:
    """Write or print an export and say what it holds."""
    from foundation.store import files
    from foundation.store.warehouse import Warehouse
    from pipeline.decisions import open_plan
    from pipeline.handover import export_released
    from review.wording import number

    exported = export_released(settings, as_of, form)
    console = Console(stderr=output == "-")
    if output == "-":
        print(exported.text, end="")
    else:
        day = as_of or open_plan(settings, None).as_of
        name = f"{form}-{day}{exported.form.ending}"
        place = output or files.joined(Warehouse(settings).path, "exports", name)
        if files.is_folder(place):
            raise InputError(
                f"--output {place} is a folder; name a file in it, for example {files.joined(place, name)}"
            )
        files.write_text(place, exported.text)
        _say(console, f"{number(exported.n_lines)} lines in {number(exported.n_documents)} documents: {place}")
    if exported.n_left_out:
        _say(console, f"{number(exported.n_left_out)} released lines have no place in {form}; csv and json hold all.")


def score_and_print(settings: Settings, as_of: date | None, seen: date | None) -> None:
    """Print how the plan's proposals compare with what planners did."""
    from pipeline.handover import score_shadow
    from review.wording import Money, number, rate

    result = score_shadow(settings, as_of, seen)
    money = Money(settings.currency)
    console = Console()
    lines = result.lines
    _say(
        console,
        f"Shadow mode: nothing is released. Planners moved {rate(result.followed_rate)} of the proposed units, "
        f"worth {money(lines['followed_eur'].sum())} of {money(lines['benefit_eur'].sum())}, "
        f"and {number(result.own_units)} units nobody proposed.",
    )
    table = _table("Where they differ most")
    for name in ("sku", "from → to"):
        table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=24)
    for name in ("proposed", "moved", "worth"):
        table.add_column(name, justify="right", no_wrap=True)
    apart = (lines["proposed_units"] - lines["moved_units"]).abs()
    for row in lines[apart > 0].assign(apart=apart).nlargest(_DIFFERENCES, "apart").to_dict("records"):
        units = (number(row["proposed_units"]), number(row["moved_units"]))
        table.add_row(row["sku"], f"{row['origin']} → {row['destination']}", *units, money(row["benefit_eur"]))
    if table.row_count:
        console.print(table)


def _approved(plan: Plan) -> Selection:
    from pipeline.decisions import Selection

    approved = plan.proposals.loc[plan.proposals["status"] == "approved", "proposal_id"]
    return Selection(ids=tuple(approved))


def _print_decided(console: Console, settings: Settings, verb: Verb, decided: DecisionResult) -> None:
    from dispatch.worth import as_decided
    from foundation.commands import command
    from foundation.store import files
    from pipeline.decisions import proposals_text
    from pipeline.results import page_of
    from review.wording import Money, number

    money = Money(settings.currency)
    rows, lines = decided.rows, as_decided(decided.lines)
    if len(rows):
        worth = f"worth {money(lines['benefit_eur'].sum())} at a cost of {money(lines['cost_eur'].sum())}"
        _say(
            console,
            f"{_DONE[verb]} {proposals_text(len(rows))} of the plan of {decided.as_of}: "
            f"{number(rows['units'].sum())} units, {worth}.",
        )
        if files.exists(page_of(settings, decided.as_of)):
            _say(
                console,
                f"The review page is out of date; to refresh it, run {command(settings, 'review', decided.as_of)}",
            )
    else:
        _say(console, f"Nothing was changed in the plan of {decided.as_of}.")
    for why, count in decided.skipped["why"].value_counts().items():
        _say(console, f"Left alone: {number(count)} – {why}.")
    left = (
        "what is approved and released on it saves"
        if verb == "release"
        else "what is left on it saves (table exception)"
    )
    for row in decided.losing.to_dict("records"):
        label = f"its loads cost {money(-row['value_eur'])} more than {left}"
        _say(
            console,
            f"Warning: departure {row['departure_id']} {'does not pay' if verb == 'release' else 'no longer pays'}: {label}.",
        )


def _print_delivery(console: Console, settings: Settings, delivery: Delivery) -> None:
    from foundation.store import files
    from pipeline.decisions import proposals_text
    from review.wording import number

    target = files.without_password(settings.decisions.outbox.target or "")
    _say(
        console,
        f"Delivered {proposals_text(delivery.n_lines)} (documents: {number(len(delivery.delivered))}) to {target}.",
    )
    if delivery.refused:
        first, why = next(iter(delivery.refused.items()))
        raise StageError("deliver", f"{len(delivery.refused)} documents were refused, first {first}: {why}")


def _print_proposals(console: Console, plan: Plan) -> None:
    from dispatch.worth import as_decided
    from review.wording import Money, number

    if plan.proposals.empty:
        _say(console, f"The plan of {plan.as_of} has no proposals.")
        return
    proposals = as_decided(plan.proposals).sort_values(
        ["is_outlook", "benefit_eur"], ascending=[True, False], kind="stable"
    )
    table = _table(f"Proposals of the plan of {plan.as_of}")
    table.add_column("id", no_wrap=True)
    table.add_column("sku", overflow="ellipsis", no_wrap=True, max_width=16)
    table.add_column("from → to", overflow="ellipsis", no_wrap=True, max_width=15)
    for name in ("units", "cost", "saves"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    money = Money(plan.settings.currency)
    width = _unambiguous(plan.proposals["proposal_id"])
    for row in proposals.head(_LISTED).to_dict("records"):
        state = "outlook" if row["is_outlook"] and row["status"] == "proposed" else row["status"]
        route = f"{row['origin']} → {row['destination']}"
        figures = (number(row["units"]), money(row["cost_eur"]), money(row["benefit_eur"]))
        table.add_row(row["proposal_id"][:width], row["sku"], route, *figures, state)
    console.print(table)
    if len(proposals) > _LISTED:
        _say(console, f"{number(len(proposals) - _LISTED)} more; the review page has all.")
    _say(console, "Name some by id, by --lane, --origin, --max-cost-eur …, or take --all or --by-rule.")


def _unambiguous(ids: pd.Series) -> int:
    """Return how many signs tell the ids apart, six at least."""
    longest = int(ids.str.len().max()) if len(ids) else 6
    return next((width for width in range(6, longest) if ids.str[:width].is_unique), longest)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
