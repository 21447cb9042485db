"""How long a warehouse keeps what no run needs any more. Not here: removing it (``foundation.store.tidying``)."""

from __future__ import annotations

from pydantic import Field

from foundation.section import Positive, Section


class Retention(Section):
    """What `forestock tidy` keeps; nothing is removed without that command."""

    history_days: Positive = Field(
        365,
        description="Days for which replaced rows stay in a table's history; current rows and append-only tables such as `decision` are kept for good.",
    )
    logs_days: Positive = Field(90, description="Days for which tracebacks of failed stages are kept.")
