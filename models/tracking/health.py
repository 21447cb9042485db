"""Whether an MLflow server answers, with the login of the environment."""

from __future__ import annotations


def tracking_problem(uri: str) -> str:
    """Return why the server at ``uri`` cannot be used, in one line; an empty text if it answers."""
    from mlflow import MlflowClient

    try:
        MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
    except Exception as error:  # the client, its network, and its server have their own exceptions
        return next(iter(str(error).splitlines()), type(error).__name__)[:200]
    return ""
