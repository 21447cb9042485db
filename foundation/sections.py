"""Sections of a configuration: their base class and types, and those of LightGBM, what-ifs, monitoring, and retention.

Every number has a lower and an upper bound, because a value outside them would fail inside a library or take days to compute. Not
here: decisions and exports (``decision_sections``), the other sections and the whole (``settings``).
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from foundation.periods import parse_day

log = logging.getLogger(__name__)

LONGEST_NAME = 64


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for place, name in enumerate(names):
        if not name.strip():
            raise ValueError("holds an empty name")
        if name in names[:place]:
            raise ValueError(f"names {name!r} more than once; name it once")
    return names


def _day(value: Any) -> Any:
    """Parse numbers as text, because pydantic would read them as seconds since 1970."""
    return parse_day(str(value)) if isinstance(value, str | int | float) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must not be 0")
    return value


Positive = Annotated[int, Field(ge=1, le=1_000_000)]
Threads = Annotated[int, Field(ge=1, le=256)]
Days = Annotated[int, BeforeValidator(_number), Field(ge=1, le=3_660)]
DaysOrNone = Annotated[int, Field(ge=0, le=3_660)]
Seed = Annotated[int, Field(ge=0, le=2_000_000_000)]
NonNegative = Annotated[float, Field(ge=0, le=1e12)]
Money = Annotated[float, Field(ge=0, le=1e9)]
Amount = Annotated[float, BeforeValidator(_number), Field(ge=-1e12, le=1e12)]
LeadDays = Annotated[int, BeforeValidator(_number), Field(ge=-365, le=365)]
Factor = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1_000)]
Width = Annotated[int, BeforeValidator(_number), Field(ge=1, le=64)]
Scale = Annotated[float, BeforeValidator(_number), Field(ge=-1e9, le=1e9), AfterValidator(_not_zero)]
Seconds = Annotated[float, Field(gt=0, le=3_600)]
Rate = Annotated[float, Field(ge=0, le=1)]
Day = Annotated[date, BeforeValidator(_day)]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]


class Section(BaseModel):
    """A frozen section that knows its keys: an unknown one is an error, a default is checked like a value.

    Numbers are finite and ``true`` is not one of them; texts are at most 2,000 characters without control characters.

    Attributes
    ----------
    moved
        Former key → (section, key below that section): still accepted, with a warning that names the new key.
    several_lines
        Keys whose text may have several lines.

    """

    moved: ClassVar[Mapping[str, tuple[str, str]]] = {}
    several_lines: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, str_max_length=2_000
    )

    @model_validator(mode="before")
    @classmethod
    def _with_moved_keys(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not cls.moved.keys() & values.keys():
            return values
        kept = {key: value for key, value in values.items() if key not in cls.moved}
        prefix = f"{cls.__name__.lower()}."
        for former in [key for key in values if key in cls.moved]:
            section, key = cls.moved[former]
            inner = kept.get(section, {})
            inner = inner.model_dump(exclude_unset=True) if isinstance(inner, BaseModel) else dict(inner)
            if key in inner:
                raise ValueError(f"{former} is the former name of {section}.{key}; remove one of the two")
            kept[section] = inner | {key: values[former]}
            log.warning("%s%s is deprecated; write %s%s.%s", prefix, former, prefix, section, key)
        return kept

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[info.field_name].annotation if info.field_name else None
        if isinstance(value, bool) and annotation is not bool:
            raise ValueError("true and false are not values of this key")
        flat: list[Any] = [value]
        if isinstance(value, list | tuple):
            flat = list(value)
        elif isinstance(value, Mapping) and get_origin(annotation) is dict:
            flat = [*value, *value.values()]
        if info.field_name in cls.several_lines:
            flat = [re.sub(r"[\r\n\t]", " ", text) if isinstance(text, str) else text for text in flat]
        for text in flat:
            if isinstance(text, str) and any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
                raise ValueError("holds a control character; remove it")
        return value


class LightGBM(Section):
    """Settings of LightGBM."""

    trees: Annotated[int, Field(ge=1, le=20_000)] = Field(250, description="Maximum number of trees of a model.")
    num_leaves: Annotated[int, Field(ge=2, le=4_096)] = Field(63, description="Leaves per tree.")
    learning_rate: Annotated[float, Field(ge=0.0001, le=1)] = Field(0.07, description="Learning rate.")
    min_data_in_leaf: Positive = Field(150, description="Minimum rows in a leaf.")
    tweedie_variance_power: Annotated[float, Field(ge=1, lt=2)] = Field(
        1.1, description="Variance power of the Tweedie objective."
    )
    seasonal_share: Rate = Field(
        1 / 3, description="Weight of the recent seasonal mean in weekly forecasts; the trees have the rest."
    )


class WhatIf(Section):
    """One change of a run's inputs, planned again and compared with the plan of record."""

    name: str = Field(max_length=LONGEST_NAME, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="Name of the what-if.")
    closed_hubs: Names = Field((), description="Hubs that do not receive, send, or deliver from the planning date on.")
    lost_lanes: Names = Field((), description="Lanes that do not run.")
    demand_factor: dict[str, Factor] = Field({}, description="Factor on demand, by region; `all`: every region.")
    transport_factor: dict[str, Factor] = Field(
        {}, description="Factor on transport prices, by lane, mode, or kind; `all`: every lane."
    )
    added_lead_days: dict[str, LeadDays] = Field({}, description="Days added to the lead time, by lane, mode, or kind.")
    added_loads: dict[str, Amount] = Field({}, description="Loads added per departure, by lane, mode, or kind.")
    added_storage_l: dict[str, Amount] = Field({}, description="Liters of storage added, by hub; negative: removed.")
    added_inbound_units: dict[str, Amount] = Field(
        {}, description="Units added to the inbound capacity per period, by hub."
    )
    added_outbound_units: dict[str, Amount] = Field(
        {}, description="Units added to the outbound capacity per period, by hub."
    )
    positioning: dict[str, Any] = Field(
        {}, description="Other values for keys of `positioning`, for example `carbon_eur_per_t`."
    )


class Monitoring(Section):
    """Thresholds of monitoring. A finding is reported as an event and as a row of `exception`."""

    window_days: Days = Field(28, description="Days of forecasts, inputs, plans, and parcels to evaluate.")
    min_scored_units: NonNegative = Field(
        50.0, description="Minimum units demanded in a region and segment for its errors to be reported."
    )
    max_bias_rate: NonNegative = Field(
        0.15, description="Maximum bias of a region and segment that has the same sign in every week."
    )
    max_stability_index: NonNegative = Field(
        0.25,
        description="Maximum population stability index of an input, unless the index of earlier weeks was as high.",
    )
    min_coverage_rate: Rate = Field(0.85, description="Minimum share of actuals inside the 95% interval.")
    min_fill_rate: Rate = Field(0.95, description="Minimum realized fill rate of a region.")
    max_late_rate: Rate = Field(0.1, description="Maximum expected share of late parcels of a lane.")
    max_gap_rate: Rate | None = Field(
        None, description="Maximum optimality gap of the newest plan; default: `positioning.max_gap_rate`."
    )
    max_sales_age_days: Days = Field(3, description="Maximum age of a region's last sales in days.")
    max_stock_age_days: Days = Field(8, description="Maximum age of the stock snapshot in days.")


class Retention(Section):
    """Retention periods of `forestock tidy`. Only that command removes data."""

    history_days: Positive = Field(
        365,
        description="Days for which replaced rows stay in a table's history. Current rows and append-only tables such as `decision` are kept forever.",
    )
    logs_days: Positive = Field(90, description="Days for which tracebacks of failed stages are kept.")
