"""Rows of output tables with a neutral value in every required column, so that a new column changes no other test."""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.tables import OUTPUTS, Kind

_NEUTRAL: dict[Kind, object] = {Kind.TEXT: "x", Kind.NUMBER: 0.0, Kind.WHOLE: 0, Kind.FLAG: False}


def neutral_row(table: str, day: date, **values: object) -> dict[str, object]:
    """Return one row of ``table``: ``values``, and in the other required columns 0, ``x``, false, or ``day``."""
    moment = pd.Timestamp(day)
    neutral = _NEUTRAL | {Kind.DATE: moment, Kind.TIMESTAMP: moment.tz_localize("UTC")}
    definition = OUTPUTS[table]
    return {name: neutral[definition[name].kind] for name in definition.required} | values
