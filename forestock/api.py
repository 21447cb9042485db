"""The steps of a run as functions on frames: read, train, forecast, plan, replay. Only ``replay`` writes.

The pipeline does the same and keeps every result in the warehouse (``pipeline.run``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from foundation.assumptions import Assumption
from foundation.errors import ConfigurationError, InputError, nearest
from foundation.periods import day_of
from foundation.settings import Settings
from pipeline import configuration

if TYPE_CHECKING:
    from forestock.network import Network
    from foundation.validation.validate import Needs
    from models.demand_model import DemandModel
    from pipeline.replay import Simulation

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True, repr=False)
class Inputs:
    """Input tables that passed validation, cut to what is known at ``as_of``.

    Attributes
    ----------
    settings
        The settings they were read with.
    as_of
        Planning date; the first forecast period starts on it.
    tables
        Frames by table name, in the columns of the contract.
    warnings
        Sentences about doubtful rows.
    assumptions
        Defaults chosen for data that was not provided, the most money first.
    """

    settings: Settings
    as_of: date
    tables: Frames
    warnings: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {len(frame):,}" for name, frame in self.tables.items())
        return f"Inputs of {self.as_of} (rows: {rows}; {len(self.warnings)} warnings)"

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return one table; raises ``InputError`` if it was not provided."""
        if table not in self.tables:
            raise InputError(f"table {table!r} was not provided{nearest(str(table), list(self.tables))}")
        return self.tables[table]


@dataclass(frozen=True, repr=False)
class Forecast:
    """A demand forecast.

    Attributes
    ----------
    periods
        Table ``forecast``: one row per date, region and SKU with mean and quantiles, units per period.
    windows
        Table ``forecast_window``: the same for sums over the first ``window_days`` days.
    correlation
        Table ``forecast_dependence``: error correlation by SKU, over days and over regions.
    """

    periods: pd.DataFrame
    windows: pd.DataFrame
    correlation: pd.DataFrame

    def __repr__(self) -> str:
        n_series = len(self.correlation) and self.periods.groupby(["region", "sku"], observed=True).ngroups
        first, last = self.periods["date"].min(), self.periods["date"].max()
        return f"Forecast of {n_series:,} series, {first:%Y-%m-%d} to {last:%Y-%m-%d}"

    @property
    def frames(self) -> Frames:
        """The tables by their names in docs/tables.md."""
        return {"forecast": self.periods, "forecast_window": self.windows, "forecast_dependence": self.correlation}


@dataclass(frozen=True, repr=False)
class Plan:
    """A plan with its lower bound and its explanation.

    Attributes
    ----------
    as_of
        Planning date.
    currency
        Currency of all amounts; columns keep the suffix ``_eur``.
    frames
        Every output table of docs/tables.md by name.
    refusals
        Reasons of the plan gate; empty if the plan passed.
    """

    as_of: date
    currency: str
    frames: Frames
    refusals: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = len(self.proposals)
        return (
            f"Plan of {self.as_of}: {count:,} proposal{'' if count == 1 else 's'}, saves {self.savings_eur:,.2f} "
            f"{self.currency} of {self.total_eur + self.savings_eur:,.2f}, optimality gap {self.gap_rate:.2%}"
        )

    @property
    def proposals(self) -> pd.DataFrame:
        """Table ``transfer``: proposed shipments, one row per line, units whole."""
        return self.frames["transfer"]

    @property
    def bound_eur(self) -> float:
        """Lower bound on the expected cost of any plan on the same demand scenarios, in the currency."""
        return float(self._row["lower_bound_eur"])

    @property
    def total_eur(self) -> float:
        """Expected cost of the plan, in the currency."""
        return float(self._row["total_eur"])

    @property
    def savings_eur(self) -> float:
        """Expected cost of shipping nothing minus that of the plan, in the currency."""
        return float(self._row["total_eur_before"] - self._row["total_eur"])

    @property
    def gap_rate(self) -> float:
        """Optimality gap: (cost − lower bound) ÷ cost, 0 to 1."""
        return float(self._row["gap_rate"])

    @property
    def _row(self) -> pd.Series:
        return self.frames["plan"].iloc[0]

    def explain(self, sku: str) -> str:
        """Return why the lines of a SKU are proposed, one sentence per line, or what keeps it from being shipped.

        Raises ``InputError`` for a SKU that is not in the plan.
        """
        return "\n".join(self._sentences(sku))

    def _sentences(self, sku: str) -> Iterator[str]:
        known = sorted(set(self.frames["position"]["sku"].astype("str")))
        if sku not in known:
            raise InputError(f"SKU {sku!r} is not in the plan{nearest(str(sku), known)}")
        lines = self.proposals[self.proposals["sku"] == sku]
        for line in lines.itertuples():
            yield (
                f"{line.units:,.0f} from {line.origin} to {line.destination}, leaves {line.ship_date:%Y-%m-%d}, "
                f"saves {line.benefit_eur:,.2f} {self.currency}: {line.reason}"
            )
        findings = self.frames["exception"]
        for row in findings[findings["sku"] == sku].itertuples():
            yield f"{row.kind}: {row.action}"
        if lines.empty:
            yield f"No shipment of {sku} saves more than it costs."


