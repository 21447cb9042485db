"""Sections of a configuration for decisions on proposals: rules, the outbox, and exported documents.

Not here: the base class and the other sections (``sections``), the whole (``settings``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from foundation.sections import LONGEST_NAME, Amount, Names, NonNegative, Positive, Seconds, Section


class Rule(Section):
    """One rule that decides on proposals without a person. All of its conditions must hold."""

    name: str = Field(
        min_length=1,
        max_length=LONGEST_NAME,
        description="Name of the rule. The ledger records it as the reason of a decision.",
    )
    action: Literal["approve", "reject"] = Field("approve", description="Action for matching lines.")
    kinds: tuple[Literal["transfer", "supply"], ...] = Field((), description="Kinds of matching lines; empty: all.")
    lanes: Names = Field((), description="Lanes of matching lines; empty: all.")
    origins: Names = Field((), description="Origins of matching lines; empty: all.")
    destinations: Names = Field((), description="Destinations of matching lines; empty: all.")
    max_cost_eur: NonNegative | None = Field(None, description="Maximum cost of matching lines.")
    min_benefit_eur: Amount | None = Field(None, description="Minimum benefit of matching lines.")
    max_benefit_eur: Amount | None = Field(None, description="Maximum benefit of matching lines.")
    max_units: Positive | None = Field(None, description="Maximum units of matching lines.")
    max_cover_hours: NonNegative | None = Field(None, description="Maximum time for which the stock of the destination lasts; without demand, it lasts forever.")  # fmt: skip
    min_origin_cover_hours: NonNegative | None = Field(
        None, description="Minimum time for which the stock of the origin lasts; suppliers always match."
    )


class Outbox(Section):
    """Delivery of released proposals, each exactly once."""

    target: str | None = Field(
        None,
        description="Folder or its URL, SQL database URL, or `https://` address; null: no delivery. A relative path starts at the configuration's folder.",
    )
    receiver: str = Field(
        "receiver",
        min_length=1,
        max_length=LONGEST_NAME,
        description="Name of the receiver. Deliveries are recorded under this name.",
    )
    table: str = Field(
        "forestock_shipment",
        max_length=63,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Table of a SQL target. It is created if it does not exist.",
    )
    attempts: Annotated[int, Field(ge=1, le=12)] = Field(5, description="Maximum attempts per delivery.")
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        0.5, description="Wait before the second attempt. It doubles before each further attempt."
    )
    timeout_seconds: Seconds = Field(10.0, description="Maximum wait for a response.")
    token_variable: str = Field(
        "FORESTOCK_OUTBOX_TOKEN",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the bearer token of an `https://` target.",
    )


class Exports(Section):
    """Names and codes in exported documents."""

    hub_column: str | None = Field(
        None, description="Column of `hubs` with the place's name in the other system; default: `hub`."
    )
    sku_column: str | None = Field(
        None, description="Column of `skus` with the SKU's name in the other system; default: `sku`."
    )
    supplier_column: str | None = Field(
        None, description="Column of `supply` with the supplier's name in the other system; default: `supplier`."
    )
    carrier_column: str | None = Field(
        None, description="Column of `lanes` with the carrier's code (SCAC) in X12 forms; default: `x12_carrier`."
    )
    x12_sender: str = Field(
        "FORESTOCK", pattern=r"^[A-Za-z0-9 ._-]{2,15}$", description="Sender in X12 envelopes (ISA06, GS02)."
    )
    x12_receiver: str = Field(
        "WAREHOUSE", pattern=r"^[A-Za-z0-9 ._-]{2,15}$", description="Receiver in X12 envelopes (ISA08, GS03)."
    )
    x12_usage: Literal["P", "T"] = Field(
        "P", description="X12 usage indicator (ISA15): `P` for production, `T` for test."
    )
    x12_depositor: str | None = Field(
        None,
        pattern=r"^[^*~]{2,80}$",
        description="Code of the owner of the goods (N1*DE, N1*BY); default: `x12_sender`.",
    )
    x12_depositor_name: str | None = Field(
        None, pattern=r"^[^*~]{1,60}$", description="Name of the owner of the goods; default: `x12_depositor`."
    )
    x12_addresses: bool = Field(
        False,
        description="Write the addresses of hubs (`street`, `city`, `subdivision`, `postal_code`, `country`) into X12 forms.",
    )
    x12_carrier: str = Field(
        "",
        pattern=r"^([A-Z]{2,4})?$",
        description="Code (SCAC) of the carrier in W66 and W27; empty: the warehouse selects it.",
    )
    x12_transport: str = Field(
        "M",
        pattern=r"^[A-Z]{1,2}$",
        description="Transportation method in W66 and W27, for example `M` for motor carrier.",
    )
    x12_freight_terms: str = Field(
        "PP",
        pattern=r"^[A-Z]{2}$",
        description="Shipment method of payment in W66, for example `PP` for prepaid or `CC` for collect.",
    )
    erpnext_company: str | None = Field(
        None, description="Company on ERPNext documents; default: the company of the site."
    )
    erpnext_uom: str = Field(
        "Nos", min_length=1, description="Unit of measure on ERPNext documents; it is the stock unit of the items."
    )
    odoo_version: Literal[17, 18, 19] = Field(18, description="Major version of Odoo, on which field names depend.")
    odoo_warehouse_column: str | None = Field(
        None,
        description="Column of `hubs` with the name of the warehouse in Odoo; default: the place's name in the other system.",
    )
    shopify_version: str = Field(
        "2026-10",
        pattern=r"^20\d\d-(01|04|07|10)$",
        description="Version of Shopify's GraphQL Admin API; from 2026-07 on, metafields carry the ids of proposals.",
    )


class Decisions(Section):
    """Decisions on proposals, and their delivery to other systems."""

    mode: Literal["live", "shadow"] = Field(
        "live",
        description="`live`: proposals are decided on and released; `shadow`: proposals are only compared with actual shipments.",
    )
    rules: tuple[Rule, ...] = Field(
        (), description="Rules of `forestock approve --by-rule`. The first matching rule decides."
    )
    outbox: Outbox = Outbox()
    exports: Exports = Exports()
