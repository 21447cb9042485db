"""Fallback to the baseline as a Prefect flow, started by an automation when a baseline is more accurate.

Not here: the use case (``pipeline.fallback``), the command (``forestock.cli.decide``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

import pandas as pd
from prefect import flow, runtime
from pydantic import Field

from dispatch.decide import Signature
from flows.artifacts import let_packages_log
from foundation.errors import ConfigurationError
from pipeline.configuration import load_settings
from pipeline.fallback import record_fallback
from pipeline.results import reported


@flow(name="fall-back", persist_result=False, timeout_seconds=600)
def fall_back(
    config: str, where: str, as_of: date, days: Annotated[int, Field(ge=1)] = 14, overrides: Sequence[str] = ()
) -> None:
    """Let the seasonal-naive baseline forecast a region's segment for some days.

    Args:
        config: A YAML file, or the name of a file in configs/.
        where: Region and segment, REGION/SEGMENT.
        as_of: Date of the monitoring run.
        days: Number of days, from as_of on, for which the baseline is used.
        overrides: Changed settings, key=value.
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    region, slash, segment = where.partition("/")
    if not slash:
        raise ConfigurationError(f"where: {where!r} is not REGION/SEGMENT")
    moment = pd.Timestamp(runtime.flow_run.scheduled_start_time).tz_convert("UTC").as_unit("us")
    signature = Signature(moment, "monitoring", f"a baseline was more accurate on {as_of}")
    with reported("fall back", settings, as_of):
        record_fallback(settings, (region, segment), as_of + timedelta(days=days), signature)
