"""The section of looking back. Not here: the other sections (``foundation.settings``) or the looking back (monitoring)."""

from __future__ import annotations

from pydantic import Field

from foundation.section import Days, NonNegative, Rate, Section


class Monitoring(Section):
    """When what came of earlier nights is worth an event and a line among the findings."""

    window_days: Days = Field(28, description="How far back forecasts, inputs, plans and parcels are looked at.")
    min_scored_units: NonNegative = Field(
        50.0, description="Fewest units demanded in a region and segment for its errors to be reported."
    )
    max_bias_rate: NonNegative = Field(
        0.15, description="Bias of a region and segment, week after week to the same side, above which it is reported."
    )
    max_stability_index: NonNegative = Field(
        0.25,
        description="Population stability index above which an input has drifted, unless its earlier weeks were as unlike.",
    )
    min_coverage_rate: Rate = Field(
        0.85, description="Share of actuals inside the 95 % interval below which the forecast is reported."
    )
    min_fill_rate: Rate = Field(0.95, description="Realised fill rate of a region below which it is reported.")
    max_late_rate: Rate = Field(0.1, description="Expected share of late parcels of a lane above which it is reported.")
    max_gap_rate: Rate | None = Field(
        None, description="Gap of the newest plan to its bound above which it is reported; default: the gate's limit."
    )
    max_sales_age_days: Days = Field(3, description="Age of a region's last sales above which its data are stale.")
    max_stock_age_days: Days = Field(8, description="Age of the stock snapshot above which it is stale.")
