"""Assumptions: one entry for each default that affects a plan because the input contains no value.

Here: the entries, their order, and the output table ``assumption``. Not here: their detection
(``foundation.validation.assumptions`` for inputs, ``positioning`` for plans).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from foundation.periods import as_timestamp
from foundation.tables import OUTPUTS


@dataclass(frozen=True)
class Assumption:
    """One default that was taken because a table or column does not say otherwise.

    Attributes
    ----------
    key : str
        Identity of the assumption, unique within a run, for example ``lane_cost``.
    table : str
        Name of the input table that is silent.
    column : str
        Its column; empty where the whole table is not provided.
    rows : int
        Number of rows the default stands in for; 0 where the whole table is not provided.
    assumed : str
        What the run takes instead, as a clause: ``"transport counts as free"``.
    effect : str
        What depends on it, as a clause.
    eur : float or None
        Money that depends on it, in the configured currency; None if it is not known.
    units : float or None
        Units sold in the last four weeks that depend on it; None if it is not known. The output table does not have it.
    """

    key: str
    table: str
    column: str
    rows: int
    assumed: str
    effect: str
    eur: float | None = None
    units: float | None = None

    def __str__(self) -> str:
        """Return the assumption as one line: where, how many rows, what is assumed, what depends on it."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        rows = f" ({self.rows:,} {'row' if self.rows == 1 else 'rows'})" if self.rows else ""
        return f"{where}{rows}: {self.assumed}; {self.effect}"


def collected(*groups: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return all assumptions, most money first, one per key; a later group replaces the keys of an earlier one.

    Where the money is not known, assumptions follow in the order of their rows, most first, then by key.
    """
    by_key = {assumption.key: assumption for group in groups for assumption in group}
    return tuple(sorted(by_key.values(), key=_rank))


def assumption_frame(assumptions: Iterable[Assumption], as_of: date) -> pd.DataFrame:
    """Return the rows of the output table ``assumption`` for ``as_of``."""
    rows = [{**vars(assumption), "as_of": as_timestamp(as_of)} for assumption in collected(assumptions)]
    columns = OUTPUTS["assumption"].columns
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    frame["column"] = frame["column"].where(frame["column"] != "", None)
    return frame.astype({column.name: column.kind.value for column in columns})


def assumptions_of(frame: pd.DataFrame) -> tuple[Assumption, ...]:
    """Return the assumptions that rows of the output table ``assumption`` hold, most money first."""
    return collected(
        Assumption(
            row["key"],
            row["table"],
            "" if pd.isna(row["column"]) else row["column"],
            int(row["rows"]),
            row["assumed"],
            row["effect"],
            None if pd.isna(row["eur"]) else float(row["eur"]),
        )
        for row in frame.to_dict("records")
    )


def _rank(assumption: Assumption) -> tuple[float, int, str]:
    return (-(assumption.eur or 0.0), -assumption.rows, assumption.key)
