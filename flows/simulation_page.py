"""A replay as pictures and a page, for MLflow and for the warehouse.

Not here: the replay (``flows.simulation``) or how anything is drawn (``review.replay``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from foundation.store import files
from review.backtest import png
from review.replay import ReplayPage, closed_picture, course_picture, replay_page, terms_picture

if TYPE_CHECKING:
    from flows.simulation import Simulation

Pictures = Mapping[str, tuple[str, bytes]]  # caption and PNG by file name
_GOODS = ("purchase_eur", "goods_sold_eur", "stock_change_eur")


def pictures_of(done: Simulation) -> Pictures:
    """Return every picture of a replay by file name, each with its caption."""
    policies, currency = done.figures["policy"].tolist(), done.settings.currency
    operating = done.costs[~done.costs["term"].isin(_GOODS)]
    drawn = {
        "1_course": ("Cost so far, stock and service by day", course_picture(done.days, policies, done.bound_eur[0], currency)),
        "2_closed": ("Part of the reachable gain each policy closes", closed_picture(done.figures)),
        "3_terms": ("What the cost is made of", terms_picture(operating, policies, currency)),
    }  # fmt: skip
    return {name: (caption, png(figure)) for name, (caption, figure) in drawn.items()}


def page_of(done: Simulation, pictures: Pictures) -> str:
    """Return the page of a replay as HTML."""
    span, settings = done.span, done.settings
    facts = {
        "Pipeline": settings.name, "nights": str(span.nights or "all"), "kinds": ", ".join(settings.positioning.kinds),
        "capacities": "lifted" if span.is_unlimited else "on",
    }  # fmt: skip
    title = f"Replay of {settings.name}, {span.start} to {span.end}"
    return replay_page(ReplayPage(title, settings.currency, facts, done.figures, done.bound_eur, dict(pictures.values()), done.notes))  # fmt: skip


def write_page(done: Simulation) -> str:
    """Write the page into the warehouse and return where it is; an earlier replay from the same day is replaced."""
    place = files.joined(done.settings.warehouse, "pages", f"replay-{done.span.start}.html")
    return files.write_text(place, page_of(done, pictures_of(done)))
