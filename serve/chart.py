"""Charts as values for ``static/charts.js``: series over time with bands and marked days.

Not here: the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Line:
    """A series of a chart.

    Attributes
    ----------
    name
        Name in the legend.
    values
        One number per day of the chart; NaN where there is none.
    color
        Name of a color of the style sheet, without dashes.
    width
        Width in pixels; 0 for the bounds of a band.
    is_dashed, is_stepped
        Appearance of the line.
    band_to
        Index of the series up to which the area is filled; None without a band.
    """

    name: str
    values: Iterable[float]
    color: str = "accent"
    width: float = 2.0
    is_dashed: bool = False
    is_stepped: bool = False
    band_to: int | None = None


@dataclass(frozen=True)
class Mark:
    """A day that a chart marks with a text, for example an arrival."""

    day: pd.Timestamp
    text: str
    color: str = "quiet"


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes
    ----------
    title
        What it shows, also for readers who cannot see it.
    days
        Days on the horizontal axis.
    lines
        Its series.
    marks
        Marked days.
    unit
        Text before each value, for example a currency.
    is_rate
        Whether the values are shares, written in percent.
    """

    title: str
    days: Sequence[pd.Timestamp]
    lines: Sequence[Line]
    marks: Sequence[Mark] = field(default_factory=tuple)
    unit: str = ""
    is_rate: bool = False

    def content(self) -> dict[str, Any]:
        """Return the chart as values for JSON; days are seconds since 1970."""
        return {
            "title": self.title, "unit": self.unit, "is_rate": self.is_rate, "x": seconds(self.days),
            "lines": [asdict(line) | {"values": numbers(line.values)} for line in self.lines],
            "marks": [{"x": seconds([mark.day])[0], "text": mark.text, "color": mark.color} for mark in self.marks],
        }  # fmt: skip

    def rows(self) -> list[list[Any]]:
        """Return the chart as a table: the day, then the value of each series that has a name."""
        shown = [numbers(line.values) for line in self.lines if line.name]
        return [[day.date().isoformat(), *values] for day, *values in zip(self.days, *shown, strict=True)]


def seconds(days: Iterable[pd.Timestamp]) -> list[int]:
    """Return days as seconds since 1970."""
    return [int(pd.Timestamp(day).timestamp()) for day in days]


def numbers(values: Iterable[float]) -> list[float | None]:
    """Return numbers for JSON, rounded; None where there is none."""
    return [
        None if not np.isfinite(value) else round(float(value), 4)
        for value in np.asarray(list(values), dtype="float64")
    ]
