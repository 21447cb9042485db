"""Settings that matter for money and that a configuration leaves at their default.

Not here: defaults taken for silent inputs (``assumptions``).
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.settings import Settings
from foundation.wording import Money, rate


@dataclass(frozen=True)
class MoneyDefault:
    """One setting at its default.

    Attributes
    ----------
    key : str
        Dotted key of the setting.
    value : str
        Its default, as a page shows it.
    effect : str
        What the default means for a plan.
    """

    key: str
    value: str
    effect: str


def money_defaults(settings: Settings) -> tuple[MoneyDefault, ...]:
    """Return the settings of positioning that a configuration does not set and that change what a plan costs."""
    given, money = settings.positioning, Money(settings.currency)
    all_defaults = (
        ("handling_eur_per_unit", money(given.handling_eur_per_unit, 2), "picking and putting away a transferred unit costs nothing"),
        ("carbon_eur_per_t", money(given.carbon_eur_per_t), "emissions cost nothing and do not change the plan"),
        ("churn_eur_per_unit", money(given.churn_eur_per_unit, 2), "a penalty per moved unit that keeps plans stable; it is not a cash cost"),
        ("terminal_value_rate", rate(given.terminal_value_rate, 0), "a unit that is left at the end of the window is worth this share of its cost"),
        ("min_benefit_eur", money(given.min_benefit_eur, 2), "lines that save less are not proposed"),
    )  # fmt: skip
    return tuple(
        MoneyDefault(f"positioning.{name}", value, effect)
        for name, value, effect in all_defaults
        if name not in given.model_fields_set
    )
