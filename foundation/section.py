"""Base class of configuration sections, and types of their values.

Every number has a lower and an upper bound, because a value outside them would fail inside a library or take days to compute.
"""

from __future__ import annotations

import logging
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
Seconds = Annotated[float, Field(gt=0, le=3_600)]
Rate = Annotated[float, Field(ge=0, le=1)]
Day = Annotated[date, BeforeValidator(_day)]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]


class Section(BaseModel):
    """A frozen section that knows its keys: an unknown one is an error, a default is checked like a value.

    Numbers are finite and ``true`` is not one of them; texts are at most 2,000 characters without control characters.

    Attributes
    ----------
    moved : former key → (section, key below that section): still accepted, with a warning that names the new key.

    """

    moved: ClassVar[Mapping[str, tuple[str, str]]] = {}

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
        for text in flat:
            if isinstance(text, str) and any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
                raise ValueError("holds a control character; remove it")
        return value
