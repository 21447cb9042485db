"""Commands of planners: ``approve``, ``reject``, ``withdraw``, ``release``, ``export``, ``fall-back``.

Here: options, and reading the clock once for a decision. Not here: the use cases (``pipeline.decisions``,
``pipeline.handover``), printing (``forestock.cli.decide_terminal``).
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forestock.cli.terminal import Config, Overrides, as_date, print_steps_after
from foundation.errors import InputError

if TYPE_CHECKING:
    from dispatch.decide import Signature
    from pipeline.decisions import Selection, Verb


def _as_time(text: str | datetime) -> datetime:
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date and time; write it as 2016-05-23T07:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Proposal ids or their first characters.")]
Edits = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID[=UNITS]]...", help="Proposal ids or their first characters; =UNITS changes the units."),
]
AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of", parser=as_date, metavar="DATE", help="Date of the plan, e.g. 2016-05-23; default: the newest plan."
    ),
]
All = Annotated[bool, typer.Option("--all", help="All proposals of the plan.")]
ByRule = Annotated[bool, typer.Option("--by-rule", help="Apply the rules of the configuration (decisions.rules).")]
Kind = Annotated[list[str] | None, typer.Option("--kind", help="Only this kind, transfer or supply; repeatable.")]
Lane = Annotated[list[str] | None, typer.Option("--lane", help="Only this lane; repeatable.")]
Origin = Annotated[list[str] | None, typer.Option("--origin", help="Only from this hub or supplier; repeatable.")]
Destination = Annotated[list[str] | None, typer.Option("--destination", help="Only to this hub; repeatable.")]
Sku = Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; repeatable.")]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost-eur", metavar="EUR", help="Only proposals that cost at most this.")
]
MinBenefit = Annotated[
    float | None, typer.Option("--min-benefit-eur", metavar="EUR", help="Only proposals that save at least this.")
]
MaxBenefit = Annotated[
    float | None, typer.Option("--max-benefit-eur", metavar="EUR", help="Only proposals that save at most this.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Reason; recorded in the ledger.")]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Name of the person who decides; default: the login name.")
]
DecisionTime = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        parser=_as_time,
        metavar="TIME",
        help="Time of the decision, e.g. 2016-05-23T07:00 (UTC); default: now.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "--out",
        "-o",
        metavar="FILE",
        help="Output file; - prints to standard output; default: a file in exports/ of the warehouse.",
    ),
]
Seen = Annotated[
    date | None,
    typer.Option(parser=as_date, metavar="DATE", help="Shadow mode: compare with the order lines known on this date."),
]


def approve(
    config: Config, ids: Edits = None, as_of: AsOf = None, everything: All = False, by_rule: ByRule = False,
    kind: Kind = None, lane: Lane = None, origin: Origin = None, destination: Destination = None, sku: Sku = None,
    max_cost_eur: MaxCost = None, min_benefit_eur: MinBenefit = None, max_benefit_eur: MaxBenefit = None,
    reason: Reason = None, by: By = None, decided_at: DecisionTime = None, overrides: Overrides = None,
) -> None:  # fmt: skip
    """Approve proposals by id, by conditions, or by rule. Without a selection, list the proposals.

    Example:  forestock approve --config demo.yaml --as-of 2016-05-23 3fa94c=48 81d2
    """
    from pipeline.decisions import split_units

    names, units = split_units(ids or [])
    filters = (kind, lane, origin, destination, sku, max_cost_eur, min_benefit_eur, max_benefit_eur)
    selection = _selection(names, units, filters, everything, by_rule)
    _decide("approve", (config, as_of, overrides), selection, (decided_at, by, reason))


def reject(
    config: Config, ids: Ids = None, as_of: AsOf = None, everything: All = False, by_rule: ByRule = False,
    kind: Kind = None, lane: Lane = None, origin: Origin = None, destination: Destination = None, sku: Sku = None,
    max_cost_eur: MaxCost = None, min_benefit_eur: MinBenefit = None, max_benefit_eur: MaxBenefit = None,
    reason: Reason = None, by: By = None, decided_at: DecisionTime = None, overrides: Overrides = None,
) -> None:  # fmt: skip
    """Reject proposals with a reason. They return after seven days, or once their benefit has grown by half.

    Example:  forestock reject --config demo.yaml --as-of 2016-05-23 3fa94c --reason 'promotion canceled'
    """
    filters = (kind, lane, origin, destination, sku, max_cost_eur, min_benefit_eur, max_benefit_eur)
    selection = _selection(tuple(ids or ()), {}, filters, everything, by_rule)
    _decide("reject", (config, as_of, overrides), selection, (decided_at, by, reason))


def withdraw(
    config: Config, ids: Ids = None, as_of: AsOf = None, everything: All = False,
    kind: Kind = None, lane: Lane = None, origin: Origin = None, destination: Destination = None, sku: Sku = None,
    reason: Reason = None, by: By = None, decided_at: DecisionTime = None, overrides: Overrides = None,
) -> None:  # fmt: skip
    """Withdraw approvals and rejections until the release: the proposals are undecided again, with the proposed units.

    Example:  forestock withdraw --config demo.yaml --as-of 2016-05-23 3fa94c
    """
    selection = _selection(
        tuple(ids or ()), {}, (kind, lane, origin, destination, sku, None, None, None), everything, False
    )
    _decide("withdraw", (config, as_of, overrides), selection, (decided_at, by, reason))


def release(
    config: Config, ids: Ids = None, as_of: AsOf = None, by: By = None, decided_at: DecisionTime = None, seen: Seen = None,
    overrides: Overrides = None,
) -> None:  # fmt: skip
    """Release approved proposals (all, or those given) and deliver them to decisions.outbox.target.

    After a failed delivery, run it again; no document is delivered twice.

    In shadow mode, proposals are compared with what planners shipped and are never released.

    Example:  forestock release --config demo.yaml --as-of 2016-05-23
    """
    from forestock.cli.decide_terminal import release_and_print, score_and_print
    from pipeline.configuration import load_settings

    settings = load_settings(config, tuple(overrides or ()))
    if settings.decisions.mode == "shadow":
        score_and_print(settings, as_of, seen)
        return
    selection = _selection(tuple(ids or ()), {}, (None,) * 8, not ids, False)
    token = os.environ.get(settings.decisions.outbox.token_variable)
    release_and_print(settings, as_of, selection, signature_of(decided_at, by, None), token)


def export(
    config: Config,
    form: Annotated[
        str | None,
        typer.Option(
            "--form",
            metavar="FORM",
            help="Export form of proposals, by default csv; docs/exports.md lists the forms and their fields.",
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="TABLE", help="Any output table (docs/tables.md) instead of proposals."),
    ] = None,
    file_format: Annotated[
        Literal["csv", "xlsx", "parquet"] | None,
        typer.Option("--format", help="Format of --table, by default csv."),
    ] = None,
    as_of: AsOf = None,
    output: Output = None,
    overrides: Overrides = None,
) -> None:
    """Export the released proposals of a plan in the format of another system, or any output table.

    Example:  forestock export --config demo.yaml --as-of 2016-05-23 --form x12-940 --output orders.x12
    """
    from forestock.cli.decide_terminal import export_and_print, export_table_and_print
    from pipeline.configuration import load_settings

    if table is None and file_format is not None:
        raise typer.BadParameter("--format belongs to --table; proposals are exported by --form")
    if table is not None and form is not None:
        raise typer.BadParameter("use --form for proposals or --table for an output table, not both")
    settings = load_settings(config, tuple(overrides or ()))
    if table is None:
        export_and_print(settings, as_of, form or "csv", output)
    else:
        export_table_and_print(settings, as_of, (table, file_format or "csv"), output)


def _decide(verb: Verb, where: tuple, selection: Selection, who: tuple) -> None:
    from forestock.cli.decide_terminal import decide_and_print
    from pipeline.configuration import load_settings

    config, as_of, overrides = where
    decide_and_print(load_settings(config, tuple(overrides or ())), as_of, verb, selection, signature_of(*who))


def _selection(
    ids: tuple[str, ...], units: dict[str, int], filters: tuple, everything: bool, by_rule: bool
) -> Selection:
    from dispatch.selection import Filter
    from pipeline.decisions import Selection

    kinds, lanes, origins, destinations, skus = (tuple(values or ()) for values in filters[:5])
    max_cost_eur, min_benefit_eur, max_benefit_eur = filters[5:]
    requested = Filter(kinds, lanes, origins, destinations, skus, max_cost_eur, min_benefit_eur, max_benefit_eur)
    selections = [name for name, given in (("ids", ids), ("--all", everything), ("--by-rule", by_rule)) if given]
    if ids and requested != Filter():
        selections.append("conditions such as --kind")
    if len(selections) > 1:
        raise InputError(f"select proposals in one way only: {' and '.join(selections)} contradict each other")
    return Selection(ids, units, requested, everything, by_rule)


def signature_of(decided_at: datetime | None, by: str | None, reason: str | None) -> Signature:
    """Return who decides, when, and why; the time defaults to now, the name to the login name."""
    import pandas as pd

    from dispatch.decide import Signature as Decision

    moment = decided_at or datetime.now(UTC)
    return Decision(pd.Timestamp(moment).tz_convert("UTC").as_unit("us"), by or _login(), reason)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def fall_back(
    config: Config,
    region: Annotated[str, typer.Option(metavar="REGION", help="The region.")],
    segment: Annotated[str, typer.Option(metavar="NAME", help="A value of the coarsest hierarchy column.")],
    until: Annotated[
        date, typer.Option(parser=as_date, metavar="DATE", help="First planning date that uses the model again.")
    ],
    reason: Annotated[str | None, typer.Option("--reason", help="Reason; recorded.")] = None,
    overrides: Overrides = None,
) -> None:
    """Let the seasonal-naive baseline forecast a region's segment until a date; a past date ends it.

    Example:  forestock fall-back --config demo.yaml --region CA_1 --segment FOODS --until 2016-06-06
    """
    import getpass

    import pandas as pd

    from dispatch.decide import Signature
    from pipeline.configuration import load_settings
    from pipeline.fallback import record_fallback

    moment = pd.Timestamp(datetime.now(UTC)).as_unit("us")
    settings = load_settings(config, tuple(overrides or ()))
    record_fallback(settings, (region, segment), until, Signature(moment, getpass.getuser(), reason))
    print(f"{region} {segment}: the baseline forecasts dates before {until}.")
    print_steps_after(settings, "fall-back")


COMMANDS = {
    "approve": approve, "reject": reject, "withdraw": withdraw, "release": release, "export": export, "fall-back": fall_back,
}  # fmt: skip
