"""The planner's commands: ``approve``, ``reject``, ``release``, ``export``.

Here: options, and the one look at the clock a decision needs. Not here: what a command does (``pipeline.decisions``).
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from forestock.cli.terminal import Config, Overrides, as_date
from foundation.errors import InputError

if TYPE_CHECKING:
    from dispatch.decide import Act
    from pipeline.decisions import Selection, Verb


def _as_moment(text: str | datetime) -> datetime:
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a moment; write it as 2016-05-23T07:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Proposals, by id or its beginning.")]
Edits = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID[=UNITS]]...", help="Proposals, by id or its beginning; =UNITS changes the units."),
]
AsOf = Annotated[
    date | None,
    typer.Option("--as-of", parser=as_date, metavar="DATE", help="The plan, e.g. 2016-05-23; default: the newest."),
]
All = Annotated[bool, typer.Option("--all", help="All proposals of the plan.")]
ByRule = Annotated[bool, typer.Option("--by-rule", help="Let the rules of the configuration decide (decisions.rules).")]
Kind = Annotated[list[str] | None, typer.Option("--kind", help="Only this kind: transfer or supply; repeatable.")]
Lane = Annotated[list[str] | None, typer.Option("--lane", help="Only this lane; repeatable.")]
Origin = Annotated[list[str] | None, typer.Option("--origin", help="Only from this place; repeatable.")]
Destination = Annotated[list[str] | None, typer.Option("--destination", help="Only to this hub; repeatable.")]
Sku = Annotated[list[str] | None, typer.Option("--sku", help="Only this sku; repeatable.")]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost-eur", metavar="EUR", help="Only lines that cost at most this.")
]
MinBenefit = Annotated[
    float | None, typer.Option("--min-benefit-eur", metavar="EUR", help="Only lines worth at least this.")
]
MaxBenefit = Annotated[
    float | None, typer.Option("--max-benefit-eur", metavar="EUR", help="Only lines worth at most this.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; kept in the ledger.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; default: the login name.")]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        parser=_as_moment,
        metavar="MOMENT",
        help="When it was decided, e.g. 2016-05-23T07:00 (UTC); default: now.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Where to write; - prints it; default: exports/ in the warehouse."
    ),
]
Seen = Annotated[
    date | None,
    typer.Option(parser=as_date, metavar="DATE", help="Shadow mode: compare with what was under way on this day."),
]


def register(app: typer.Typer) -> None:
    """Add the planner's commands to the person's door."""
    for command in (approve, reject, release, export):
        app.command()(command)


def approve(
    config: Config, ids: Edits = None, as_of: AsOf = None, everything: All = False, by_rule: ByRule = False,
    kind: Kind = None, lane: Lane = None, origin: Origin = None, destination: Destination = None, sku: Sku = None,
    max_cost_eur: MaxCost = None, min_benefit_eur: MinBenefit = None, max_benefit_eur: MaxBenefit = None,
    reason: Reason = None, by: By = None, at: At = None, overrides: Overrides = None,
) -> None:  # fmt: skip
    """Approve proposals, by id, by what they have in common, or by rule; says what is there without any.

    Example:  forestock approve --config demo.yaml --as-of 2016-05-23 3fa94c=48 81d2
    """
    from pipeline.decisions import split_units

    names, units = split_units(ids or [])
    filters = (kind, lane, origin, destination, sku, max_cost_eur, min_benefit_eur, max_benefit_eur)
    selection = _selection(names, units, filters, everything, by_rule)
    _decide("approve", (config, as_of, overrides), selection, (at, by, reason))


def reject(
    config: Config, ids: Ids = None, as_of: AsOf = None, everything: All = False, by_rule: ByRule = False,
    kind: Kind = None, lane: Lane = None, origin: Origin = None, destination: Destination = None, sku: Sku = None,
    max_cost_eur: MaxCost = None, min_benefit_eur: MinBenefit = None, max_benefit_eur: MaxBenefit = None,
    reason: Reason = None, by: By = None, at: At = None, overrides: Overrides = None,
) -> None:  # fmt: skip
    """Reject proposals, with a reason; they stay away for seven days or until their benefit has grown by half.

    Example:  forestock reject --config demo.yaml --as-of 2016-05-23 3fa94c --reason 'promotion cancelled'
    """
    filters = (kind, lane, origin, destination, sku, max_cost_eur, min_benefit_eur, max_benefit_eur)
    selection = _selection(tuple(ids or ()), {}, filters, everything, by_rule)
    _decide("reject", (config, as_of, overrides), selection, (at, by, reason))


def release(
    config: Config, ids: Ids = None, as_of: AsOf = None, by: By = None, at: At = None, seen: Seen = None,
    overrides: Overrides = None,
) -> None:  # fmt: skip
    """Release approved proposals (all, or those named) and deliver them to decisions.outbox.target.

    Run it again after a failed delivery: what was delivered stays delivered. In shadow mode nothing is
    released; the proposals are compared with what planners did.

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
    release_and_print(settings, as_of, selection, _act(at, by, None), token)


