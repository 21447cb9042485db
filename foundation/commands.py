"""Commands in messages that a person can copy, with the options that select the same configuration and plan.

Not here: the commands (``forestock.cli.main``).
"""

from __future__ import annotations

import shlex
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
