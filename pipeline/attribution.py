"""Attribution of stockouts, late parcels and returns after a plan: read, attribute, write.

Not here: the method (``review.attribution``), options and printing (``forestock.cli.explore``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from foundation.commands import command
from foundation.errors import ConfigurationError
from foundation.lost_sales import lost_sale_values
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse
from pipeline.completed import decided_before, planned_run
from review.attribution.parcels import late_parcels, return_findings
from review.attribution.stockouts import Hindsight, stockouts

log = logging.getLogger(__name__)

_GRAIN = ["question", "hub", "region", "sku", "carrier", "cause"]
_SHIPPED_STATUSES = ("released", "executed")


@dataclass(frozen=True)
class AttributionRequest:
    """Which plan to attribute, and until when.

    Attributes
    ----------
    as_of
        Planning date; None is the last plan that is at least one period before the end of the sales.
    until
        Events before this date count; None is the day after the last sales or the end of the plan's horizon, whichever is
        earlier.
    """

    as_of: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Attribution:
    """The written rows: ``causes`` of table ``cause``, ``returns`` of table ``return_finding``."""

    settings: Settings
    as_of: date
    until: date
    causes: pd.DataFrame
    returns: pd.DataFrame


def run_attribution(settings: Settings, request: AttributionRequest) -> Attribution:
    """Attribute what went wrong after a plan, write the result, and return it.

    Raises ``ConfigurationError`` if there is no such plan or no later data.
    """
    as_of, until = _span(settings, request)
    hindsight = _happened(settings, as_of, until)
    parts = [
        stockouts(hindsight).assign(question="stockout"),
        late_parcels(hindsight.now, until).assign(question="late_parcel"),
    ]
    causes = pd.concat(parts, ignore_index=True).reindex(columns=[*_GRAIN, "caused_units", "share_rate"])
    causes["eur"] = causes["caused_units"].astype("float64") * causes["sku"].map(lost_sale_eur(hindsight.now, as_of))
    returns = return_findings(hindsight.now, Warehouse(settings).read("service", as_of))
    Warehouse(settings).write("cause", causes, as_of)
    Warehouse(settings).write("return_finding", returns, as_of)
    log.info("%d causes of %s to %s written", len(causes), as_of, until)
    return Attribution(settings, as_of, until, Warehouse(settings).read("cause", as_of), returns)


def _span(settings: Settings, request: AttributionRequest) -> tuple[date, date]:
    dates, grid = Warehouse(settings).dates("plan"), settings.grid
    last = request.until or snapshot.accept(settings, None, "rebalance", write=False).as_of
    known = [day for day in dates if grid.step(day, 1) <= last]
    if request.as_of is not None and request.as_of not in dates:
        parts = f"; there are plans of {dates[0]} … {dates[-1]}" if dates else ""
        raise ConfigurationError(
            f"{settings.warehouse} has no plan of {request.as_of}{parts}; run {command(settings, 'run')}"
        )
    if not known:
        raise ConfigurationError(
            f"there is no data after the plans in {settings.warehouse}; plan an earlier date, for example "
            f"{grid.step(last, -14)}, and then attribute its causes"
        )
    if (request.as_of or known[-1]) not in known:
        raise ConfigurationError(
            f"there is no data after {request.as_of}: the inputs end before {last}; the last plan with later data is {known[-1]}"
        )
    as_of = request.as_of or known[-1]
    return as_of, min(last, grid.step(as_of, settings.horizon))


def _happened(settings: Settings, as_of: date, until: date) -> Hindsight:
    warehouse = Warehouse(settings)
    then = snapshot.read(planned_run(settings, as_of).context.inputs.folder)
    accepted = snapshot.accept(settings, until, "rebalance")
    now = snapshot.read(accepted)
    snapshot.release(accepted)
    proposals = decided_before(warehouse, now["hubs"], until)
    is_meant = proposals["status"].isin(_SHIPPED_STATUSES) & (proposals["as_of"] <= pd.Timestamp(as_of))
    outputs = {name: warehouse.read(name, as_of) for name in ("position", "forecast")}
    return Hindsight(as_of, until, settings.grid, then, now, outputs, proposals[is_meant])


def lost_sale_eur(tables: Mapping[str, pd.DataFrame], as_of: date) -> pd.Series:
    """Return the value of a lost sale per SKU at ``as_of``; missing if neither it nor a price is known."""
    skus = tables["skus"]
    return pd.Series(lost_sale_values(skus, tables.get("prices"), as_of), index=skus["sku"].astype(str))
