"""Definitions of all columns: name, kind, description, unit, and bounds.

A name has the same meaning in every table. The name of a quantity ends in its unit.
"""

from __future__ import annotations

from foundation.tables.model import Column, Kind

COLUMNS: dict[str, Column] = {}


def _add(kind: Kind, unit: str, minimum: float | None, maximum: float | None, /, **texts: str) -> None:
    for name, text in texts.items():
        if name in COLUMNS:
            raise ValueError(f"column {name} is defined twice")
        COLUMNS[name] = Column(name, kind, text, unit, minimum, maximum)


_add(
    Kind.TEXT, "", None, None,
    region="Region where demand arises and to which orders are shipped.",
    sku="Stock-keeping unit.",
    hub="Place that holds stock and ships to regions.",
    lane="Connection of one kind between two places.",
    supplier="Supplier that delivers goods to hubs.",
    event="Name of a calendar event.",
    event_type="Class of a calendar event, for example National.",
    country="ISO country code.",
    street="Street and number of the postal address.",
    city="City of the postal address.",
    postal_code="Postal code.",
    subdivision="Code of the country's subdivision, as in the holidays library.",
    timezone="IANA time zone of the hub; UTC if missing.",
    handling_class="Handling that the SKU needs, for example chilled; ambient if missing.",
    handling_classes="Allowed handling classes, separated by |; empty: all.",
    replaces="SKU that this SKU replaces. Its history is carried over from this SKU's first sale on, and it is no longer forecast.",
    owner="Person or team responsible for the SKU.",
    origin="Start of a shipment: a hub or a supplier.",
    destination="End of a shipment: a hub or a region.",
    kind="Kind of a lane, proposal, or finding.",
    mode="Means of transport.",
    departs="Weekdays of departure separated by |, for example Mon|Thu; empty: every day.",
    cutoff="Local time HH:MM at the origin by which a departure must be loaded.",
    inbound_id="Id of an order line in transit.",
    status="Status of the line.",
    proposal_id="Id of a proposal: a hash of kind, SKU, origin, destination, and departure.",
    plan_id="Id of a plan: a hash of its inputs, configuration, and date.",
    departure_id="Id of a departure: lane and ship date.",
    reason="Reason, in one sentence.",
    exception_id="Id of an exception: a hash of kind, hub, region, and SKU, the same in every run.",
    by="Person or rule that decided.",
    receiver="Receiver of released proposals.",
    source="The receiver's document that reports the row.",
    document_id="Id of a document: all lines that one release puts on one departure.",
    carrier="Carrier of the parcel.",
    delivery_id="Id of a parcel line.",
    model_version="Version of the forecast model: pipeline, training date, and content hash.",
    tier="Model or fallback that made the row.",
    binding_constraints="Constraints that limit the line, separated by |.",
    next_best="Changes of other departures if the line is refused, as units more (+) or less (-), separated by |, largest first; empty: nothing replaces it; null: not known.",
    source_hubs="Hubs that serve the region, in order of preference, separated by |.",
    action="Action that a person should take.",
    policy="Name of the replayed policy.",
    term="Cost term, as in `plan`; purchase, goods sold, and stock change are the terms of inventory value.",
    kpi="Name of the KPI.",
    table="Name of the input table.",
    row_key="Key of the row, as name=value separated by commas.",
    column="Column that the row is about.",
    fault="Description of the fault.",
    key="Id of the assumption.",
    assumed="Value that is used because the input does not contain one.",
    effect="Results that depend on the assumption.",
    method="Forecast: `forestock` or the name of a baseline.",
    segment="Value of the coarsest hierarchy column of `skus`; the SKU if there is no hierarchy.",
    what_if="Name of the what-if.",
    changes="Changes, as JSON.",
    plan_id_of_record="Id of the plan that the what-if was compared with.",
    difference="Difference from the plan of record: `new`, `dropped`, `more`, `less`, or `same`.",
    place="Hub, region, or SKU.",
    question="Question that is answered: `stockout` or `late_parcel`.",
    cause="Cause; see docs/why.md.",
    run_version="Version of the run: a hash of the known data, the configuration, and the code version.",
)  # fmt: skip
_add(
    Kind.DATE, "", None, None,
    date="First day of the period, or the day of the event or snapshot.",
    as_of="Planning date: the early morning of this day. Everything dated before it is known.",
    launch_date="First day on which the SKU is sold.",
    delist_date="First day on which the SKU is no longer sold.",
    from_date="First day on which the row is valid.",
    frozen_until="The SKU's stock at the hub must not be moved before this day.",
    arrival_date="Morning on which the units are usable.",
    order_date="Day of the customer's order.",
    ship_date="Day on which the shipment leaves.",
    end_date="Last day of the window.",
    due_date="Day until which the exception is to be solved.",
    until_date="First run in which the row is no longer valid.",
)  # fmt: skip
_add(
    Kind.TIMESTAMP, "", None, None,
    decide_by="Deadline for the decision: the cut-off of the departure.",
    at="Time of the decision or event.",
    ready_at="Time at which the hub had prepared the parcel.",
    cutoff_at="Time of the carrier's cut-off.",
    picked_up_at="Time at which the carrier picked up the parcel.",
    promised_at="Promised time of delivery.",
    delivered_at="Time of delivery.",
)  # fmt: skip
_add(
    Kind.FLAG, "", None, None,
    is_promoted="Whether the SKU is promoted from this date on.",
    is_open="Whether the hub operates from this date on.",
    is_sustained="Whether the forecast was biased in the same direction in every week of the window.",
    is_stocked="Whether the hub may hold the SKU.",
    is_outlier="Whether the rate is unusually high after shrinkage.",
    is_outlook="Whether the row is shown only as an outlook. A later run decides on it, and it is never released.",
)  # fmt: skip
_add(
    Kind.WHOLE, "units", 0, None,
    units_on_hand="Units at the hub; in `position`: usable units.",
    units_reserved="Units on hand that are already promised.",
    units_on_hold="Units on hand that must not be used.",
    units="Units of the line.",
    units_received="Units that arrived in good condition.",
    units_restocked="Returned units that were put back into stock.",
    min_order_units="Minimum units of one order; 0 if missing.",
    min_units="Units that must stay at the hub.",
    max_units="Maximum units at the hub after the plan.",
    units_inbound="Units in transit that arrive within the cover window.",
    units_out="Units that the plan ships out.",
    units_in="Units that the plan brings in.",
    target_units="Units on hand, minus units out, plus inbound units and units in.",
    units_of_record="Units of the line in the plan of record; 0 if the line is new.",
)  # fmt: skip
_add(Kind.WHOLE, "units", 1, None, pack_units="Units in a pack. Shipments are whole packs.")
_add(
    Kind.WHOLE, "", 0, None,
    packs="Whole packs of the line.",
    loads="Loads (trucks) in use.",
    lines="Proposals on the departure.",
    rows="Rows to which the assumption applies; 0 if a whole table is not provided.",
    n_proposals="Number of proposals in the plan.",
)  # fmt: skip
_add(
    Kind.WHOLE, "days", 0, None,
    lead_time_days="Days from the ship date until the units are usable (transfer, supply) or delivered to the customer (delivery).",
    promise_days="Promised days from the order's date to delivery.",
    window_days="Length of the window that starts at `as_of`.",
)  # fmt: skip
_add(
    Kind.NUMBER, "units", 0, None,
    units_sold="Units sold in the period.",
    units_returned="Units returned.",
    inbound_units_per_period="Units that a hub can receive in a period; empty: unlimited.",
    outbound_units_per_period="Units that a hub can transfer out in a period; empty: unlimited.",
    units_available="Units that the supplier can deliver; empty: unlimited.",
    mean_units="Expected demand.",
    caused_units="Units not served, or late parcels, attributed to the cause.",
    excess_units="Returned units above the network's return rate for the reason.",
    expected_demand_units="Expected demand over the cover window in the regions whose nearest hub this is.",
    demand_units="Expected demand over the cover window.",
    local_units="Expected units served by the region's nearest hub.",
    spilled_units="Expected units served by another hub.",
    late_units="Expected units served later than promised.",
    lost_units="Expected units of demand not served.",
    local_units_before="`local_units` without the plan.",
    spilled_units_before="`spilled_units` without the plan.",
    late_units_before="`late_units` without the plan.",
    lost_units_before="`lost_units` without the plan.",
)  # fmt: skip
_add(
    Kind.NUMBER, "EUR", 0, None,
    unit_cost_eur="Purchase cost of a unit.",
    unit_price_eur="Sales price of a unit.",
    lost_sale_eur="Contribution lost with a unit not sold, before delivery cost, plus goodwill; default: price minus cost.",
    holding_eur_per_unit_day="Cost of holding a unit for a day; default: from the hub's rate and the unit cost.",
    storage_eur_per_l_day="Cost of storing a liter for a day.",
    eur_per_unit="Lane cost per unit.",
    eur_per_kg="Lane cost per kilogram.",
    eur_per_load="Lane cost per started load.",
    late_eur_per_unit="Cost of a unit delivered later than promised.",
    fixed_eur="Cost of the departure's loads.",
)  # fmt: skip
_add(
    Kind.NUMBER, "EUR", None, None,
    cost_eur="Cost of the line: transport with its share of the load costs, handling, and, for supply, purchase.",
    benefit_eur="Additive share of the line in the savings of the plan.",
    loss_if_refused_eur="Loss of the plan if it is solved again without the line.",
    loss_if_dropped_eur="Loss of the plan if the line is left out and nothing replaces it; null: not known.",
    eur="Amount at stake.",
    value_eur="Value of one more unit at the hub: its dual price in serving demand, the mean of the demand scenarios.",
    total_eur_before="Signed sum of all cost terms without the plan.",
    total_eur="Signed sum of all cost terms with the plan.",
    lower_bound_eur="Lower bound: no plan for these demand scenarios costs less.",
    sampling_error_eur="Standard error of the plan's benefit over replicated samples.",
    out_of_sample_benefit_eur="Mean benefit on held-out scenarios.",
    benefit_eur_of_record="Benefit of the line in the plan of record; 0 if the line is new.",
    kept_total_eur="Signed sum of all cost terms if the plan of record is carried out under the changed inputs, as far as possible.",
)  # fmt: skip
PLAN_TERMS = {
    "transfer_eur": "Transport between hubs", "supply_eur": "Purchase and transport from suppliers",
    "handling_eur": "Handling of moved units", "delivery_eur": "Last-mile delivery", "late_eur": "Late units",
    "lost_sales_eur": "Lost sales", "holding_eur": "Holding stock", "storage_eur": "Storage space",
    "carbon_eur": "Cost of carbon", "churn_eur": "Churn penalty",
    "end_value_eur": "Change in inventory value at cost less aging, from the start to the end of the window (an increase counts as a credit)",
}  # fmt: skip
_add(Kind.NUMBER, "EUR", None, None, **{
    f"{term}_{when}": f"{text}, {'without' if when == 'before' else 'with'} the plan."
    for term, text in PLAN_TERMS.items() for when in ("before", "after")
})  # fmt: skip
_add(
    Kind.NUMBER, "rate", 0, 1,
    in_stock_rate="Share of the period in which the SKU could be bought.",
    stockout_probability="Cycle stockout probability: chance that demand before the next receipt exceeds stock, with the plan.",
    fill_rate="Expected share of demand served from stock over the cover window, in the regions whose nearest hub this is, with the plan.",
    fill_rate_before="`fill_rate` without the plan.",
    local_fill_rate="Units shipped from the region's nearest hub, divided by units demanded.",
    promise_hit_rate="Units delivered to the customer by the promised time, divided by units demanded.",
    gap_rate="Cost of the plan minus the lower bound, divided by the cost.",
    gap_of_benefit_rate="Cost of the plan minus the lower bound, divided by the cost without shipments minus the lower bound.",
    share_rate="Share of the cause. The shares of one hub and SKU, or of all late parcels, add up to 1.",
    volume_fill_rate="Volume in use, divided by the volume of the loads.",
    mass_fill_rate="Mass in use, divided by the mass limit of the loads.",
    day_correlation="Correlation of the forecast errors of neighboring periods of a series.",
    region_correlation="Correlation of the forecast errors of one SKU across regions.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", None, None,
    kpi_value="Value of the KPI, in the unit at the end of its name.",
    kpi_value_of_record="Value of the KPI in the plan of record.",
)  # fmt: skip
_add(
    Kind.WHOLE, "", 0, None,
    n_periods="Number of series × periods in the window.",
    n_approved="Proposals that are approved and not yet released.",
    n_rejected="Proposals rejected.",
    n_released="Proposals that were released, whether or not they were executed since.",
    n_executed="Proposals whose execution was observed.",
    n_superseded="Proposals that expired or were withdrawn.",
    n_parcels="Delivered parcel lines.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", 0, None,
    dispersion="Dispersion φ of the sum: its variance is `step_units` × mean + φ × mean²; null: not known.",
)  # fmt: skip
_add(
    Kind.NUMBER, "units", 0, None,
    step_units="Step of demand, which is always a multiple of it: 1 for whole units, 0 for any quantity; null: whole units.",
)  # fmt: skip
_add(
    Kind.WHOLE, "units", 0, None,
    units_proposed="Units proposed.",
    units_released="Units released, as decided.",
    units_executed="Units whose execution was observed, as decided.",
)  # fmt: skip
_add(
    Kind.NUMBER, "units", 0, None,
    actual_units="Units demanded, over all runs that forecast them.",
    forecast_units="Units forecast, over the same runs and periods.",
    missed_units="Units forecast for the time in which the SKU was out of stock; null if that time is not known.",
)  # fmt: skip
_add(Kind.NUMBER, "rate", None, None, bias_rate="Forecast minus actual, divided by actual; null without demand.")
_add(Kind.NUMBER, "rate", 0, None, wape_rate="Sum of absolute errors, divided by actual; null without demand.")
_add(
    Kind.NUMBER, "rate", 0, 1,
    coverage_rate="Share of actuals inside the 95% interval.",
    pays_rate="Share of demand scenarios in which the plan costs more without the line if nothing replaces it; null: not known.",
    realised_fill_rate="Units sold, divided by units sold and missed.",
    promised_fill_rate="Units that the plans expected to serve, divided by expected demand.",
    out_of_stock_rate="Share of series × periods that were out of stock for some time.",
    late_rate="Share of parcels delivered after the promised time.",
    expected_late_rate="`late_rate`, shrunk toward the rate of all lanes with the weight of 20 parcels.",
    missed_cutoff_rate="Share of parcels picked up after the carrier's cut-off.",
)  # fmt: skip
_add(
    Kind.NUMBER, "EUR", None, None,
    realized_benefit_eur="Savings of the line in hindsight: cost without it minus cost with it, over the demand that followed.",
    override_eur="What the planner's change of the line saved in hindsight: cost with the proposed units minus cost with the actual ones; null: not changed.",
    benefit_released_eur="Benefit of the released proposals.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", 0, None,
    stability_index="Population stability index of the window, compared with the same time of the previous year or with all earlier data.",
    usual_stability_index="Largest such index of the four previous windows; null if there are none.",
)  # fmt: skip
_add(
    Kind.NUMBER, "days", None, None,
    mean_days="Mean days from order to delivery.",
    sd_days="Standard deviation of the days from order to delivery; null for one parcel.",
    planned_days="Lead time with which the delivery lane is planned.",
)  # fmt: skip
_add(
    Kind.NUMBER, "rate", 0, None,
    holding_rate_per_year="Yearly cost of holding stock, as a share of its cost.",
    return_rate="Units returned for the reason, divided by units sold.",
    shrunk_return_rate="`return_rate`, shrunk toward the network's rate.",
    low_return_rate="Lower 5% bound of the shrunk rate.",
    network_return_rate="Units returned for the reason, divided by units sold, in the whole network.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", 0, None,
    lead_time_sd_days="Standard deviation of the lead time in days.",
    loads_per_departure="Maximum loads per departure; empty: unlimited.",
    days_of_supply="Usable units, divided by expected mean daily demand; null without demand.",
)  # fmt: skip
_add(Kind.NUMBER, "days", 1, None, shelf_life_days="Days for which the SKU keeps; empty: no limit.")
_add(Kind.NUMBER, "kg", 0, None, mass_kg="Mass of a unit.", load_kg="Mass limit of a load; empty: unlimited.",
     kg_co2e="Greenhouse gas emissions, well to wheel.")  # fmt: skip
_add(Kind.NUMBER, "kg/(t km)", 0, None, kg_co2e_per_t_km="Emission factor, well to wheel.")
_add(Kind.NUMBER, "l", 0, None, volume_l="Volume of a unit.", storage_l="Storage volume; empty: unlimited.",
     load_l="Volume of a load; empty: unlimited.")  # fmt: skip
_add(Kind.NUMBER, "km", 0, None, distance_km="Length of the lane.")
_add(Kind.NUMBER, "degrees", -90, 90, latitude="Latitude.")
_add(Kind.NUMBER, "degrees", -180, 180, longitude="Longitude.")


def columns(names: str) -> tuple[Column, ...]:
    """Return the columns in ``names`` (separated by spaces); raises ``KeyError`` for an unknown name."""
    return tuple(COLUMNS[name] for name in names.split())
