"""Monitoring: compare earlier forecasts and plans with what is known now, measure drift, write and record.

Not here: the flow and its events (``flows.monitor``), any formula (``monitoring``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from dispatch.ledger import states
from features.panel import Panel
from features.panel_builder import build_panel
from foundation.settings import Settings, quantile_columns
from foundation.store import snapshot
from foundation.store.arrow import empty_frame
from foundation.store.warehouse import Warehouse
from models.backtest.methods import baseline_methods
from models.tracking.runs import Record, Tracker
from monitoring import findings
from monitoring.accuracy import FORESTOCK, MethodForecast, ScoredRun, accuracy, best_baseline, overall, tally
from monitoring.drift import drift
from monitoring.findings import Finding
from monitoring.follow_up import lateness, plans_followed_up, realised_service
from pipeline.run import with_planned

log = logging.getLogger(__name__)

TOPIC = "monitoring"
NOTE = "Accuracy of earlier forecasts, drift of inputs, follow-up of plans: one run per day. `wape` beside `wape_baseline`, lower is better."
TABLES = ("accuracy", "drift", "plan_follow_up", "service_follow_up", "lane_lateness")
_INTERVAL = (0.025, 0.975)
_LEVEL_DAYS = 84


@dataclass(frozen=True)
class Known:
    """The inputs known on the date of monitoring, as tables and as arrays."""

    settings: Settings
    as_of: date
    tables: dict[str, pd.DataFrame]
    panel: Panel
    fingerprint: str

    @property
    def window(self) -> int:
        """Number of past periods in the window, at least one."""
        return max(self.settings.monitoring.window_days // self.settings.grid.days, 1)

    @property
    def begin(self) -> date:
        """The first day of the window."""
        return self.settings.grid.step(self.as_of, -self.window)

    @property
    def series(self) -> pd.DataFrame:
        """The series, in code order, with `region`, `sku` and `segment` as plain texts."""
        frame = self.panel.series
        segment = self.panel.hierarchy[-1] if self.panel.hierarchy else "sku"
        named = {"region": frame["region"], "sku": frame["sku"], "segment": frame[segment]}
        return pd.DataFrame({name: values.astype("str").to_numpy() for name, values in named.items()})


@dataclass(frozen=True)
class MonitoringResult:
    """Tables of monitoring by name, and findings that need a person."""

    as_of: date
    frames: dict[str, pd.DataFrame]
    findings: tuple[Finding, ...]
    fingerprint: str


def run_monitoring(settings: Settings, as_of: date | None, today: date | None) -> MonitoringResult:
    """Score forecasts, measure drift and follow up plans with what is known at ``as_of``; write no table.

    Parameters
    ----------
    settings
        The settings.
    as_of
        Demand before this date is known; None is the period after the last sales row.
    today
        Date for the check of data freshness, usually the scheduled one; None is ``as_of``.

    Raises
    ------
    InputError
        With one line per fault of the inputs.
    """
    known = _known(settings, as_of)
    frames = {
        "accuracy": accuracy(tally(scored) for scored in _scored_forecasts(known)),
        "drift": drift(_watched(known), known.window, settings.grid.days),
        "plan_follow_up": plans_followed_up(_proposals(known)),
        "service_follow_up": realised_service(_sold(known), _services(known)),
        "lane_lateness": _lateness(known),
    }
    result = _findings(known, frames, today or known.as_of)
    log.info("%d findings over %d days", len(result), settings.monitoring.window_days)
    return MonitoringResult(known.as_of, frames, tuple(result), known.fingerprint)


def write_monitoring(settings: Settings, result: MonitoringResult) -> None:
    """Write the tables of monitoring and add its findings to the plan's exceptions; earlier rows of that date are replaced."""
    warehouse = Warehouse(settings)
    for name in TABLES:
        warehouse.write(name, result.frames[name], result.as_of)
    selected = findings.exception_rows(result.findings)
    warehouse.write("exception", with_planned(warehouse, selected, result.as_of), result.as_of)


def _known(settings: Settings, as_of: date | None) -> Known:
    accepted = snapshot.accept(settings, as_of, "forecast")
    tables = snapshot.read(accepted)
    snapshot.release(accepted)
    return Known(settings, accepted.as_of, tables, build_panel(tables, settings, accepted.as_of), accepted.fingerprint)


def _scored_forecasts(known: Known) -> Iterator[ScoredRun]:
    """Yield every forecast of the window with the demand known since."""
    warehouse, panel, series = Warehouse(known.settings), known.panel, known.series
    for origin in warehouse.dates("forecast"):
        if not known.begin <= origin < known.as_of:
            continue
        start = panel.n_history - (known.as_of - origin).days // known.settings.grid.days
        n_periods = min(known.settings.horizon, panel.n_history - start)
        age = np.arange(panel.n_history - start, panel.n_history - start - n_periods, -1) * known.settings.grid.days
        methods = {FORESTOCK: _forecast(known, origin, n_periods), **_baselines(known, start, n_periods)}
        yield ScoredRun(series, panel.demand[:, start : start + n_periods].astype(float), age, methods)


