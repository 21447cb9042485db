"""The sections of decisions: rules, the outbox and documents. Not here: the other sections (``foundation.settings``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from foundation.section import LONGEST_NAME, Amount, Names, NonNegative, Positive, Seconds, Section


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
