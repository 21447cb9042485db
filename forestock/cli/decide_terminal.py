"""Output of the planners' commands: sentences and tables that fit 80 columns.

Not here: deciding (``pipeline.decisions``) or parsing (``forestock.cli.decide``).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from forestock.cli.terminal import in_this_folder, print_steps_after
from foundation.errors import ConfigurationError, InputError, StageError
from foundation.settings import Settings
from pipeline.decisions import Verb

if TYPE_CHECKING:
    import pandas as pd

    from dispatch.decide import Signature
    from dispatch.outbox import Delivery
    from pipeline.decisions import DecisionResult, Plan, Selection

_DONE: dict[Verb, str] = {
    "approve": "Approved",
    "reject": "Rejected",
    "withdraw": "Withdrew the decisions on",
    "release": "Released",
}
_LISTED = 40
_DIFFERENCES = 10


def decide_and_print(
    settings: Settings, as_of: date | None, verb: Verb, selection: Selection, signature: Signature
) -> None:
    """Decide and print the outcome; without a selection, print the plan's proposals and their status."""
    from pipeline.decisions import decide_proposals, open_plan

    console = Console()
    if selection.is_empty:
        plan = open_plan(settings, as_of)
        _print_proposals(console, plan)
        print_steps_after(settings, "approve", plan.as_of, console)
        return
    if selection.is_by_rule and not settings.decisions.rules:
        raise ConfigurationError("decisions.rules: no rules are configured; docs/decisions-of-planners.md has examples")
    done = decide_proposals(settings, as_of, verb, selection, signature)
    _print_decisions(console, settings, verb, done)
    print_steps_after(settings, verb, done.as_of, console)


def release_and_print(
    settings: Settings, as_of: date | None, selection: Selection, signature: Signature, token: str | None
) -> None:
    """Close expired proposals, release the approved ones, deliver the released ones, and print each outcome."""
    from foundation.commands import command
    from pipeline.decisions import decide_proposals, open_plan, proposals_text
    from pipeline.handover import close_expired, deliver_released

    console = Console()
    plan = open_plan(settings, as_of)
    closed = close_expired(settings, plan.as_of, signature)
    for status, rows in closed.groupby("status"):
        _print_line(
            console, f"{proposals_text(len(rows))} of other plans {status}: {', '.join(sorted(set(rows['reason'])))}."
        )
    if (plan.proposals["status"] == "approved").any() or selection.ids:
        chosen = selection if selection.ids else _approved(plan)
        _print_decisions(
            console, settings, "release", decide_proposals(settings, plan.as_of, "release", chosen, signature)
        )
    else:
        _print_line(console, f"The plan of {plan.as_of} has no approved proposals to release.")
    delivery = deliver_released(settings, signature, token)
    if delivery is not None:
        _print_delivery(console, settings, delivery)
    elif settings.decisions.outbox.target is None:
        _print_line(
            console,
            f"No outbox is configured (decisions.outbox.target), so no document was delivered. To write a file instead, run {command(settings, 'export', plan.as_of)} --form csv",
        )
    print_steps_after(settings, "release", plan.as_of, console)


def export_table_and_print(
    settings: Settings, as_of: date | None, table_and_format: tuple[str, str], output: str | None
) -> None:
    """Write or print an output table and its number of rows."""
    import sys

    from foundation.store.table_exports import export_table
    from foundation.wording import number

    table, file_format = table_and_format
    if output == "-" and file_format != "csv":
        raise InputError(f"--output - prints text, and {file_format} is not text; name a file or use --format csv")
    exported = export_table(settings, table, file_format, as_of, output)
    if output == "-":
        sys.stdout.write(exported.content.decode())
    else:
        day = f" of {exported.as_of}" if exported.as_of else ""
        _print_line(Console(), f"{number(exported.n_rows)} rows of {table}{day}: {exported.path}")
        print_steps_after(settings, "export-table")


def export_and_print(settings: Settings, as_of: date | None, form: str, output: str | None) -> None:
    """Write or print an export and its counts."""
    from foundation.store import files
    from foundation.store.warehouse import Warehouse
    from foundation.wording import number
    from pipeline.decisions import open_plan
    from pipeline.handover import export_released

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
        _print_line(console, f"{number(exported.n_lines)} lines in {number(exported.n_documents)} documents: {place}")
    if exported.n_left_out:
        _print_line(
            console, f"Form {form} cannot hold {number(exported.n_left_out)} released lines; csv and json hold all."
        )
    if output != "-":
        print_steps_after(settings, "export", console=console)


