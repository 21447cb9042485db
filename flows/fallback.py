"""Falling back as a Prefect flow, started by an automation when monitoring says that a baseline is better.

Not here: what it means (``pipeline.fallback``), the person's command (``forestock.cli.decide``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

import pandas as pd
from prefect import flow, runtime
from pydantic import Field

from dispatch.decide import Act
from flows.artifacts import let_rooms_speak
from foundation.errors import ConfigurationError
from pipeline.configuration import load_settings
from pipeline.fallback import fall_back_on
from pipeline.results import reported


@flow(name="fall-back", persist_result=False, timeout_seconds=600)
def fall_back(
    config: str, where: str, as_of: date, days: Annotated[int, Field(ge=1)] = 14, overrides: Sequence[str] = ()
) -> None:
    """Forecast a region's segment by the seasonal-naive baseline for some days.

    Args:
        config: A YAML file, or a name in configs/.
        where: Region and segment, REGION/SEGMENT.
        as_of: The day monitoring looked back from.
        days: Nights from as_of on for which it holds.
        overrides: Changed keys, key=value.
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    region, slash, segment = where.partition("/")
    if not slash:
        raise ConfigurationError(f"where: {where!r} is not REGION/SEGMENT")
    moment = pd.Timestamp(runtime.flow_run.scheduled_start_time).tz_convert("UTC").as_unit("us")
    act = Act(moment, "monitoring", f"a baseline was better on {as_of}")
    with reported("fall back", settings, as_of):
        fall_back_on(settings, (region, segment), as_of + timedelta(days=days), act)
