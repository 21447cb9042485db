"""Commands that a person can copy: in messages, and the next steps that end the output of a command.

They have the options that select the same configuration and plan. Not here: the commands (``forestock.cli.main``).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import date

from foundation.settings import Settings

DECIDED_AT = "T07:00"  # after positioning.ready_at, before the cut-offs of a day


def command(settings: Settings, verb: str, as_of: date | None = None, is_dated: bool = False) -> str:
    """Return ``forestock verb`` with the configuration of ``settings``; ``is_dated`` adds the ``--at`` of that morning.

    Settings that no configuration file was read for name ``CONFIG``.
    """
    parts = ["forestock", verb, options(settings)]
    if as_of is not None:
        parts.append(f"--as-of {as_of}")
        if is_dated:
            parts.append(f"--at {as_of}{DECIDED_AT}")
    return " ".join(parts)


def options(settings: Settings) -> str:
    """Return the options that name the configuration of ``settings``, quoted for a shell."""
    return shlex.join(settings.read_from) if settings.read_from else "--config CONFIG"


@dataclass(frozen=True)
class Step:
    """A command that may follow: its purpose, its verb, further options, and whether it names the planning date."""

    purpose: str
    verb: str
    more: str = ""
    is_dated: bool = False


_PLAN = Step("plan", "run")
_LIST = Step("list proposals to decide", "approve", is_dated=True)
_RELEASE = Step("release what is approved", "release", is_dated=True)
_BROWSER = Step("decide in the browser", "serve")
_SHEET = Step("open in a spreadsheet", "export", "--table transfer --format xlsx", is_dated=True)
_FOLLOW_UP = Step("follow up forecasts and plans", "monitor")
_COMPARE = Step("compare recorded runs", "experiment")
_SCORE = Step("score the forecast on past dates", "backtest", "--origins 4")

STEPS: dict[str, tuple[Step, ...]] = {
    "train": (Step("forecast", "forecast", is_dated=True), _SCORE),
    "forecast": (Step("open in a spreadsheet", "export", "--table forecast --format xlsx", is_dated=True), _SCORE, _PLAN),
    "rebalance": (Step("write the review page", "review", is_dated=True), _LIST),
    "run": (_LIST, _RELEASE, _BROWSER, _SHEET),
    "refused": (Step("check the inputs", "validate"), Step("plan again", "rebalance", is_dated=True)),
    "review": (_LIST, _RELEASE, _BROWSER),
    "backfill": (_FOLLOW_UP, _COMPARE),
    "tidy": (_PLAN,),
    "backtest": (_COMPARE, _PLAN),
    "simulate": (_COMPARE, _PLAN),
    "experiment": (_SCORE, _PLAN),
    "monitor": (Step("find the causes", "why"), _PLAN),
    "what-if": (_LIST, Step("renew the plan of record", "run", is_dated=True)),
    "why": (_FOLLOW_UP, _PLAN),
    "explain": (_SCORE, _PLAN),
    "approve": (_RELEASE, _LIST),
    "reject": (_LIST, _RELEASE),
    "release": (Step("write a file of what is released", "export", "--form csv", is_dated=True), _FOLLOW_UP),
    "export": (_FOLLOW_UP,),
    "export-table": (Step("export what is released", "export", "--form csv"), _FOLLOW_UP),
    "fall-back": (_PLAN,),
    "receive": (Step("value executed proposals", "realized"), _FOLLOW_UP),
    "realized": (_FOLLOW_UP,),
}  # fmt: skip


def next_steps(settings: Settings, after: str, as_of: date | None = None) -> dict[str, str]:
    """Return what may follow a command, as purpose and command to paste.

    Parameters
    ----------
    settings : Settings
        The settings of the command.
    after : str
        A key of ``STEPS``.
    as_of : date or None
        The planning date that dated steps name.
    """
    return {
        step.purpose: " ".join(
            filter(None, (command(settings, step.verb, as_of if step.is_dated else None), step.more))
        )
        for step in STEPS[after]
    }
