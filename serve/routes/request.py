"""What routes read from a request: its services, caller, plan, and form."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs

from fastapi import HTTPException, Request

from foundation.periods import parse_day
from serve.access import Grant, Role
from serve.workspace import OpenPlan

_MOST_FIELDS = 50


def services_of(request: Request) -> Any:
    """Return the services of the application."""
    return request.app.state.services


def grant_of(request: Request, role: Role = "viewer") -> Grant:
    """Return who sends the request; raises an error with status 403 if the role is not included."""
    grant: Grant = request.state.caller.grant
    if not grant.may(role):
        raise HTTPException(403, f"Your role is {grant.role}; this needs the role {role}.")
    return grant


def day_of(text: str | None) -> date | None:
    """Return the date of a parameter, None without one; raises an error with status 400 for other text."""
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None


def plan_of(request: Request, as_of: str | None) -> OpenPlan:
    """Return the plan of a date (empty: the newest) with the decisions up to now."""
    services = services_of(request)
    plan: OpenPlan = services.workspace.plan(day_of(as_of))
    plan.catch_up(services.clock.seconds())
    return plan


def plan_content(request: Request, plan: OpenPlan) -> dict[str, Any]:
    """Return what every page of a plan shows: its date and the dates of other plans."""
    return {"as_of": plan.as_of, "dates": list(reversed(services_of(request).workspace.dates()))}


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of an urlencoded form, the last value of each."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(400, "The form has too many fields.") from None
    return {name: values[-1] for name, values in fields.items()}
