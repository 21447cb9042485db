"""Commands about what happened to released proposals: ``receive``.

Not here: the use cases (``pipeline.receive``), the forms of files (``dispatch.receipts``).
"""

from __future__ import annotations

from typing import Annotated

import typer

from forestock.cli.decide import By, DecisionTime
from forestock.cli.terminal import Config, Overrides


def receive(
    config: Config,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The receiver's file.")],
    form: Annotated[
        str,
        typer.Option("--form", metavar="FORM", help="Form of the file; docs/execution.md lists the forms."),
    ] = "csv",
    by: By = None,
    received_at: DecisionTime = None,
    overrides: Overrides = None,
) -> None:
    """Record what a receiver reports on released proposals: units shipped, short, received, and refused.

    The same file twice adds nothing. If a line of the file cannot be used, no line is recorded.

    Example:  forestock receive --config demo.yaml --form x12-945 shipped.x12
    """
    from forestock.cli.decide import signature_of
    from pipeline.configuration import load_settings
    from pipeline.receive import receive_file

    settings = load_settings(config, tuple(overrides or ()))
    received = receive_file(settings, form, file, signature_of(received_at, by, None))
    counts = received.rows.groupby("status")["units"].agg(["size", "sum"])
    for status, row in counts.iterrows():
        print(f"{status}: {row['sum']:,} units of {row['size']:,} lines")
    print(f"Recorded {len(received.rows):,} rows; {received.n_known:,} were on record.")
    if received.superseded:
        print(f"Refused in full and superseded: {', '.join(received.superseded)}.")


COMMANDS = {"receive": receive}
