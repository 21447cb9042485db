"""Settings: what a configuration may say, each key with its published sentence and default.

The models are frozen and forbid unknown keys. Reading the YAML file and ``--set`` overrides is
``foundation.configuration``; the sentences below print ``docs/settings.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from foundation.lightgbm_settings import LightGBM
from foundation.operation_settings import Decisions, Monitoring, Retention, WhatIf
from foundation.periods import WEEKDAYS, Frequency, is_closed_day, parse_day
from foundation.section import LONGEST_NAME, Day, Days, DaysOrNone, Money, Names, Positive, Rate, Section, Seed, Threads


class Inputs(Section):
    """Where the input tables are and what happens to faulty rows."""

    path: str = Field(
        "samples/demo",
        min_length=1,
        description="Folder or fsspec URL of the tables, or a SQL database URL. A relative path starts at the configuration's folder.",
    )
    format: Literal["auto", "csv", "parquet", "delta", "sql"] = Field(
        "auto", description="How the tables are stored; `auto` looks at each table's ending."
    )
    on_fault: Literal["stop", "quarantine"] = Field(
        "stop", description="What faults of single rows do: stop the run, or set the rows aside and go on."
    )
    on_warning: Literal["warn", "stop"] = Field(
        "warn",
        description="What warnings about missing, cut or old data do: warn, or stop the run before it writes anything (exit code 2).",
    )
    quarantine_rate: Rate = Field(
        0.005, description="Largest share of a table's rows that may be set aside before the run stops all the same."
    )
    drop_columns: Names = Field((), description="Columns to drop at the door, for example columns about persons.")
    keep_snapshots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        3, description="How many accepted input snapshots the warehouse keeps for re-reading."
    )


class Series(Section):
    """What a series is and what is known about it."""

    hierarchy: Names = Field(
        ("department", "category"), description="Columns of `skus`, finest first, that group skus."
    )
    features: Names = Field((), description="Extra numeric columns of `skus`, `regions` or `sales` used as features.")
    known_in_advance: Names = Field(
        (), description="Columns of `regional` known for future dates; all others are observed only."
    )
    missing_sales: Literal["zero", "unknown"] = Field(
        "zero", description="What a missing row between a series' first row and `as_of` means."
    )
    closed_days: Names = Field(
        (),
        description="Days without trade: dates (2015-12-25), month-days (12-25) or weekdays (Sun). They are left out of training.",
    )
    country_holidays: Names = Field((), description="ISO country codes whose public holidays join the calendar.")

    @field_validator("closed_days")
    @classmethod
    def _days_words(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for day in days:
            if not is_closed_day(day):
                raise ValueError(f"{day!r} is not a date (2015-12-25), a month-day (12-25) or a weekday (Sun)")
        if {day.upper() for day in days} >= set(WEEKDAYS):
            raise ValueError("names all seven weekdays; leave out those with trade")
        return days


class Forecast(Section):
    """How demand is forecast."""

    moved: ClassVar[Mapping[str, tuple[str, str]]] = {
        name: ("lightgbm", name)
        for name in ("trees", "num_leaves", "learning_rate", "min_data_in_leaf", "tweedie_variance_power")
    }

    quantiles: tuple[Rate, ...] = Field(
        (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995),
        description="Quantile levels of the forecast, ascending.",
    )
    window_days: tuple[Days, ...] = Field(
        (7, 14, 28), description="Lengths in days of the windows from `as_of` whose sums are forecast."
    )
    families: Names | None = Field(
        None, description="Feature families in use; null: every registered one. See docs/forecasting.md."
    )
    ignored_features: Names = Field(
        (),
        description="Single features the model does not see, by name: `region` where a region has a handful of series. "
        "Without `seasonal_recent` the recent mean is no part of a weekly forecast either; totals see all features.",
    )
    cpu_minutes: Annotated[float, Field(ge=0.001, le=10_000)] = Field(
        1.5, description="CPU budget of one training; it sets rows and trees, and what was given up is said."
    )
    train_every_days: Days = Field(
        7, description="Days between training dates; a night uses the model of the last training date on or before it."
    )
    train_until: Day | None = Field(
        None, description="Last training date that may be used, to go back to an earlier model; null: the newest."
    )
    history_days: Annotated[int, Field(ge=1, le=36_600)] = Field(
        730, description="Days of history training origins are drawn from."
    )
    calibration_origins: Annotated[int, Field(ge=1, le=52)] = Field(
        4, description="Most out-of-sample origins used to fit bias factors and quantiles; many series need fewer."
    )
    threads: Threads = Field(2, description="Threads that features and LightGBM may use.")
    seed: Seed = Field(20160523, description="Seed of every random choice in training.")
    lightgbm: LightGBM = LightGBM()

    @field_validator("window_days", "families")
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
            raise ValueError("levels are named per mille: at most three decimals")
        return levels


class Positioning(Section):
    """How units are positioned."""

    kinds: tuple[Literal["transfer", "supply"], ...] = Field(
        ("transfer", "supply"), description="Which shipments may be proposed."
    )
    cover_days: Days | None = Field(
        None,
        description="Days of demand the plan looks at; default: the longest lead time in use plus `review_days`, at most the horizon.",
    )
    review_days: Days = Field(
        7, description="Days until a lane's next decision is expected to be usable again (the review period)."
    )
    buckets: Annotated[int, Field(ge=1, le=6)] = Field(
        3, description="Most buckets the cover window is cut into at arrival times; more are finer and slower."
    )
    scenarios: Annotated[int, Field(ge=1, le=1_000)] = Field(
        30, description="Joint demand paths the plan is optimised on."
    )
    out_of_sample_scenarios: Annotated[int, Field(ge=1, le=20_000)] = Field(
        500, description="Fresh demand paths the plan is judged on."
    )
    seed: Seed = Field(7, description="Seed of the demand paths; common from night to night.")
    carbon_eur_per_t: Money = Field(0.0, description="Price of a tonne of CO2e.")
    churn_eur_per_unit: Money = Field(0.05, description="Price on every unit moved, so that plans do not twitch.")
    handling_eur_per_unit: Money = Field(0.0, description="Cost of picking and putting away one transferred unit.")
    block_days: DaysOrNone = Field(14, description="Days during which units are not sent back the way they came.")
    min_benefit_eur: Money = Field(1.0, description="A line is proposed only where its benefit is at least this.")
    min_move_units: Positive = Field(1, description="Fewest units of a transfer line.")
    max_gap_rate: Rate = Field(0.03, description="Gate: the plan is refused above this gap to the lower bound.")
    max_stock_age_days: Days = Field(35, description="Oldest stock snapshot that may be planned on.")
    ready_at: str = Field(
        "06:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Local time at each hub at which a night's plan is ready; cut-offs before it are missed.",
    )
    overdue_days: DaysOrNone = Field(2, description="Days after `as_of` at which overdue arrivals are expected.")
    max_overdue_days: DaysOrNone = Field(
        60,
        description="Days an arrival may be overdue at the stock snapshot; beyond them it stops counting and is reported.",
    )
    release_timeout_days: Days = Field(
        3, description="Days after which a released proposal not seen in `inbound` stops counting and is flagged."
    )
    default_holding_rate_per_year: Annotated[float, Field(ge=0, le=100)] = Field(
        0.25, description="Holding rate where a hub has none."
    )
    terminal_value_rate: Rate = Field(
        0.98, description="Share of unit cost a leftover unit is worth at the end of the cover window."
    )
    end_wait_days: Days | None = Field(
        None,
        description="Longest wait for demand beyond the cover window that a leftover unit is charged keeping for; null: all of it.",
    )
    processes: Threads = Field(2, description="Processes that share the skus; the plan is the same for any number.")


class Review(Section):
    """What the planner's page shows."""

    title: str = Field("Forestock plan", max_length=200, description="Heading of the page.")
    top_proposals: Annotated[int, Field(ge=1, le=1_000)] = Field(10, description="Proposals in the summary table.")
    curves_mb: Annotated[float, Field(ge=0, le=1_000)] = Field(
        2.5, description="Megabytes of forecast curves on the page; skus beyond them, best first, show totals only."
    )


