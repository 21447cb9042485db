"""Settings of what follows a plan: decisions, the outbox, exports, what-ifs, monitoring and retention.

Not here: the settings of inputs, the forecast and the plan (``foundation.settings``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from foundation.section import (
    LONGEST_NAME,
    Amount,
    Days,
    Factor,
    LeadDays,
    Names,
    NonNegative,
    Positive,
    Rate,
    Seconds,
    Section,
)


class Rule(Section):
    """One rule that decides proposals without a person; every condition that is given must hold."""

    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="What the rule is called; decisions it makes carry the name."
    )
    action: Literal["approve", "reject"] = Field("approve", description="What the rule does with what it matches.")
    kinds: tuple[Literal["transfer", "supply"], ...] = Field((), description="Kinds it applies to; empty: all.")
    lanes: Names = Field((), description="Lanes it applies to; empty: all.")
    origins: Names = Field((), description="Origins it applies to; empty: all.")
    destinations: Names = Field((), description="Destinations it applies to; empty: all.")
    max_cost_eur: NonNegative | None = Field(None, description="Applies to lines that cost at most this.")
    min_benefit_eur: Amount | None = Field(None, description="Applies to lines whose benefit is at least this.")
    max_benefit_eur: Amount | None = Field(None, description="Applies to lines whose benefit is at most this.")
    max_units: Positive | None = Field(None, description="Applies to lines of at most this many units.")
    max_cover_hours: NonNegative | None = Field(
        None, description="Applies where what the destination holds lasts at most this long; without demand it lasts for ever."
    )  # fmt: skip
    min_origin_cover_hours: NonNegative | None = Field(
        None, description="Applies where what the origin holds lasts at least this long; suppliers always do."
    )


class Outbox(Section):
    """Where released proposals are delivered, each exactly once."""

    target: str | None = Field(
        None,
        description="A folder or its URL, a SQL database URL, or an `https://` address; none: nothing is delivered. A relative path starts at the configuration's folder.",
    )
    receiver: str = Field(
        "receiver",
        min_length=1,
        max_length=LONGEST_NAME,
        description="Name of who receives; what was delivered is remembered under it.",
    )
    table: str = Field(
        "forestock_shipment",
        max_length=63,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Table of a SQL target; it is made where absent.",
    )
    attempts: Annotated[int, Field(ge=1, le=12)] = Field(
        5, description="How often a failing delivery is tried before the command gives up."
    )
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        0.5, description="Wait before the second attempt; it doubles each time."
    )
    timeout_seconds: Seconds = Field(10.0, description="Longest wait for an answer.")
    token_variable: str = Field(
        "FORESTOCK_OUTBOX_TOKEN",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the bearer token of an `https://` target.",
    )


class Exports(Section):
    """What the documents for other systems say beyond the lines."""

    hub_column: str | None = Field(
        None, description="Column of `hubs` with the other system's name of the place; default: `hub`."
    )
    sku_column: str | None = Field(
        None, description="Column of `skus` with the other system's name of the article; default: `sku`."
    )
    x12_sender: str = Field(
        "FORESTOCK", pattern=r"^[A-Za-z0-9 ._-]{2,15}$", description="Sender in X12 envelopes (ISA06, GS02)."
    )
    x12_receiver: str = Field(
        "WAREHOUSE", pattern=r"^[A-Za-z0-9 ._-]{2,15}$", description="Receiver in X12 envelopes (ISA08, GS03)."
    )
    x12_usage: Literal["P", "T"] = Field("P", description="X12 usage indicator (ISA15): production or test.")
    erpnext_company: str | None = Field(None, description="Company on ERPNext documents; default: the site's own.")


class Decisions(Section):
    """How proposals are decided and handed over."""

    mode: Literal["live", "shadow"] = Field(
        "live",
        description="`live`: proposals are decided and released; `shadow`: they are only compared with what was done.",
    )
    rules: tuple[Rule, ...] = Field(
        (), description="Rules of `forestock approve --by-rule`; the first that matches decides."
    )
    outbox: Outbox = Outbox()
    exports: Exports = Exports()


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


class Retention(Section):
    """What `forestock tidy` keeps; nothing is removed without that command."""

    history_days: Positive = Field(
        365,
        description="Days for which replaced rows stay in a table's history; current rows and append-only tables such as `decision` are kept for good.",
    )
    logs_days: Positive = Field(90, description="Days for which tracebacks of failed stages are kept.")
