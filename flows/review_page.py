"""The review page as a Prefect flow: refreshed from the warehouse, so that it shows the decisions made since the run.

A nightly run writes the first version of its page. Not here: what a page shows (``review``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from prefect import flow, runtime

from flows.artifacts import let_packages_log, show_plan
from pipeline.configuration import load_settings
from pipeline.run import rewrite_page


def _flow_run_name() -> str:
    return f"review-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="review", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=3600)
def review(config: str, as_of: date | None = None, overrides: Sequence[str] = ()) -> str:
    """Refresh the review page of a plan in the warehouse, without planning, and return its place.

    Raises ``ForestockError``, which carries an exit code.

    Args:
        config: A YAML file, or the name of a file in configs/.
        as_of: Planning date of the plan; None is the newest plan.
        overrides: Changed settings, key=value.
    """
    let_packages_log()
    result = rewrite_page(load_settings(config, overrides), as_of)
    show_plan(result)
    return str(result.page)
