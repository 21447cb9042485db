"""A night's what-ifs in a few lines of Markdown, for a run's description or artifact.

Here: the page's figures as a table. Not here: the page, or which lines differ (``review.what_if.page``).
"""

from __future__ import annotations

from foundation.settings import Settings
from review.summary import escaped
from review.what_if.page import WhatIfPage, figures, said_of
from review.wording import Money, day


def what_if_summary(page: WhatIfPage, settings: Settings) -> str:
    """Return what every what-if of the page changes, and its figures beside the plan of record's, as Markdown."""
    rows = page.what_if.sort_values("what_if")
    record = page.plan.iloc[-1]
    shown = figures(record, [row for _, row in rows.iterrows()], page.places, Money(settings.currency))
    names = [escaped(str(name)) for name in rows["what_if"]]
    changes = [
        f"* **{name}**: {escaped(said_of(str(said)))}" for name, said in zip(names, rows["changes"], strict=True)
    ]
    heads = ["", "plan of record", *names]
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)],
        *([row["name"], *map(_said, row["values"])] for row in shown),
    ]
    notes = [f"* {escaped(note)}" for note in page.notes]
    parts = [f"# What if, night of {day(page.as_of)}", "\n".join(changes), "\n".join(f"| {' | '.join(line)} |" for line in lines), "\n".join(notes)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(cell: dict[str, str]) -> str:
    return f"{cell['value']} ({cell['change']})" if cell["change"] else cell["value"]
