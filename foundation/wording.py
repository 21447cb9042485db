"""How values are written for a reader: money, units, rates, dates and words of tables.

Here: the text of a single value. Not here: which values a page shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_MINUS = "−"
UNKNOWN = "–"
CHANGE_WORDS = {
    "closed_hubs": "closed", "lost_lanes": "lane lost", "demand_factor": "demand ×", "transport_factor": "transport price ×",
    "added_lead_days": "days later", "added_loads": "more loads", "added_storage_l": "more storage (l)",
    "added_inbound_units": "more inbound units", "added_outbound_units": "more outbound units",
}  # fmt: skip
PLACE_FIGURES = {
    "units_in": "units in", "units_out": "units out", "target_units": "units after the plan", "skus_at_risk": "SKUs at risk",
    "expected_demand_units": "expected demand", "demand_units": "demand", "local_units": "served by the nearest hub",
    "spilled_units": "served by another hub", "late_units": "late", "lost_units": "lost",
}  # fmt: skip
_DIFFERENCES = {"more": "larger", "less": "smaller", "same": "unchanged"}


def number(value: float | None, decimals: int = 0) -> str:
    """Return ``-1234.5`` as ``−1,234`` (rounded half to even), and a dash for an unknown value; never ``−0``."""
    if value is None or pd.isna(value):
        return UNKNOWN
    text = f"{abs(value):,.{decimals}f}"
    is_zero = not text.strip("0.,")
    return f"{_MINUS}{text}" if value < 0 and not is_zero else text


def rate(value: float | None, decimals: int = 1) -> str:
    """Return the share 0.123 as ``12.3%``."""
    return UNKNOWN if value is None or pd.isna(value) else f"{number(100 * value, decimals)}%"


def carbon(kilograms: float | None) -> str:
    """Return kilograms of CO2e, in tonnes from ten tonnes on."""
    if kilograms is not None and not pd.isna(kilograms) and abs(kilograms) >= 10_000:
        return f"{number(kilograms / 1000, 1)} t CO₂e"
    return f"{number(kilograms)} kg CO₂e"


def day(value: object) -> str:
    """Return a date as ``Mon, May 23, 2016``."""
    stamp = pd.Timestamp(value)  # type: ignore[arg-type] # any date-like of a frame
    return UNKNOWN if pd.isna(stamp) else f"{stamp:%a, %b} {stamp.day}, {stamp:%Y}"


def moment(value: object, timezone: str = "UTC") -> str:
    """Return a moment on the clock of ``timezone`` (IANA name), as ``Mon, May 23, 2016 16:00 PDT``."""
    stamp = pd.Timestamp(value)  # type: ignore[arg-type] # any moment of a frame
    if pd.isna(stamp):
        return UNKNOWN
    local = (stamp.tz_localize("UTC") if stamp.tz is None else stamp).tz_convert(timezone)
    return f"{day(local)} {local:%H:%M %Z}"


def short_moment(value: pd.Timestamp, timezone: str = "UTC") -> str:
    """Return a moment on the clock of ``timezone`` without weekday and year, as ``May 23, 16:00 PDT``."""
    local = value.tz_convert(timezone)
    return f"{local:%b} {local.day}, {local:%H:%M %Z}"


def figure_name(name: str) -> str:
    """Return how a page writes the name of a figure of a hub or region: ``local_units`` as ``served by the nearest hub``."""
    return PLACE_FIGURES.get(name, name.replace("_", " "))


def difference(word: str) -> str:
    """Return how a page writes a value of the column `difference`: ``more`` as ``larger``, ``same`` as ``unchanged``."""
    return _DIFFERENCES.get(word, word)


@dataclass(frozen=True)
class Money:
    """Writes amounts of one currency.

    Attributes
    ----------
    currency
        ISO 4217 code, for example ``EUR``.
    """

    currency: str

    @property
    def sign(self) -> str:
        """The text before an amount: ``€``, or the code where the currency has no common sign."""
        return _SIGNS.get(self.currency, f"{self.currency} ")

    def __call__(self, amount: float | None, decimals: int = 0) -> str:
        """Return ``-1234.5`` as ``−€1,234``."""
        text = number(amount, decimals)
        if text == UNKNOWN:
            return text
        return f"{_MINUS}{self.sign}{text[1:]}" if text.startswith(_MINUS) else f"{self.sign}{text}"