def _forecast(known: Known, origin: date, n_periods: int) -> MethodForecast:
    """Return the stored forecast of a date, dense by series and period."""
    settings, series = known.settings, known.series
    names = ["mean_units", *_interval_columns(settings)]
    rows = Warehouse(settings).read("forecast", origin, ["date", "region", "sku", *names])
    index = pd.MultiIndex.from_frame(series[["region", "sku"]]).get_indexer(
        pd.MultiIndex.from_frame(rows[["region", "sku"]])
    )
    ahead = ((rows["date"] - pd.Timestamp(origin)).dt.days // settings.grid.days).to_numpy()
    held = (index >= 0) & (ahead < n_periods)
    dense = np.full((len(names), len(series), n_periods), np.nan)
    for place, name in enumerate(names):
        dense[place, index[held], ahead[held]] = rows[name].to_numpy(float)[held]
    return MethodForecast(*dense)


def _baselines(known: Known, start: int, n_periods: int) -> dict[str, MethodForecast]:
    """Return the baselines' forecasts from the demand before column ``start``."""
    settings, grid = known.settings, known.settings.grid
    reach = 2 * settings.horizon + max(2 * grid.season, _LEVEL_DAYS // grid.days)
    past = known.panel.demand[:, max(start - reach, 0) : start].astype(float)
    levels = np.array(settings.forecast.quantiles)
    low, high = (int(np.abs(levels - level).argmin()) for level in _INTERVAL)
    return {
        name: MethodForecast(*(part[:, :n_periods] for part in (parts.mean, parts.quantiles[..., low], parts.quantiles[..., high])))
        for name, parts in baseline_methods(past, settings).items()
    } if past.shape[1] > settings.horizon else {}  # fmt: skip


def _interval_columns(settings: Settings) -> list[str]:
    levels = settings.forecast.quantiles
    nearest = [min(levels, key=lambda level: abs(level - requested)) for requested in _INTERVAL]
    return quantile_columns(tuple(nearest))


def _watched(known: Known) -> dict[tuple[str, str], np.ndarray]:
    """Return the arrays that the features read, up to the date of monitoring, by table and column."""
    panel = known.panel
    named = {
        ("sales", "units_sold"): panel.units_sold, ("sales", "in_stock_rate"): panel.in_stock_rate,
        ("prices", "unit_price_eur"): panel.price, ("prices", "is_promoted"): panel.is_promoted,
        ("returns", "units_returned"): panel.returned,
        **{("regional", name): values for name, values in panel.regional.items()},
    }  # fmt: skip
    return {name: values[:, : panel.n_history] for name, values in named.items() if values is not None}


def _proposals(known: Known) -> pd.DataFrame:
    """Return the window's proposals, without outlook, with their current status."""
    warehouse = Warehouse(known.settings)
    dates = [day for day in warehouse.dates("transfer") if known.begin <= day < known.as_of]
    rows = pd.concat(
        [warehouse.read("transfer", day) for day in dates] or [empty_frame(warehouse.definition("transfer"))]
    )
    rows = rows[~rows["is_outlook"].astype(bool)]
    decided = states(warehouse.read("decision")).set_index("proposal_id")[["status", "units"]]
    parts = decided.reindex(rows["proposal_id"])
    return rows.assign(status=parts["status"].fillna("proposed").to_numpy(), decided_units=parts["units"].to_numpy())


def _sold(known: Known) -> pd.DataFrame:
    """Return one row per period and series of the window: units sold, in-stock rate, mean forecast."""
    panel, n, series = known.panel, known.window, known.series
    expected = np.full((len(series), n), np.nan)
    for origin in Warehouse(known.settings).dates("forecast"):
        behind = (known.as_of - origin).days // known.settings.grid.days
        if 0 < behind <= n:
            n_periods = min(known.settings.horizon, behind)
            expected[:, n - behind : n - behind + n_periods] = _forecast(known, origin, n_periods).mean
    sold = panel.units_sold[:, -n:].astype(float)
    row, period = np.nonzero(np.isfinite(sold))
    stock = panel.in_stock_rate
    in_stock = (
        np.full(len(row), np.nan) if stock is None else stock[:, panel.n_history - n : panel.n_history][row, period]
    )
    return pd.DataFrame({
        "region": series["region"].to_numpy()[row], "units_sold": sold[row, period],
        "in_stock_rate": in_stock, "mean_units": expected[row, period],
    })  # fmt: skip


def _services(known: Known) -> pd.DataFrame:
    warehouse = Warehouse(known.settings)
    dates = [day for day in warehouse.dates("service") if known.begin <= day < known.as_of]
    return pd.concat(
        [warehouse.read("service", day) for day in dates] or [empty_frame(warehouse.definition("service"))]
    )


def _lateness(known: Known) -> pd.DataFrame:
    parcels, lanes = known.tables.get("deliveries"), known.tables.get("lanes")
    if parcels is None or lanes is None:
        return empty_frame(Warehouse(known.settings).definition("lane_lateness")).drop(columns="as_of")
    is_recent = parcels["date"] >= pd.Timestamp(known.begin)
    return lateness(parcels[is_recent].reset_index(drop=True), lanes)


def _findings(known: Known, frames: dict[str, pd.DataFrame], today: date) -> list[Finding]:
    limits, tables, warehouse = known.settings.monitoring, known.tables, Warehouse(known.settings)
    sales, stock, inbound = tables["sales"], tables.get("stock"), tables.get("inbound")
    last = {str(region): day.date() for region, day in sales.groupby("region", observed=True)["date"].max().items()}
    last = {region: day + timedelta(days=known.settings.grid.days - 1) for region, day in last.items()}
    counted = None if stock is None or stock.empty else stock["date"].max().date()
    plans = [day for day in warehouse.dates("plan") if day <= known.as_of]
    return [
        *findings.stale_data(last, counted, today, limits),
        *(findings.overdue_arrivals(inbound, known.as_of) if inbound is not None else ()),
        *findings.forecast_findings(frames["accuracy"], limits),
        *findings.drifted_inputs(frames["drift"], limits),
        *(findings.wide_gap(warehouse.read("plan", plans[-1]), _max_gap_rate(known.settings)) if plans else ()),
        *findings.poor_service(frames["service_follow_up"], limits),
        *findings.late_lanes(frames["lane_lateness"], limits),
    ]


def _max_gap_rate(settings: Settings) -> float:
    parts = settings.monitoring.max_gap_rate
    return settings.positioning.max_gap_rate if parts is None else parts


def record_of(settings: Settings, result: MonitoringResult) -> Record:
    """Return monitoring as a record for MLflow: accuracy first, then findings, headline figures, all tables."""
    metrics, sentence = _headline(result.frames["accuracy"])
    lines = [f"* {finding.kind}: {finding.action}" for finding in result.findings]
    tables = {f"{name}.json": _plain(frame) for name, frame in result.frames.items() if len(frame)}
    return Record(
        name=f"monitor {result.as_of}",
        moment=result.as_of,
        note="\n\n".join([f"**{sentence}**", "\n".join(lines) or "No findings."]),
        tags={
            "stage": TOPIC,
            "as_of": str(result.as_of),
            "pipeline": settings.name,
            "inputs_fingerprint": result.fingerprint,
        },
        params={f"monitoring.{name}": value for name, value in settings.monitoring.model_dump(mode="json").items()},
        metrics=metrics | {"findings": float(len(result.findings))},
        tables=tables,
    )


def record_monitoring(settings: Settings, result: MonitoringResult) -> str:
    """Record monitoring in MLflow and return the run's id; raises ``StageError`` if MLflow cannot be reached."""
    return Tracker(settings, TOPIC, NOTE).record(record_of(settings, result))


def accuracy_sentence(result: MonitoringResult) -> str:
    """Return the accuracy of the window's forecasts and of the best baseline in one sentence."""
    return _headline(result.frames["accuracy"])[1]


def _headline(accuracy: pd.DataFrame) -> tuple[dict[str, float], str]:
    if accuracy.empty:
        return {}, "No earlier forecast is in the window."
    sums, baseline = overall(accuracy), best_baseline(accuracy)
    selected = sums.loc[FORESTOCK].astype(float).to_dict()
    metrics = {"wape": selected["wape_rate"], "bias": selected["bias_rate"], "coverage_950": selected["coverage_rate"]}
    sentence = f"WAPE {selected['wape_rate']:.3f}, bias {selected['bias_rate']:+.1%}, {selected['coverage_rate']:.0%} of actuals inside the 95% interval"
    if baseline is None:
        return metrics, f"{sentence}; no baseline had enough history."
    other = sums.loc[baseline].astype(float).to_dict()
    metrics |= {"wape_baseline": other["wape_rate"], "bias_baseline": other["bias_rate"]}
    return metrics, f"{sentence}; {baseline.replace('_', ' ')} {other['wape_rate']:.3f}, {other['bias_rate']:+.1%}."


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of plain numbers and texts, as MLflow's tables take them."""
    dated = {str(name): frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    whole = {str(name): "float64" for name in frame.select_dtypes(["Int64", "boolean"])}
    return frame.assign(**dated).astype(whole)
