"""Templates: the environment with its filters, and a page as a response.

Every text is escaped, and no page contains inline scripts or styles. Not here: the content of a page (its module in ``routes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from foundation import wording
from foundation.settings import Settings

PAGES = (
    ("/", "Today"), ("/proposals", "Proposals"), ("/sku", "SKUs"), ("/network", "Network"), ("/exceptions", "Exceptions"),
    ("/what-if", "What-if"), ("/release", "Release"),
)  # fmt: skip


def environment(settings: Settings) -> Environment:
    """Return the environment of all templates."""
    result = Environment(
        loader=PackageLoader("serve", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    money = wording.Money(settings.currency)
    result.filters |= {
        "money": money,
        "number": wording.number,
        "rate": wording.rate,
        "day": wording.day,
        "moment": wording.moment,
        "carbon": wording.carbon,
        "text": lambda value: "" if pd.isna(value) else value,
        "fact": lambda value: (
            wording.number(value, 2).removesuffix(".00")
            if isinstance(value, float | int) and not isinstance(value, bool)
            else str(value).removesuffix(" 00:00:00")
        ),
        "difference": wording.difference,
        "figure": lambda name: wording.figure_name(name).capitalize(),
        "sentence": lambda value: str(value).replace("_", " ").capitalize(),
    }
    result.globals |= {"currency": money.sign, "title": settings.review.title, "pages": PAGES}
    return result


def page(request: Request, template: str, content: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Return a template with the content as the response to a request."""
    services = request.app.state.services
    caller = getattr(request.state, "caller", None)
    shared = {
        "caller": caller.grant if caller else None,
        "csrf": caller.csrf if caller else "",
        "clock": services.clock.now() if services.clock.is_set else None,
        "milliseconds": int(services.clock.now().timestamp() * 1000),
        "path": request.url.path,
        "as_of": None,
        "dates": [],
        "has_login": services.workspace.settings.serve.identity != "proxy",
    }
    text = services.templates.get_template(template).render({**shared, **content})
    return HTMLResponse(text, status)