def load_settings(name_or_path: str | Path, **overrides: Any) -> Settings:
    """Return the settings of a configuration file, or of a bundled one by its name, with changed keys.

    Parameters
    ----------
    name_or_path
        A YAML file, or a name such as ``"demo"``.
    overrides
        Changed keys; a section is a mapping (``forecast={"history_days": 365}``).

    Raises
    ------
    ConfigurationError
        With one line per mistake.
    """
    try:
        return configuration.load_settings(name_or_path, values=dict(_dotted(overrides)))
    except ConfigurationError as error:
        raise ConfigurationError(*(line.replace("--set", "the arguments") for line in error.lines)) from None


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value) if isinstance(value, Path) else value


def read_inputs(settings: Settings, as_of: date | str | None = None, needs: Needs = "rebalance") -> Inputs:
    """Read and validate the configured input tables, cut to what is known at ``as_of``.

    Parameters
    ----------
    settings
        What to read and how.
    as_of
        Planning date; None is the period after the last sales row.
    needs
        ``"rebalance"``, or ``"forecast"`` for inputs without a network.

    Raises
    ------
    InputError
        With one line per fault.
    """
    from foundation.store.snapshot import validate_inputs

    _check(settings, Settings, "read_inputs(settings)", "load_settings")
    if needs not in ("forecast", "rebalance"):
        raise InputError(f"needs: {needs!r} is neither 'forecast' nor 'rebalance'")
    validation = validate_inputs(settings, None if as_of is None else day_of(as_of, "as_of"), needs)
    if validation.stops or validation.as_of is None:
        raise InputError(*(str(fault) for fault in validation.faults))
    return Inputs(settings, validation.as_of, validation.tables, validation.warnings, validation.assumptions)


def train(inputs: Inputs) -> DemandModel:
    """Return a demand model trained on everything known at ``inputs.as_of``.

    Raises
    ------
    InputError
        If the history is too short.
    """
    import models
    from features.matrix import training_set
    from features.panel_builder import build_panel

    _check(inputs, Inputs, "train(inputs)", "read_inputs")
    panel = build_panel(inputs.tables, inputs.settings, inputs.as_of)
    return models.train(training_set(panel, inputs.settings), inputs.settings, inputs.as_of)


def forecast(inputs: Inputs, model: DemandModel) -> Forecast:
    """Return the demand forecast of every series for ``settings.horizon`` periods from ``inputs.as_of``."""
    import models
    from features.matrix import forecast_matrix
    from features.panel_builder import build_panel

    _check(inputs, Inputs, "forecast(inputs, model)", "read_inputs")
    _check(model, models.DemandModel, "forecast(inputs, model)", "train")
    panel = build_panel(inputs.tables, inputs.settings, inputs.as_of)
    frames = models.forecast(model, forecast_matrix(panel, inputs.settings), inputs.settings, inputs.as_of)
    return Forecast(frames["forecast"], frames["forecast_window"], frames["forecast_dependence"])


def plan(inputs: Inputs | Network, demand: Forecast | None = None) -> Plan:
    """Return the cost-optimal shipments of the planning date, within a proven optimality gap.

    Parameters
    ----------
    inputs
        Validated tables, or a network built in code, which brings its own demand.
    demand
        A forecast; required with ``Inputs``.

    Raises
    ------
    InputError
        For ``Inputs`` without a forecast, or with one line per fault of a network.
    """
    from forestock.network import Network
    from positioning.plan import gate
    from positioning.plan import plan as planned

    if isinstance(inputs, Network):
        tables, forecasts, settings, as_of = inputs.tables(), inputs.forecasts(), inputs.settings, inputs.as_of
    else:
        _check(inputs, Inputs, "plan(inputs, demand)", "read_inputs or a Network")
        _check(demand, Forecast, "plan(inputs, demand)", "forecast")
        assert demand is not None  # noqa: S101 - for the type checker: it is a Forecast
        tables, forecasts, settings, as_of = inputs.tables, demand.frames, inputs.settings, inputs.as_of
    frames = planned(tables, forecasts, settings, as_of)
    return Plan(as_of, settings.currency, frames, tuple(gate(frames, settings)))


def replay(settings: Settings, start: date | str, end: date | str, n_decisions: int | None = None) -> Simulation:
    """Replay the plan's decisions, and those of baselines, against actual demand.

    Forecasts of past dates are kept in ``settings.warehouse``.

    Parameters
    ----------
    settings
        What to read, forecast and plan with.
    start
        First planning date.
    end
        Last date of demand, included.
    n_decisions
        Number of planning dates, from ``start`` on, with decisions; None is all.

    Raises
    ------
    ConfigurationError
        For dates off the grid of periods.
    InputError
        If sales or stock do not cover the span.
    """
    from pipeline.replay import Span, run_simulation

    _check(settings, Settings, "replay(settings, start, end)", "load_settings")
    span = Span(day_of(start, "start"), day_of(end, "end"), n_decisions)
    try:
        return run_simulation(settings, span)
    except ConfigurationError as error:
        raise ConfigurationError(*(line.replace("--", "") for line in error.lines)) from None


def _check(value: object, kind: type, call: str, source: str) -> None:
    """Raise ``InputError`` if an argument of ``call`` is not what ``source`` returns."""
    if not isinstance(value, kind):
        raise InputError(f"{call}: expected the result of {source}, got {type(value).__name__}")
