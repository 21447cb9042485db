"""The review page of a plan: one HTML text that needs no network and no server.

Here: which frames each section of the page gets. Not here: the content of a section (its own module) or its
appearance (``templates``).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cache

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from foundation import wording
from foundation.assumptions import assumptions_of
from foundation.commands import options
from foundation.settings import Settings
from foundation.tables import OUTPUTS
from review.packing import pack
from review.plan.attention import changes_since, findings, watch_list
from review.plan.network import WIDTH, hub_positions, network_sheet
from review.plan.proposals import (
    SKUS_PER_PACK,
    Details,
    band_names,
    curve_rows,
    decided,
    details,
    hub_rows,
    inbound_rows,
    proposal_content,
    ranked,
    recent_sales,
    service_rows,
)
from review.plan.summary import headline

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class _Run:
    """The inputs of a page: input tables, output tables, settings and the planning date."""

    tables: Frames
    outputs: Frames
    settings: Settings
    as_of: date


def plan_page(tables: Frames, outputs: Frames, settings: Settings, as_of: date) -> str:
    """Return the review page of the plan of ``as_of`` as one HTML text.

    Parameters
    ----------
    tables
        Input tables as known at ``as_of``.
    outputs
        Output tables of the run: ``position service transfer departure exception assumption plan forecast``. A table that is
        not provided counts as empty. Optional: ``accuracy``, ``warning`` (one column of texts about the quality of the inputs), and
        ``plan_before`` and ``transfer_before`` of the previous run.
    settings
        Settings of the run.
    as_of
        Planning date.

    Notes
    -----
    The page makes no request: styles, script and data are in it, and its content security policy forbids any other source.
    """
    run = _Run(tables, {name: _output(outputs, name) for name in OUTPUTS}, settings, as_of)
    before = {name: outputs[f"{name}_before"] for name in ("plan", "transfer") if f"{name}_before" in outputs}
    proposals = ranked(run.outputs["transfer"])
    sku_details = details(proposals, _parts(run, proposals), settings.review.curves_mb)
    return environment().get_template("page.html.j2").render(
        settings=settings,
        as_of=as_of,
        money=wording.Money(settings.currency),
        headline=headline(run.outputs["plan"], run.outputs["service"]),
        is_refused=_is_refused(run),
        decided=decided(proposals),
        findings=findings(run.outputs["exception"]),
        warnings=_warnings(outputs),
        assumptions=assumptions_of(run.outputs["assumption"]),
        watched=watch_list(tables, run.outputs, settings, as_of),
        since=changes_since(before, run.outputs, settings),
        sheet=network_sheet(tables, proposals[~proposals["is_outlook"].astype(bool)]),
        sheet_width=WIDTH,
        hubs=hub_positions(tables, run.outputs["position"], as_of),
        proposals=proposals,
        content=_content(run, proposals, sku_details),
        script=_script(),
        script_hash=_hash(_script()),
    )  # fmt: skip


def _warnings(outputs: Frames) -> list[str]:
    return outputs["warning"]["warning"].astype(str).tolist() if "warning" in outputs else []


def _output(outputs: Frames, name: str) -> pd.DataFrame:
    """Return an output table, or an empty one with its columns if it is not provided."""
    if name in outputs:
        return outputs[name]
    return pd.DataFrame({column.name: pd.Series(dtype=column.kind.value) for column in OUTPUTS[name].columns})


def _is_refused(run: _Run) -> bool:
    """Return whether the plan gate refused the plan: it has proposals, and none was written."""
    return bool((run.outputs["plan"]["n_proposals"] > 0).any()) and run.outputs["transfer"].empty


def _content(run: _Run, proposals: pd.DataFrame, sku_details: Details) -> dict[str, object]:
    """Return the page's data: the list in one pack, the details in packs of several SKUs."""
    listed = proposal_content(proposals, run.outputs["departure"], run.tables) | {
        "currency": wording.Money(run.settings.currency).sign,
        "as_of": run.as_of.isoformat(),
        "options": options(run.settings),
        "period_days": run.settings.grid.days,
        "skus": sku_details.skus,
        "skus_with_curves": sku_details.skus_with_curves,
        "bands": band_names(run.settings),
    }
    return {"listed": pack(listed), "details": sku_details.packs, "skus_per_pack": SKUS_PER_PACK}


def _parts(run: _Run, proposals: pd.DataFrame) -> dict[str, dict[str, list[list[object]]]]:
    skus = pd.Index(proposals["sku"].unique().astype(str))
    position, service, forecast = (_of(run.outputs[name], skus) for name in ("position", "service", "forecast"))
    return {
        "hubs": hub_rows(position),
        "inbound": inbound_rows(_of(run.tables.get("inbound", pd.DataFrame()), skus)),
        "service": service_rows(service),
        "curves": curve_rows(forecast, _of(recent_sales(run.tables, run.settings, run.as_of), skus), run.settings),
    }


def _of(frame: pd.DataFrame, skus: pd.Index) -> pd.DataFrame:
    """Return the rows of ``skus`` with their keys as plain text, categorical or not."""
    if frame.empty:
        return frame
    result = frame[frame["sku"].isin(skus)]
    return result.astype({name: "str" for name in ("sku", "region", "hub") if name in result.columns})


@cache
def environment() -> Environment:
    """Return the Jinja environment of all pages; it escapes markup in values, except in Markdown templates."""
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
        "difference": wording.difference,
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
    """Return the hash of the script in the form of a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