def export(
    config: Config,
    form: Annotated[
        str,
        typer.Option(
            "--form", metavar="FORM", help="Name of the form; docs/exports.md lists the forms and their fields."
        ),
    ] = "csv",
    as_of: AsOf = None,
    output: Output = None,
    overrides: Overrides = None,
) -> None:
    """Write the released proposals of a plan in the form of another system.

    Example:  forestock export --config demo.yaml --as-of 2016-05-23 --form x12-940 --output orders.x12
    """
    from forestock.cli.decide_terminal import export_and_print
    from pipeline.configuration import load_settings

    export_and_print(load_settings(config, tuple(overrides or ())), as_of, form, output)


def _decide(verb: Verb, where: tuple, selection: Selection, who: tuple) -> None:
    from forestock.cli.decide_terminal import decide_and_print
    from pipeline.configuration import load_settings

    config, as_of, overrides = where
    decide_and_print(load_settings(config, tuple(overrides or ())), as_of, verb, selection, _act(*who))


def _selection(
    ids: tuple[str, ...], units: dict[str, int], filters: tuple, everything: bool, by_rule: bool
) -> Selection:
    from dispatch.decide import Filter
    from pipeline.decisions import Selection

    kinds, lanes, origins, destinations, skus = (tuple(values or ()) for values in filters[:5])
    max_cost_eur, min_benefit_eur, max_benefit_eur = filters[5:]
    requested = Filter(kinds, lanes, origins, destinations, skus, max_cost_eur, min_benefit_eur, max_benefit_eur)
    ways = [name for name, given in (("ids", ids), ("--all", everything), ("--by-rule", by_rule)) if given]
    if ids and requested != Filter():
        ways.append("conditions such as --kind")
    if len(ways) > 1:
        raise InputError(f"say which proposals in one way: {' and '.join(ways)} contradict each other")
    return Selection(ids, units, requested, everything, by_rule)


def _act(at: datetime | None, by: str | None, reason: str | None) -> Act:
    import pandas as pd

    from dispatch.decide import Act as Made

    moment = at or datetime.now(UTC)
    return Made(pd.Timestamp(moment).tz_convert("UTC").as_unit("us"), by or _login(), reason)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def fall_back(
    config: Config,
    region: Annotated[str, typer.Option(metavar="REGION", help="Where.")],
    segment: Annotated[str, typer.Option(metavar="NAME", help="Which value of the coarsest hierarchy column.")],
    until: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="First night that uses the model again.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept beside it.")] = None,
    overrides: Overrides = None,
) -> None:
    """Forecast a region's segment by the seasonal-naive baseline until a date; --until a past night ends it.

    Example:  forestock fall-back --config demo.yaml --region CA_1 --segment FOODS --until 2016-06-06
    """
    import getpass

    import pandas as pd

    from dispatch.decide import Act
    from pipeline.configuration import load_settings
    from pipeline.fallback import record_fallback

    moment = pd.Timestamp(datetime.now(UTC)).as_unit("us")
    settings = load_settings(config, tuple(overrides or ()))
    record_fallback(settings, (region, segment), until, Act(moment, getpass.getuser(), reason))
    print(f"{region} {segment}: the baseline forecasts nights before {until}; plan again: forestock run")
