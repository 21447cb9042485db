"""Settings of LightGBM: the section ``forecast.lightgbm``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from foundation.section import Positive, Rate, Section


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
