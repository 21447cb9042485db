"""What becomes of faulty rows: the run stops, or they are set aside up to a limit.

Not here: finding them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import pandas as pd

from foundation.faults import Fault, structural
from foundation.periods import as_timestamp
from foundation.tables import OUTPUTS
from foundation.validation.draft import Draft


def limit_faults(drafts: Iterable[Draft], limit_rate: float) -> Iterator[Fault]:
    """Yield a fault for each table of which more than ``limit_rate`` of the rows would be set aside."""
    for draft in drafts:
        n_bad = int(draft.at_fault.sum())
        if n_bad > limit_rate * len(draft.frame):
            share = f"{n_bad} of {len(draft.frame)} rows would be set aside, more than inputs.quarantine_rate {limit_rate:.2%}"
            yield structural(draft.name, "", share, "correct them or raise the limit")


def quarantined(drafts: Iterable[Draft], as_of: date) -> pd.DataFrame:
    """Return the output table ``quarantine``: one row per row set aside and column at fault."""
    parts = [_rows(draft, as_of) for draft in drafts if draft.findings]
    columns = OUTPUTS["quarantine"].names
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns, dtype="str")
    return _told_apart(found.astype({name: "str" for name in columns if name != "as_of"}))[columns]


def _rows(draft: Draft, as_of: date) -> pd.DataFrame:
    marked = [(finding, np.flatnonzero(finding.rows)) for finding in draft.findings]
    return pd.DataFrame(
        {
            "as_of": as_timestamp(as_of),
            "table": draft.name,
            "row_key": [key for _, rows in marked for key in draft.keys(rows)],
            "column": [finding.column for finding, rows in marked for _ in rows],
            "fault": [finding.what for finding, rows in marked for _ in rows],
        }
    )


def _told_apart(found: pd.DataFrame) -> pd.DataFrame:
    """Give rows that share key and column a number, so that none is lost: ``sku=X``, ``sku=X (2)``."""
    if found.empty:
        return found.assign(as_of=pd.Series(dtype="datetime64[us]"))
    turn = found.groupby(["table", "row_key", "column"]).cumcount() + 1
    return found.assign(row_key=found["row_key"].where(turn == 1, found["row_key"] + " (" + turn.astype("str") + ")"))
