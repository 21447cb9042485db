"""What is asked of a what-if, checked before anything heavy is imported. Not here: doing it (``flows.what_if_plan``)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from foundation.commands import command
from foundation.configuration import section
from foundation.errors import ConfigurationError, nearest
from foundation.settings import Settings, WhatIf


@dataclass(frozen=True)
class Asked:
    """Which what-ifs of which night: configured ones by name (empty: all), or one of ``changes`` (``key=value``).

    ``as_of`` None is the newest plan of record.
    """

    as_of: date | None = None
    names: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


def wanted(settings: Settings, asked: Asked) -> tuple[WhatIf, ...]:
    """Return the what-ifs that are asked for; raises ``ConfigurationError`` where there is none of that name."""
    if asked.changes:
        name = asked.names[0] if asked.names else "ad-hoc"
        change = section(WhatIf, [f"name={json.dumps(name)}", *asked.changes], "--change")
        try:
            settings.under(change)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        return (change,)
    known = {change.name: change for change in settings.what_if}
    if not known:
        raise ConfigurationError(
            "the configuration names no what_if; give --change, for example --change closed_hubs=[ONT]"
        )
    faults = [f"there is no what-if {name!r}{nearest(name, list(known))}" for name in asked.names if name not in known]
    if faults:
        raise ConfigurationError(*faults)
    return tuple(known[name] for name in asked.names) or settings.what_if


def night_of_record(settings: Settings, as_of: date | None) -> date:
    """Return the night asked for, the newest one planned where None; raises ``ConfigurationError`` without its plan."""
    from foundation.store.warehouse import Warehouse

    dates = Warehouse(settings).dates("plan")
    if not dates or as_of not in (None, *dates):
        known = f"; there are plans of {dates[0]} … {dates[-1]}" if dates else ""
        raise ConfigurationError(
            f"{settings.warehouse} has no plan of {as_of or 'any date'}{known}; run {command(settings, 'run')}"
        )
    return as_of or dates[-1]
