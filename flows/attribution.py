"""Why, as a Prefect flow: what went wrong after a night, in shares of causes, shown on the run's page.

Deployed by ``prefect.yaml``. Not here: how it is found (``pipeline.attribution``, ``review.attribution``).
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from flows.artifacts import let_rooms_speak, parameter, show_answer
from pipeline.attribution import Question, attributed
from pipeline.configuration import load_settings
from pipeline.results import reported
from review.attribution.text import as_markdown, attribution_sections


def _flow_run_name() -> str:
    return f"why-{parameter('question', Question).as_of or 'latest'}"


@flow(name="why", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=2 * 3600)
def why(config: str, question: Question = Question(), overrides: Sequence[str] = ()) -> str:  # noqa: B008 - frozen
    """Say why hubs ran out, parcels came late and goods came back after a night; returns the answer as text.

    The tables `cause` and `return_finding` are written. Raises ``ForestockError``s, each with its exit code.

    Args:
        config: A YAML file, or a name in configs/.
        question: The night asked about (as_of; none means the last one with sales after it) and the day before which
            what happened is looked at (until; none means all that is known).
        overrides: Changed keys, key=value.
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    with reported("why", settings, question.as_of):
        answer = attributed(settings, question)
    text = as_markdown(attribution_sections(answer.causes, answer.returns, settings.currency))
    show_answer(settings.name, "why", text, f"After the plan of {answer.as_of}")
    return text
