"""Whether the Prefect server that runs would use answers.

Not here: other checks of the environment (``pipeline.doctor``).
"""

from __future__ import annotations

import httpx
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings

from pipeline.doctor import Check

_TIMEOUT_SECONDS = 5.0
_FIX = "start the server (prefect server start, or make ui), or correct PREFECT_API_URL and PREFECT_API_AUTH_STRING"


def prefect_check() -> Check:
    """Return whether the configured Prefect API answers with the configured login; without one, commands start their own."""
    url = PREFECT_API_URL.value()
    if not url:
        return Check("Prefect", "no PREFECT_API_URL; each command uses a temporary server of its own")
    if get_current_settings().api.key is not None:
        return Check("Prefect", f"{url} is Prefect Cloud or has an API key; it is not contacted")
    login = PREFECT_API_AUTH_STRING.value()
    name, _, password = (login or "").partition(":")
    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/flows/count",
            json={},
            auth=(name, password) if login else None,
            timeout=_TIMEOUT_SECONDS,
        )
    except httpx.HTTPError as error:
        return Check("Prefect", f"{url} does not answer ({type(error).__name__})", _FIX)
    if answer.status_code != httpx.codes.OK:
        return Check("Prefect", f"{url} answers with status {answer.status_code}", _FIX)
    return Check("Prefect", f"{url} answers")
