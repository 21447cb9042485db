"""The text of a new configuration: commented keys, the ones that must be decided marked, and the mapping where files were recognized."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import yaml


@dataclass(frozen=True)
class Choices:
    """What a new configuration says beyond its defaults.

    Attributes
    ----------
    name : str
        Name of the pipeline.
    frequency : str
        Length of a period, ``D`` or ``W-MON`` to ``W-SUN``.
    currency : str
        Currency of money columns.
    hierarchy : tuple of str
        Columns of ``skus`` that group SKUs, finest first.
    closed_days : tuple of str
        Days without sales.
    mapping : str
        Lines of ``inputs.tables``, indented; empty for none.
    hubs, regions : tuple of str
        Ids whose places ``forestock network`` needs.
    questions : tuple of str
        Questions about the files that only a person can answer.
    decided : frozenset of str
        Keys whose value was read from files and is therefore no open decision.
    """

    name: str
    frequency: str = "D"
    currency: str = "EUR"
    hierarchy: tuple[str, ...] = ()
    closed_days: tuple[str, ...] = ()
    mapping: str = ""
    hubs: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    decided: frozenset[str] = field(default_factory=frozenset)


def configuration_text(choices: Choices) -> str:
    """Return the text of ``forestock.yaml``."""
    is_weekly = choices.frequency != "D"
    horizon = "8" if is_weekly else "28"
    lines = [
        "# Configuration of a Forestock project. Relative paths start at the folder of this file.",
        "# Lines marked DECIDE need your decision; the other values are defaults that suit most.",
        "# docs/settings.md describes every key.",
        "",
        f"name: {choices.name}",
        *_decision(choices, "frequency", "length of a period: D for days, W-MON for weeks that start on Mondays, …"),
        f"frequency: {choices.frequency}",
        f"horizon: {horizon}  # periods to forecast",
        *_decision(choices, "currency", "currency of all money columns"),
        f"currency: {choices.currency}",
        "",
        "inputs:",
        "  path: data  # folder of tables in Forestock's form, for example data/sales.csv; data/README.md has their columns",
        *_questions(choices),
        *choices.mapping.splitlines(),
        "",
        "warehouse: warehouse  # folder of the results",
        "",
        "series:",
        *_decision(
            choices, "hierarchy", "columns of skus that group SKUs, finest first, e.g. [category, department]", 2
        ),
        f"  hierarchy: {flow(choices.hierarchy)}",
        *_decision(
            choices, "closed_days", "days without sales in every region: weekdays (Sun), month-days (12-25), dates", 2
        ),
        f"  closed_days: {flow(choices.closed_days)}",
        "  country_holidays: []  # DECIDE: countries whose public holidays change demand, e.g. [DE, AT]",
        "",
    ]
    if is_weekly:
        lines += ["forecast:", "  window_days: [7, 14, 28]  # sums to forecast", ""]
    return "\n".join([*lines, *_network(choices)])


def _decision(choices: Choices, key: str, text: str, indent: int = 0) -> list[str]:
    mark = "read from your files:" if key in choices.decided else "DECIDE:"
    return [f"{' ' * indent}# {mark} {text}"]


def _questions(choices: Choices) -> list[str]:
    """Return the open questions as comments of the section."""
    return [
        f"  # {'DECIDE: ' if number == 0 else '  '}{line}"
        for question in choices.questions
        for number, line in enumerate(textwrap.wrap(question, 105))
    ]


def _network(choices: Choices) -> Sequence[str]:
    """Return the section of the network: places to fill in, and a tariff."""
    lines = [
        "network:  # forestock network builds hubs, regions, and lanes from it",
        '  # DECIDE: where each place is: "52.52, 13.40" (latitude, longitude), DE 10115, or DE',
        *_places("hubs", choices.hubs, ("H1", "H2")),
        *_places("regions", choices.regions, ("north", "south")),
        "  # DECIDE: your tariff; without it, the defaults of docs/settings.md are assumed",
        "  delivery:  # from a hub to customers",
        "    eur_per_unit: 1.0",
        "    eur_per_unit_km: 0.002",
        "  transfer:  # between hubs",
        "    eur_per_unit: 0.1",
        "    eur_per_unit_km: 0.0005",
        "  supply:",
        "    lead_time_days: 14",
    ]
    return [*lines, ""]


def _places(name: str, ids: tuple[str, ...], examples: tuple[str, ...]) -> list[str]:
    lines = [f"    # {scalar(place)}: DE 10115" for place in (ids or examples)]
    return [f"  {name}:" if not lines else f"  # {name}:", *lines]


def scalar(value: str) -> str:
    """Return a text as YAML in one line, in quotes where it needs them."""
    text = yaml.safe_dump(value, allow_unicode=True, width=10_000, default_flow_style=True).strip()
    text = text.removesuffix("...").strip()
    needs_quotes = text == value and (
        value[:1] in "-?:,[]{}#&*!|>'\"%@`" or ": " in value or " #" in value or any(sign in value for sign in ",[]{}")
    )
    return f'"{value}"' if needs_quotes and '"' not in value else text


def flow(values: Sequence[str]) -> str:
    """Return texts as a YAML list in one line."""
    return f"[{', '.join(scalar(value) for value in values)}]"
