"""Settings: the keys of a configuration, each with its description and default.

The models are frozen and forbid unknown keys. ``foundation.configuration`` reads the YAML file and ``--set`` overrides.
``docs/settings.md`` is generated from the descriptions below.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from foundation.cluster_section import ClusterSection
from foundation.decision_sections import Decisions
from foundation.mapping.section import TableMapping
from foundation.network_sections import Network
from foundation.periods import WEEKDAYS, Frequency, is_closed_day, parse_day
from foundation.sections import (
    LONGEST_NAME,
    Day,
    Days,
    DaysOrNone,
    LightGBM,
    Money,
    Monitoring,
    Names,
    Positive,
    Rate,
    Retention,
    Section,
    Seed,
    Threads,
    WhatIf,
)
from foundation.serve_section import Serve

COMBINED = "auto"  # the model kind that is combined with simple methods
EXTERNAL = "external"  # the model kind whose forecast is an input table
BY_STEP = "auto"  # the demand distribution that the step of demand chooses


class Inputs(Section):
    """Location of the input tables, and treatment of invalid rows."""

    path: str = Field(
        "samples/demo",
        min_length=1,
        description="Folder or fsspec URL of the tables, or a SQL database URL. A relative path starts at the configuration's folder.",
    )
    forecast: str | None = Field(
        None,
        min_length=1,
        description="Folder, fsspec URL, or SQL database URL of the tables of an external forecast, or the warehouse of another run; null: `path`. Read only where `forecast.model` or `forecast.models` names `external`.",
    )
    tables: dict[str, TableMapping] = Field(
        {},
        description="Input tables that are read from files or queries of another form, by name; the others are read from `path`. See docs/mapping.md.",
    )
    format: Literal["auto", "csv", "parquet", "delta", "sql"] = Field(
        "auto", description="Format of the tables; `auto` detects it from each file's extension."
    )
    on_fault: Literal["stop", "quarantine"] = Field(
        "stop", description="Action for faults in single rows: stop the run, or quarantine the rows and continue."
    )
    on_warning: Literal["warn", "stop"] = Field(
        "warn",
        description="Action for warnings about missing, truncated, or old data: warn, or stop the run before it writes anything (exit code 2).",
    )
    quarantine_rate: Rate = Field(
        0.005, description="Maximum share of a table's rows that can be quarantined; above it, the run stops."
    )
    drop_columns: Names = Field((), description="Columns to drop before validation, for example columns about persons.")
    keep_snapshots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        3, description="Number of accepted input snapshots that the warehouse keeps."
    )


class Series(Section):
    """Definition of the series, and information about them."""

    hierarchy: Names = Field((), description="Columns of `skus` that group SKUs, finest first.")
    features: Names = Field(
        (), description="Additional numeric columns of `skus`, `regions`, or `sales` that are used as features."
    )
    known_in_advance: Names = Field(
        (),
        description="Columns of `regional` that are known for future dates; all others are known only for past dates.",
    )
    missing_sales: Literal["zero", "unknown"] = Field(
        "zero", description="Meaning of a missing row between a series' first row and `as_of`: no sales, or unknown."
    )
    closed_days: Names = Field(
        (),
        description="Days without sales in every region: dates (2015-12-25), month-days (12-25), or weekdays (Sun). They are excluded from training. For a region that was closed alone, give rows with `units_sold` 0 and `in_stock_rate` 0.",
    )
    country_holidays: Names = Field(
        (), description="ISO country codes whose public holidays are added to the calendar."
    )

    @field_validator("closed_days")
    @classmethod
    def _days_words(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for day in days:
            if not is_closed_day(day):
                raise ValueError(f"{day!r} is not a date (2015-12-25), a month-day (12-25) or a weekday (Sun)")
        if {day.upper() for day in days} >= set(WEEKDAYS):
            raise ValueError("names all seven weekdays; remove those with sales")
        return days


class Forecast(Section):
    """Demand forecast."""

    moved: ClassVar[Mapping[str, tuple[str, str]]] = {
        name: ("lightgbm", name)
        for name in ("trees", "num_leaves", "learning_rate", "min_data_in_leaf", "tweedie_variance_power")
    }

    model: str = Field(
        COMBINED,
        min_length=1,
        max_length=LONGEST_NAME,
        description="Model kind: `auto` combines the kinds of `models` with simple methods; `external` takes the input table `external_forecast`; `lightgbm`, another kind of docs/forecasting.md, or an installed kind is used alone.",
    )
    models: Names = Field(
        ("lightgbm",), description="Model kinds that `auto` combines with simple methods, each with its own weights."
    )
    distribution: str = Field(
        BY_STEP,
        min_length=1,
        max_length=LONGEST_NAME,
        description="Demand distribution: `auto` is a negative binomial for demand in steps and a gamma with zeros for any quantity; `negative_binomial`, `gamma`, or an installed one is used for all.",
    )
    quantiles: tuple[Rate, ...] = Field(
        (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995),
        description="Quantile levels of the forecast, ascending.",
    )
    window_days: tuple[Days, ...] = Field(
        (7, 14, 28), description="Lengths in days of the windows, starting at `as_of`, whose sums are forecast."
    )
    families: Names | None = Field(
        None, description="Feature families in use; null: every registered one. See docs/forecasting.md."
    )
    ignored_features: Names = Field(
        (),
        description="Names of features that the model does not use, for example `region` if each region has only a few series. "
        "The model of totals uses all features.",
    )
    cpu_minutes: Annotated[float, Field(ge=0.001, le=10_000)] = Field(
        1.5,
        description="CPU budget of one training in minutes. It determines the number of rows and trees; `given_up` of the model lists what was reduced.",
    )
    train_every_days: Days = Field(
        7,
        description="Days between training dates. A run uses the model of the last training date on or before its planning date.",
    )
    train_until: Day | None = Field(
        None, description="Latest training date allowed, to return to an earlier model; null: no limit."
    )
    history_days: Annotated[int, Field(ge=1, le=36_600)] = Field(
        730, description="Days of history from which training origins are drawn."
    )
    calibration_origins: Annotated[int, Field(ge=1, le=52)] = Field(
        4,
        description="Maximum number of out-of-sample forecast origins for fitting bias factors and quantiles; with many series, fewer are used.",
    )
    threads: Threads = Field(2, description="Number of threads for features and LightGBM.")
    seed: Seed = Field(20160523, description="Random seed of training.")
    lightgbm: LightGBM = LightGBM()

    @property
    def is_external(self) -> bool:
        """Whether an external forecast is read."""
        return EXTERNAL in (self.models if self.model == COMBINED else (self.model,))

    @field_validator("window_days", "families", "models")
    @classmethod
    def _distinct(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if values is not None and (not values or len(set(values)) < len(values)):
            raise ValueError("must name at least one value, and each only once")
        return values

    @field_validator("quantiles")
    @classmethod
    def _ascending(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if list(levels) != sorted(set(levels)) or not levels or min(levels) <= 0 or max(levels) >= 1:
            raise ValueError("levels must ascend strictly inside (0, 1)")
        if any(abs(level * 1000 - round(level * 1000)) > 1e-9 for level in levels):
            raise ValueError("levels have at most three decimals")
        return levels


class Positioning(Section):
    """Inventory positioning."""

    kinds: tuple[Literal["transfer", "supply"], ...] = Field(
        ("transfer", "supply"), description="Kinds of shipments that can be proposed."
    )
    cover_days: Days | None = Field(
        None,
        description="Length of the cover window in days; default: the longest lead time in use plus `review_days`, at most the horizon.",
    )
    review_days: Days = Field(
        7, description="Review period: expected days until units of a lane's next decision can be usable."
    )
    buckets: Annotated[int, Field(ge=1, le=6)] = Field(
        3, description="Maximum number of time buckets in the cover window. More buckets are more exact and slower."
    )
    scenarios: Annotated[int, Field(ge=1, le=1_000)] = Field(
        30, description="Number of demand scenarios in the optimization."
    )
    out_of_sample_scenarios: Annotated[int, Field(ge=1, le=20_000)] = Field(
        500, description="Number of held-out scenarios on which savings are measured."
    )
    seed: Seed = Field(7, description="Random seed of the demand scenarios; the same in every run.")
    carbon_eur_per_t: Money = Field(0.0, description="Cost of a metric ton of CO2e.")
    churn_eur_per_unit: Money = Field(
        0.05, description="Churn penalty per moved unit. It dampens changes between plans and is not a cash cost."
    )
    handling_eur_per_unit: Money = Field(0.0, description="Cost of picking and putting away one transferred unit.")
    block_days: DaysOrNone = Field(
        14, description="Days during which units are not sent back to the place they came from."
    )
    min_benefit_eur: Money = Field(1.0, description="Minimum benefit of a proposed line.")
    min_move_units: Positive = Field(1, description="Minimum units of a transfer line.")
    max_gap_rate: Rate = Field(
        0.03,
        description="Plan gate: maximum optimality gap, as a share of the cost. A plan with a larger gap is refused.",
    )
    max_stock_age_days: Days = Field(35, description="Maximum age of the stock snapshot in days.")
    ready_at: str = Field(
        "06:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Local time at each hub at which the plan is ready. Departures with an earlier cut-off are missed.",
    )
    overdue_days: DaysOrNone = Field(2, description="Days after `as_of` until overdue arrivals are expected.")
    max_overdue_days: DaysOrNone = Field(
        60,
        description="Maximum days by which an arrival can be overdue at the stock snapshot. After that, it is reported and no longer counts.",
    )
    release_timeout_days: Days = Field(
        3,
        description="Days after which a released proposal that does not appear in `inbound` is reported and no longer counts.",
    )
    default_holding_rate_per_year: Annotated[float, Field(ge=0, le=100)] = Field(
        0.25, description="Holding rate of hubs without one."
    )
    terminal_value_rate: Rate = Field(
        0.98, description="Value of a leftover unit at the end of the cover window, as a share of its cost."
    )
    end_wait_days: Days | None = Field(
        None,
        description="Maximum days of holding cost, beyond the cover window, that a leftover unit is charged; null: until demand uses it.",
    )
    effort: Annotated[float, Field(ge=0.01, le=100)] = Field(
        1.0,
        description="Factor on the limits of the optimizer's searches. 2 takes up to twice as long and stops at half the gap; the lower bound is valid for any value.",
    )
    processes: Threads = Field(2, description="Number of worker processes. The plan is the same for any number.")


class Review(Section):
    """Content of the review page."""

    title: str = Field("Forestock plan", max_length=200, description="Title of the page.")
    top_proposals: Annotated[int, Field(ge=1, le=1_000)] = Field(
        10, description="Number of proposals in the summary table."
    )
    curves_mb: Annotated[float, Field(ge=0, le=1_000)] = Field(
        2.5,
        description="Megabytes of forecast curves on the page. SKUs with the largest benefits have priority; the others show only totals.",
    )


class Settings(Section):
    """A whole configuration."""

    _read_from: tuple[str, ...] = PrivateAttr(())
    name: str = Field(
        "forestock",
        max_length=LONGEST_NAME,
        pattern=r"^[a-z][a-z0-9_-]*$",
        description="Name of the pipeline. Its MLflow experiments and its registered model use this name.",
    )
    frequency: str = Field(
        "D", description="Length of a period: `D` for days, or `W-MON` … `W-SUN` for weeks that start on that weekday."
    )
    horizon: Annotated[int, Field(ge=1, le=400)] = Field(
        28, description="Number of periods to forecast, starting at `as_of`."
    )
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="Currency of all money columns.")
    warehouse: str = Field(
        "warehouse",
        min_length=1,
        description="Folder or fsspec URL of the output tables. A relative path starts at the configuration's folder.",
    )
    tracking_uri: str | None = Field(
        None,
        min_length=1,
        description="MLflow tracking URI; default: a SQLite file in the warehouse. A relative path in a SQLite URL starts at the configuration's folder.",
    )
    inputs: Inputs = Inputs()
    network: Network = Network()
    series: Series = Series()
    forecast: Forecast = Forecast()
    positioning: Positioning = Positioning()
    cluster: ClusterSection = ClusterSection()
    decisions: Decisions = Decisions()
    review: Review = Review()
    monitoring: Monitoring = Monitoring()
    retention: Retention = Retention()
    serve: Serve = Serve()
    what_if: tuple[WhatIf, ...] = Field((), description="Changes that `forestock what-if` plans; see docs/what-if.md.")

    @field_validator("frequency")
    @classmethod
    def _known_frequency(cls, code: str) -> str:
        Frequency(code)
        return code

    @field_validator("what_if")
    @classmethod
    def _few(cls, changes: tuple[WhatIf, ...]) -> tuple[WhatIf, ...]:
        if len(changes) > 100:
            raise ValueError("names more than 100 what-ifs; keep those in use")
        return changes

    @model_validator(mode="after")
    def _whole_windows(self) -> Settings:
        days = self.grid.days
        for window in self.forecast.window_days:
            if window % days or window > self.horizon * days:
                raise ValueError(
                    f"forecast.window_days: {window} is not whole periods within the horizon of {self.horizon * days} days"
                )
        return self

    @model_validator(mode="after")
    def _possible_what_ifs(self) -> Settings:
        names = [change.name for change in self.what_if]
        if len(set(names)) < len(names):
            raise ValueError("what_if: two have the same name")
        for change in self.what_if:
            self.under(change)
        return self

    def under(self, change: WhatIf) -> Settings:
        """Return these settings with the changed keys of ``positioning``; raises ``ValueError`` for a wrong one."""
        given = self.positioning.model_dump() | change.positioning
        try:
            return self.model_copy(update={"positioning": Positioning.model_validate(given)})
        except ValidationError as error:
            first = error.errors()[0]
            key, parts = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
            known = f"; known here: {', '.join(Positioning.model_fields)}" if first["type"] == "extra_forbidden" else ""
            raise ValueError(f"what_if {change.name}: positioning.{key}: {parts}{known}") from None

    @property
    def read_from(self) -> tuple[str, ...]:
        """Command options that read these settings again: the configuration and overridden paths; empty without a file."""
        return self._read_from

    def reading_from(self, options: tuple[str, ...]) -> Settings:
        """Return these settings with the command options that read them again."""
        copy = self.model_copy()
        copy._read_from = options
        return copy

    @property
    def grid(self) -> Frequency:
        """The grid of periods."""
        return Frequency(self.frequency)

    def training_date(self, as_of: date) -> date:
        """Return the training date whose model a run for ``as_of`` uses, at most ``forecast.train_until``."""
        latest = min(as_of, self.forecast.train_until or as_of)
        return self.grid.training_date(latest, self.forecast.train_every_days)


def quantile_columns(levels: tuple[float, ...]) -> list[str]:
    """Return the column name of each level: ``q`` and three digits in thousandths, 0.975 → ``q975``."""
    return [f"q{round(level * 1000):03d}" for level in levels]


def parse_as_of(text: str | date) -> date:
    """Return the date of an ISO string; raises ``ConfigurationError`` for other text and for years outside 1900 to 2199."""
    from foundation.errors import ConfigurationError

    if isinstance(text, date):
        return text
    try:
        return parse_day(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
