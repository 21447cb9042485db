"""What was left undone and what needs a person, gathered by kind.

Here: order and sums of the table ``exception``. Not here: finding them, which positioning does.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

_SHOWN = 25


@dataclass(frozen=True)
class Finding:
    """All findings of one kind; ``rows`` holds the worst of them, ``count`` how many there are."""

    kind: str
    count: int
    units: float
    eur: float
    rows: pd.DataFrame

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def shared_action(self) -> str:
        """What to do where it is the same for all that are shown and these are more than one; else empty."""
        actions = set(self.rows["action"].astype(str))
        return actions.pop() if len(actions) == 1 and len(self.rows) > 1 else ""

    @property
    def has_deadline(self) -> bool:
        """Whether any that is shown has to be decided by some moment."""
        return bool(self.rows["decide_by"].notna().any())


def findings(exception: pd.DataFrame) -> list[Finding]:
    """Return the findings by kind, most money at stake first, ties by kind."""
    found = [
        Finding(
            str(kind), len(rows), float(rows["units"].sum()), float(rows["eur"].sum()),
            rows.sort_values(["eur", "units", "hub", "sku"], ascending=[False, False, True, True]).head(_SHOWN),
        )
        for kind, rows in exception.groupby("kind", sort=True)
    ]  # fmt: skip
    return sorted(found, key=lambda finding: (-finding.eur, finding.kind))
