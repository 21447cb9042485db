"""The section ``forecast.lightgbm``: how the trees are grown. Not here: the learner (``models.kinds.lightgbm_tweedie``)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from foundation.section import Positive, Section


class LightGBM(Section):
    """How LightGBM's trees are grown."""

    trees: Annotated[int, Field(ge=1, le=20_000)] = Field(250, description="Most trees one model may have.")
    num_leaves: Annotated[int, Field(ge=2, le=4_096)] = Field(63, description="LightGBM leaves per tree.")
    learning_rate: Annotated[float, Field(ge=0.0001, le=1)] = Field(0.07, description="LightGBM learning rate.")
    min_data_in_leaf: Positive = Field(150, description="Fewest rows in a leaf.")
    tweedie_variance_power: Annotated[float, Field(ge=1, lt=2)] = Field(
        1.1, description="Variance power of the Tweedie objective."
    )
