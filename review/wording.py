"""How figures are written for a person: money, units, rates, dates.

Here: text of single values. Not here: what is shown, or where.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_MINUS = "−"
NOTHING = "–"


def number(value: float | None, decimals: int = 0) -> str:
    """Return ``-1234.5`` as ``−1,234`` (rounded half to even); a dash for nothing known, never ``−0``."""
    if value is None or pd.isna(value):
        return NOTHING
    text = f"{abs(value):,.{decimals}f}"
    is_zero = not text.strip("0.,")
    return f"{_MINUS}{text}" if value < 0 and not is_zero else text


def rate(value: float | None, decimals: int = 1) -> str:
    """Return the share 0.123 as ``12.3 %``, with a space that does not break."""
    return NOTHING if value is None or pd.isna(value) else f"{number(100 * value, decimals)}\N{NO-BREAK SPACE}%"


def carbon(kilograms: float | None) -> str:
    """Return kilograms of CO2e, in tonnes from ten tonnes on."""
    if kilograms is not None and not pd.isna(kilograms) and abs(kilograms) >= 10_000:
        return f"{number(kilograms / 1000, 1)} t CO₂e"
    return f"{number(kilograms)} kg CO₂e"


def day(value: object) -> str:
    """Return a date as ``Mon 23 May 2016``."""
    stamp = pd.Timestamp(value)  # type: ignore[arg-type] # any date-like of a frame
    return NOTHING if pd.isna(stamp) else f"{stamp:%a} {stamp.day} {stamp:%b %Y}"


def moment(value: object, timezone: str = "UTC") -> str:
    """Return a moment on the clock of ``timezone`` (IANA name), as ``Mon 23 May 2016 16:00 PDT``."""
    stamp = pd.Timestamp(value)  # type: ignore[arg-type] # any moment of a frame
    if pd.isna(stamp):
        return NOTHING
    local = (stamp.tz_localize("UTC") if stamp.tz is None else stamp).tz_convert(timezone)
    return f"{day(local)} {local:%H:%M %Z}"


@dataclass(frozen=True)
class Money:
    """Writes amounts of one currency, named by its ISO code."""

    currency: str

    @property
    def sign(self) -> str:
        """What stands before an amount: ``€``, or the code where there is no common sign."""
        return _SIGNS.get(self.currency, f"{self.currency} ")

    def __call__(self, amount: float | None, decimals: int = 0) -> str:
        """Return ``-1234.5`` as ``−€1,234``."""
        text = number(amount, decimals)
        if text == NOTHING:
            return text
        return f"{_MINUS}{self.sign}{text[1:]}" if text.startswith(_MINUS) else f"{self.sign}{text}"