class Settings(Section):
    """A whole configuration."""

    _read_from: tuple[str, ...] = PrivateAttr(())
    name: str = Field(
        "forestock",
        max_length=LONGEST_NAME,
        pattern=r"^[a-z][a-z0-9_-]*$",
        description="Name of the pipeline: its MLflow experiment and registered model carry it.",
    )
    frequency: str = Field("D", description="`D` for days or `W-MON` … `W-SUN` for weeks by their first weekday.")
    horizon: Annotated[int, Field(ge=1, le=400)] = Field(
        28, description="Periods that are forecast, counted from `as_of`."
    )
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="The one currency of all money columns.")
    warehouse: str = Field(
        "warehouse",
        min_length=1,
        description="Folder or fsspec URL of the output tables; a relative path starts at the configuration's folder.",
    )
    tracking_uri: str | None = Field(
        None,
        min_length=1,
        description="MLflow tracking URI; default: a SQLite file in the warehouse. A relative path of a SQLite URL starts at the configuration's folder.",
    )
    inputs: Inputs = Inputs()
    series: Series = Series()
    forecast: Forecast = Forecast()
    positioning: Positioning = Positioning()
    decisions: Decisions = Decisions()
    review: Review = Review()
    monitoring: Monitoring = Monitoring()
    retention: Retention = Retention()
    what_if: tuple[WhatIf, ...] = Field(
        (), description="Changed inputs that `forestock what-if` plans; see docs/what-if.md."
    )

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
        """The options of a command that read these settings: the configuration and overridden places; empty without a file."""
        return self._read_from

    def reading_from(self, options: tuple[str, ...]) -> Settings:
        """Return these settings with the options a command needs to read them again."""
        copy = self.model_copy()
        copy._read_from = options
        return copy

    @property
    def grid(self) -> Frequency:
        """The grid of periods."""
        return Frequency(self.frequency)

    def training_date(self, as_of: date) -> date:
        """Return the training date whose model the night of ``as_of`` uses, none after ``forecast.train_until``."""
        latest = min(as_of, self.forecast.train_until or as_of)
        return self.grid.training_date(latest, self.forecast.train_every_days)


def quantile_columns(levels: tuple[float, ...]) -> list[str]:
    """Return the column of each level: ``q`` and per mille in three digits, 0.975 → ``q975``."""
    return [f"q{round(level * 1000):03d}" for level in levels]


def parse_as_of(text: str | date) -> date:
    """Return the date of an ISO string; raises ``ConfigurationError`` for anything else or a year beyond the calendar's."""
    from foundation.errors import ConfigurationError

    if isinstance(text, date):
        return text
    try:
        return parse_day(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