def score_and_print(settings: Settings, as_of: date | None, seen: date | None) -> None:
    """Print how the plan's proposals compare with what planners shipped."""
    from foundation.wording import Money, number, rate
    from pipeline.handover import score_shadow

    result = score_shadow(settings, as_of, seen)
    money = Money(settings.currency)
    console = Console()
    lines = result.lines
    _print_line(
        console,
        f"Shadow mode: no proposal is released. Planners shipped {rate(result.followed_rate)} of the proposed units, "
        f"worth {money(lines['followed_eur'].sum())} of {money(lines['benefit_eur'].sum())}, "
        f"and {number(result.unproposed_units)} units that were not proposed.",
    )
    table = _table("Largest differences")
    for name in ("sku", "from → to"):
        table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=24)
    for name in ("proposed", "shipped", "saves"):
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


def _print_decisions(console: Console, settings: Settings, verb: Verb, decided: DecisionResult) -> None:
    from dispatch.worth import as_decided
    from foundation.commands import command
    from foundation.store import files
    from foundation.wording import Money, number
    from pipeline.decisions import proposals_text
    from pipeline.results import page_of

    money = Money(settings.currency)
    rows, lines = decided.rows, as_decided(decided.lines)
    if len(rows):
        worth = f"worth {money(lines['benefit_eur'].sum())} at a cost of {money(lines['cost_eur'].sum())}"
        _print_line(
            console,
            f"{_DONE[verb]} {proposals_text(len(rows))} of the plan of {decided.as_of}: "
            f"{number(rows['units'].sum())} units, {worth}.",
        )
        if files.exists(page_of(settings, decided.as_of)):
            _print_line(
                console,
                f"The review page is out of date. To refresh it, run {command(settings, 'review', decided.as_of)}",
            )
    else:
        _print_line(console, f"The plan of {decided.as_of} did not change.")
    for why, count in decided.skipped["why"].value_counts().items():
        _print_line(console, f"Skipped: {number(count)} ({why}).")
    left = (
        "the approved and released lines on it save"
        if verb == "release"
        else "the remaining lines on it save (table exception)"
    )
    for row in decided.losing.to_dict("records"):
        label = f"its loads cost {money(-row['value_eur'])} more than {left}"
        _print_line(
            console,
            f"Warning: departure {row['departure_id']} {'does not pay' if verb == 'release' else 'no longer pays'}: {label}.",
        )


def _print_delivery(console: Console, settings: Settings, delivery: Delivery) -> None:
    from foundation.store import files
    from foundation.wording import number
    from pipeline.decisions import proposals_text

    target = files.without_password(settings.decisions.outbox.target or "")
    _print_line(
        console,
        f"Delivered {proposals_text(delivery.n_lines)} (documents: {number(len(delivery.delivered))}) to {target}.",
    )
    if delivery.refused:
        first, why = next(iter(delivery.refused.items()))
        raise StageError(
            "deliver", f"the receiver refused {len(delivery.refused)} documents; the first is {first}: {why}"
        )


def _print_proposals(console: Console, plan: Plan) -> None:
    from dispatch.worth import as_decided
    from foundation.wording import Money, number

    if plan.proposals.empty:
        _print_line(console, f"The plan of {plan.as_of} has no proposals.")
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
    table.add_column("status", no_wrap=True)
    money = Money(plan.settings.currency)
    width = _unambiguous(plan.proposals["proposal_id"])
    for row in proposals.head(_LISTED).to_dict("records"):
        state = "outlook" if row["is_outlook"] and row["status"] == "proposed" else row["status"]
        route = f"{row['origin']} → {row['destination']}"
        figures = (number(row["units"]), money(row["cost_eur"]), money(row["benefit_eur"]))
        table.add_row(row["proposal_id"][:width], row["sku"], route, *figures, state)
    console.print(table)
    if len(proposals) > _LISTED:
        _print_line(console, f"{number(len(proposals) - _LISTED)} more are on the review page.")
    _print_line(
        console, "Select proposals by id, by conditions such as --lane or --max-cost-eur, or with --all or --by-rule."
    )


def report_table(report: pd.DataFrame, currency: str, group: str) -> Table:
    """Return the table of realized benefit by ``group``."""
    from foundation.wording import Money, number

    money = Money(currency)
    table = _table("Realized benefit")
    table.add_column(group, overflow="ellipsis", no_wrap=True, max_width=16)
    for name in ("lines", "units", "sold", "planned", "realized", "changed", "worth"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report.to_dict("records"):
        counts = (number(row[name]) for name in ("lines", "units_received", "units_sold"))
        eur = (money(row[name]) for name in ("benefit_eur", "realized_benefit_eur"))
        table.add_row(str(row[group]), *counts, *eur, number(row["overrides"]), money(row["override_eur"]))  # fmt: skip
    return table


def _unambiguous(ids: pd.Series) -> int:
    """Return the number of first characters, at least six, that tell the ids apart."""
    longest = int(ids.str.len().max()) if len(ids) else 6
    return next((width for width in range(6, longest) if ids.str[:width].is_unique), longest)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def _print_line(console: Console, text: str) -> None:
    console.print(in_this_folder(text), markup=False, highlight=False, soft_wrap=True)
