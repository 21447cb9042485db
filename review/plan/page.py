"""The page of a plan: one HTML text that needs no network and no server.

Here: which frames go where on the page. Not here: what each part shows (its own module) or how it
looks (``templates``).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cache

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from foundation.assumptions import assumptions_of
from foundation.commands import options
from foundation.settings import Settings
from foundation.tables import OUTPUTS
from review import wording
from review.packing import pack
from review.plan.attention import findings, since, watched
from review.plan.curves import band_names, curve_rows, recent_sales
from review.plan.hubs import hub_positions
from review.plan.map import WIDTH, network_sheet
from review.plan.proposals import (
    SKUS_PER_PACK,
    Details,
    decided,
    details,
    hub_rows,
    inbound_rows,
    proposal_content,
    ranked,
    service_rows,
)
from review.plan.summary import headline

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class _Night:
    """What a page is made of: known tables, output tables, settings, the date."""

    tables: Frames
    outputs: Frames
    settings: Settings
    as_of: date


def plan_page(tables: Frames, outputs: Frames, settings: Settings, as_of: date) -> str:
    """Return the review page of the plan of ``as_of`` as one HTML text.

    ``tables`` are the input tables as known at ``as_of``; ``outputs`` the night's warehouse tables
    (``position service transfer departure exception assumption plan forecast``), absent ones are taken as empty. ``accuracy``,
    ``warning`` (a column of texts that doubt the inputs) and, of the night before, ``plan_before`` and ``transfer_before`` are
    shown where they are there.
    The page makes no request: styles, script and data are in it, and its policy forbids any other.
    """
    night = _Night(tables, {name: _output(outputs, name) for name in OUTPUTS}, settings, as_of)
    before = {name: outputs[f"{name}_before"] for name in ("plan", "transfer") if f"{name}_before" in outputs}
    proposals = ranked(night.outputs["transfer"])
    pieces = details(proposals, _parts(night, proposals), settings.review.curves_mb)
    return environment().get_template("page.html.j2").render(
        settings=settings,
        as_of=as_of,
        money=wording.Money(settings.currency),
        headline=headline(night.outputs["plan"], night.outputs["service"]),
        is_refused=_is_refused(night),
        decided=decided(proposals),
        findings=findings(night.outputs["exception"]),
        warnings=_warnings(outputs),
        assumptions=assumptions_of(night.outputs["assumption"]),
        watched=watched(tables, night.outputs, settings, as_of),
        since=since(before, night.outputs, settings),
        sheet=network_sheet(tables, proposals[~proposals["is_outlook"].astype(bool)]),
        sheet_width=WIDTH,
        hubs=hub_positions(tables, night.outputs["position"], as_of),
        proposals=proposals,
        content=_content(night, proposals, pieces),
        script=_script(),
        script_hash=_hash(_script()),
    )  # fmt: skip


def _warnings(outputs: Frames) -> list[str]:
    return outputs["warning"]["warning"].astype(str).tolist() if "warning" in outputs else []


def _output(outputs: Frames, name: str) -> pd.DataFrame:
    """Return an output table, an empty one with its columns where it is absent."""
    if name in outputs:
        return outputs[name]
    return pd.DataFrame({column.name: pd.Series(dtype=column.kind.value) for column in OUTPUTS[name].columns})


def _is_refused(night: _Night) -> bool:
    """Say whether a gate kept the plan's proposals back: it has some, and none was written."""
    return bool((night.outputs["plan"]["n_proposals"] > 0).any()) and night.outputs["transfer"].empty


def _content(night: _Night, proposals: pd.DataFrame, pieces: Details) -> dict[str, object]:
    """Return the page's data: the list packed at once, the details in packs of their own."""
    listed = proposal_content(proposals, night.outputs["departure"], night.tables) | {
        "currency": wording.Money(night.settings.currency).sign,
        "as_of": night.as_of.isoformat(),
        "options": options(night.settings),
        "period_days": night.settings.grid.days,
        "skus": pieces.skus,
        "skus_with_curves": pieces.skus_with_curves,
        "bands": band_names(night.settings),
    }
    return {"listed": pack(listed), "details": pieces.packs, "skus_per_pack": SKUS_PER_PACK}


def _parts(night: _Night, proposals: pd.DataFrame) -> dict[str, dict[str, list[list[object]]]]:
    skus = pd.Index(proposals["sku"].unique().astype(str))
    position, service, forecast = (_of(night.outputs[name], skus) for name in ("position", "service", "forecast"))
    return {
        "hubs": hub_rows(position),
        "inbound": inbound_rows(_of(night.tables.get("inbound", pd.DataFrame()), skus)),
        "service": service_rows(service),
        "curves": curve_rows(
            forecast, _of(recent_sales(night.tables, night.settings, night.as_of), skus), night.settings
        ),
    }


def _of(frame: pd.DataFrame, skus: pd.Index) -> pd.DataFrame:
    """Return the rows of ``skus`` with their keys as plain text, whatever way the keys were held."""
    if frame.empty:
        return frame
    result = frame[frame["sku"].isin(skus)]
    return result.astype({name: "str" for name in ("sku", "region", "hub") if name in result.columns})


@cache
def environment() -> Environment:
    """Return what renders the templates: markup in values is escaped wherever a template makes markup."""
    environment = Environment(
        loader=PackageLoader("review"),
        autoescape=select_autoescape(default=True, disabled_extensions=("md.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": wording.number,
        "rate": wording.rate,
        "carbon": wording.carbon,
        "day": wording.day,
        "moment": wording.moment,
        "text": lambda value: "" if pd.isna(value) else value,
    }
    return environment


@cache
def _script() -> str:
    loader = environment().loader
    assert loader is not None  # noqa: S101 - set two functions above
    return "".join(
        loader.get_source(environment(), f"{part}.js")[0] for part in ("data", "curves", "reasons", "details", "list")
    )


def _hash(script: str) -> str:
    """Return the script's hash as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
