"""Why, as a Prefect flow: what went wrong after a night, in shares of causes, shown on the run's page.

Deployed by ``prefect.yaml``. Not here: how it is found (``flows.why``, ``review.attribution``).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from prefect import flow
from rich.console import Console

from flows.artifacts import let_rooms_speak, parameter, show_answer
from flows.failures import reported
from flows.why import Question, attributed
from flows.why_printing import print_answer
from foundation.configuration import load_settings

_COLUMNS = 110


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
    told = StringIO()
    print_answer(answer, (None, None), Console(file=told, width=_COLUMNS))
    show_answer(settings.name, "why", f"```\n{told.getvalue()}```\n", f"After the night of {answer.as_of}")
    return told.getvalue()
