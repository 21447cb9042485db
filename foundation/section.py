"""What every section of a configuration is, and the kinds of numbers keys hold. Not here: the keys (``foundation.settings``)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A frozen section that knows its keys: an unknown one is an error, a default is checked like a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
