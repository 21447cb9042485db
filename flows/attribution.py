"""Attribution as a Prefect flow: why hubs stocked out, parcels were late and goods came back after a plan.

Deployed by ``prefect.yaml``. Not here: the method (``pipeline.attribution``, ``review.attribution``).
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from flows.artifacts import let_packages_log, parameter, show_text
from pipeline.attribution import AttributionRequest, run_attribution
from pipeline.configuration import load_settings
from pipeline.results import reported
from review.attribution.text import as_markdown, attribution_sections


def _flow_run_name() -> str:
    return f"why-{parameter('request', AttributionRequest).as_of or 'latest'}"


@flow(name="why", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=2 * 3600)
def why(config: str, request: AttributionRequest = AttributionRequest(), overrides: Sequence[str] = ()) -> str:  # noqa: B008 - frozen
    """Attribute stockouts, late parcels and returns after a plan to their causes and return the result as Markdown.

    Writes the tables `cause` and `return_finding`. Raises ``ForestockError``, which carries an exit code.

    Args:
        config: A YAML file, or the name of a file in configs/.
        request: The plan's date (as_of; None is the last plan with later sales) and the day before which events count
            (until; None is the end of the data).
        overrides: Changed settings, key=value.
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    with reported("why", settings, request.as_of):
        answer = run_attribution(settings, request)
    text = as_markdown(attribution_sections(answer.causes, answer.returns, settings.currency))
    show_text(settings.name, "why", text, f"After the plan of {answer.as_of}")
    return text
