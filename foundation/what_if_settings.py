"""The section of one what-if. Not here: the other sections (``foundation.settings``) or what a change does (positioning)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from foundation.section import LONGEST_NAME, Amount, Factor, LeadDays, Names, Section


class WhatIf(Section):
    """One change of a night's inputs, planned again and compared with the plan of record."""

    name: str = Field(
        max_length=LONGEST_NAME, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="What the what-if is called."
    )
    closed_hubs: Names = Field((), description="Hubs that neither receive, send nor deliver from the night on.")
    lost_lanes: Names = Field((), description="Lanes that do not run.")
    demand_factor: dict[str, Factor] = Field({}, description="Demand times this, by region; `all`: every region.")
    transport_factor: dict[str, Factor] = Field(
        {}, description="Transport prices times this, by lane, mode or kind; `all`: every lane."
    )
    added_lead_days: dict[str, LeadDays] = Field({}, description="Days a lane takes longer, by lane, mode or kind.")
    added_loads: dict[str, Amount] = Field({}, description="More loads per departure, by lane, mode or kind.")
    added_storage_l: dict[str, Amount] = Field({}, description="More litres of storage, by hub; negative: less.")
    added_inbound_units: dict[str, Amount] = Field({}, description="More units a hub can receive in a period, by hub.")
    added_outbound_units: dict[str, Amount] = Field(
        {}, description="More units a hub can transfer out in a period, by hub."
    )
    positioning: dict[str, Any] = Field(
        {}, description="Keys of `positioning` with other values, e.g. `carbon_eur_per_t`."
    )
