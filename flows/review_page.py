"""The review page as a Prefect flow: written again from what the warehouse holds, after decisions or for a plan of old.

A night writes its own page; this is for the same page with today's decisions on it. Not here: what a page shows (``review``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from prefect import flow, runtime

from flows.artifacts import let_rooms_speak, show_plan
from pipeline.configuration import load_settings
from pipeline.run import page_again


def _flow_run_name() -> str:
    return f"review-{runtime.flow_run.parameters.get('as_of') or 'newest'}"


@flow(name="review", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=3600)
def review(config: str, as_of: date | None = None, overrides: Sequence[str] = ()) -> str:
    """Write the review page of a plan that is in the warehouse again, plan nothing, and return where the page is.

    Raises ``ForestockError``s, each with its exit code.

    Args:
        config: A YAML file, or a name in configs/.
        as_of: The night of the plan; none means the newest.
        overrides: Changed keys, key=value.
    """
    let_rooms_speak()
    result = page_again(load_settings(config, overrides), as_of)
    show_plan(result)
    return str(result.page)
