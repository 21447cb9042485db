"""``forestock fall-back`` and its flow, which an automation may start. Not here: what it means (``flows.fallback``)."""

from __future__ import annotations

import getpass
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from flows.options import Config, Overrides, as_date


def fall_back(
    config: Config,
    region: Annotated[str, typer.Option(metavar="REGION", help="Where.")],
    segment: Annotated[str, typer.Option(metavar="NAME", help="Which value of the coarsest hierarchy column.")],
    until: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="First night that uses the model again.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept beside it.")] = None,
    overrides: Overrides = None,
) -> None:
    """Forecast a region's segment by the seasonal-naive baseline until a date; --until a past night ends it.

    Example:  forestock fall-back --config demo.yaml --region CA_1 --segment FOODS --until 2016-06-06
    """
    import pandas as pd

    from dispatch.decide import Act
    from flows.fallback import fall_back_on
    from foundation.configuration import load_settings

    moment = pd.Timestamp(datetime.now(UTC)).as_unit("us")
    settings = load_settings(config, tuple(overrides or ()))
    fall_back_on(settings, (region, segment), until, Act(moment, getpass.getuser(), reason))
    print(f"{region} {segment}: the baseline forecasts nights before {until}; plan again: forestock run")
