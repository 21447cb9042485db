"""Every column of every table, once: name, kind, sentence, unit, bounds.

A quantity carries its unit as a suffix; the same name means the same thing in every table.
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
    region="Where demand arises and is shipped to.",
    sku="The article.",
    hub="A place that holds stock and ships to regions.",
    lane="A connection of one kind between two places.",
    supplier="Who delivers goods to hubs.",
    event="Name of a calendar event.",
    event_type="Class of a calendar event, for example National.",
    country="ISO country code.",
    subdivision="Subdivision code of the country, as the holidays library knows it.",
    timezone="IANA time zone of the hub; UTC where absent.",
    handling_class="What handling a sku needs, for example chilled; ambient where absent.",
    handling_classes="Handling classes allowed, separated by |; empty: all.",
    replaces="The SKU this one replaces: its history is carried over from this one's first sale on, and it is no longer forecast.",
    owner="Who answers for the sku.",
    origin="Where a shipment starts: a hub or a supplier.",
    destination="Where a shipment ends: a hub or a region.",
    kind="Kind of a lane, proposal or finding.",
    mode="Means of transport.",
    departs="Weekdays of departure separated by |, for example Mon|Thu; empty: every day.",
    cutoff="Local time HH:MM at the origin until which a departure is filled.",
    inbound_id="Identity of an order line on its way.",
    status="State of the line.",
    proposal_id="Identity of a proposal: a hash of kind, sku, origin, destination and departure.",
    plan_id="Identity of a night's plan: a hash of its inputs, configuration and date.",
    departure_id="Identity of a departure: lane and ship date.",
    reason="Why, in one sentence.",
    by="Who decided.",
    receiver="Who receives released proposals.",
    document_id="Identity of a document: what one release puts on one departure.",
    carrier="Who carries the parcel.",
    delivery_id="Identity of a parcel line.",
    model_version="Identity of the forecast model: pipeline, training date and content hash.",
    tier="Which model or fallback made the row.",
    binding_constraints="Constraints that hold the line back, separated by |.",
    next_best="What would be sent differently were the line refused: departures with units more (+) or less (-), separated by |, most units first; empty: nothing takes its place; null: not known.",
    source_hubs="Hubs that serve the region, by preference, separated by |.",
    action="What a person should do.",
    policy="Name of the policy that was replayed.",
    term="Cost term, as in `plan`; purchase, goods sold and stock change are the goods' terms.",
    kpi="Name of the figure.",
    table="Name of the input table.",
    row_key="The row's key, name=value separated by commas.",
    column="The column the row is about.",
    fault="What is wrong.",
    key="Identity of the assumption.",
    assumed="What is taken instead of what the input does not say.",
    effect="What depends on it.",
    method="Which forecast: `forestock` or a baseline's name.",
    segment="Value of the coarsest hierarchy column of `skus`; the sku itself without a hierarchy.",
    what_if="Name of the what-if.",
    changes="What was changed, as JSON.",
    plan_id_of_record="Identity of the plan the what-if was compared with.",
    difference="Against the plan of record: `new`, `dropped`, `more`, `less` or `same`.",
    place="The hub, region or sku.",
    question="What went wrong: `stockout` or `late_parcel`.",
    cause="The cause; see docs/why.md.",
    run_version="Identity of the run: a hash of what was known, the configuration and the code version.",
)  # fmt: skip
_add(
    Kind.DATE, "", None, None,
    date="First day of the period the row is about, or the day of the event or snapshot.",
    as_of="Early morning of this day: everything dated before it is known.",
    launch_date="First day the sku is sold.",
    delist_date="First day the sku is no longer sold.",
    from_date="First day the row holds.",
    frozen_until="The sku's stock at the hub may not be moved before this day.",
    arrival_date="Morning on which the units are usable.",
    order_date="Day the customer ordered.",
    ship_date="Day the shipment leaves.",
    until_date="First night it no longer holds.",
)  # fmt: skip
_add(
    Kind.TIMESTAMP, "", None, None,
    decide_by="Last moment to decide: the cut-off of the lane's departure.",
    at="When it was decided.",
    ready_at="When the hub had the parcel ready.",
    cutoff_at="When the carrier's cut-off was.",
    picked_up_at="When the carrier picked it up.",
    promised_at="When delivery was promised.",
    delivered_at="When it was delivered.",
)  # fmt: skip
_add(
    Kind.FLAG, "", None, None,
    is_promoted="Whether the sku is promoted from this date on.",
    is_open="Whether the hub works from this date on.",
    is_sustained="Whether the forecast was off to the same side in every week of the window.",
    is_stocked="Whether the hub may hold the sku.",
    is_outlier="Whether the rate stands out after shrinkage.",
    is_outlook="Whether the row is decided by a later run and only shown; never released.",
)  # fmt: skip
_add(
    Kind.WHOLE, "units", 0, None,
    units_on_hand="Units at the hub; in `position`: usable ones.",
    units_reserved="Units on hand already promised.",
    units_on_hold="Units on hand that may not be used.",
    units="Units of the line.",
    units_restocked="Returned units put back on the shelf.",
    min_order_units="Fewest units of one order; 0 where absent.",
    min_units="Units that stay at the hub.",
    max_units="Most units the hub may hold after the plan.",
    units_inbound="Units on their way that arrive within the cover window.",
    units_out="Units the plan sends away.",
    units_in="Units the plan brings in.",
    target_units="Units on hand less units out, plus inbound and units in.",
    units_of_record="Units of the line in the plan of record; 0 where it is new.",
)  # fmt: skip
_add(Kind.WHOLE, "units", 1, None, pack_units="Units in a pack; shipments are whole packs.")
_add(
    Kind.WHOLE, "", 0, None,
    packs="Whole packs of the line.",
    loads="Loads (trucks) used.",
    lines="Proposals on the departure.",
    rows="Rows the assumption stands in for; 0 where a whole table is not provided.",
    n_proposals="Proposals of the plan.",
)  # fmt: skip
_add(
    Kind.WHOLE, "days", 0, None,
    lead_time_days="Days from ship date to usable (transfer, supply) or to the door (delivery).",
    promise_days="Days within which delivery is promised, from the order's date.",
    window_days="Length of the window from `as_of`.",
)  # fmt: skip
_add(
    Kind.NUMBER, "units", 0, None,
    units_sold="Units sold in the period.",
    units_returned="Units returned.",
    inbound_units_per_period="Units a hub can receive in a period; empty: unlimited.",
    outbound_units_per_period="Units a hub can transfer out in a period; empty: unlimited.",
    units_available="Units the supplier can give; empty: unlimited.",
    mean_units="Expected demand.",
    caused_units="Units not served, or late parcels, put down to the cause.",
    excess_units="Returned units beyond the network's rate of the reason.",
    expected_demand_units="Expected demand over the cover window of the regions whose nearest hub this is.",
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
    lost_sale_eur="Contribution lost with a unit not sold, before delivery cost, plus goodwill; default price less cost.",
    holding_eur_per_unit_day="Cost of holding a unit for a day; default from the hub's rate and the unit cost.",
    storage_eur_per_l_day="Cost of storing a litre for a day.",
    eur_per_unit="Lane cost per unit.",
    eur_per_kg="Lane cost per kilogram.",
    eur_per_load="Lane cost per started load.",
    late_eur_per_unit="Cost of a unit delivered later than promised.",
    fixed_eur="Cost of the departure's loads.",
)  # fmt: skip
_add(
    Kind.NUMBER, "EUR", None, None,
    cost_eur="What the line costs: transport with its share of the loads, handling and, for supply, purchase.",
    benefit_eur="The line's additive share of what the plan saves.",
    loss_if_refused_eur="What the plan loses when it is solved again without the line.",
    loss_if_dropped_eur="What the plan loses when the line is left out and nothing takes its place; null: not known.",
    eur="Money at stake.",
    total_eur_before="Signed sum of all terms without the plan.",
    total_eur="Signed sum of all terms with the plan.",
    lower_bound_eur="No plan on these demand paths costs less.",
    sampling_error_eur="Standard error of the plan's benefit over replicated samples.",
    out_of_sample_benefit_eur="Mean benefit on fresh demand paths.",
    benefit_eur_of_record="The line's benefit in the plan of record; 0 where it is new.",
    kept_total_eur="Signed sum of all terms where the plan of record is carried out under the changed inputs, as far as it still can be.",
)  # fmt: skip
PLAN_TERMS = {
    "transfer_eur": "Transport between hubs", "supply_eur": "Purchase and transport from suppliers",
    "handling_eur": "Handling of moved units", "delivery_eur": "Last-mile delivery", "late_eur": "Late units",
    "lost_sales_eur": "Lost sales", "holding_eur": "Holding stock", "storage_eur": "Storage space",
    "carbon_eur": "Priced carbon", "churn_eur": "Price on moving units",
    "end_value_eur": "Change of what goods are worth at cost less ageing, from the start to the end of the window (counts as a credit)",
}  # fmt: skip
_add(Kind.NUMBER, "EUR", None, None, **{
    f"{term}_{when}": f"{text}, {'without' if when == 'before' else 'with'} the plan."
    for term, text in PLAN_TERMS.items() for when in ("before", "after")
})  # fmt: skip
_add(
    Kind.NUMBER, "rate", 0, 1,
    in_stock_rate="Share of the period in which the sku could be bought.",
    stockout_probability="Cycle stockout probability: chance that demand before the next receipt exceeds stock, with the plan.",
    fill_rate="Expected share of the cover window's demand served from stock, of the regions whose nearest hub this is, with the plan.",
    fill_rate_before="Expected share of that demand served from stock without the plan.",
    local_fill_rate="Units shipped from the region's nearest hub divided by units demanded.",
    promise_hit_rate="Units at the door by the time promised divided by units demanded.",
    gap_rate="Plan less lower bound, divided by the model's cost.",
    gap_of_benefit_rate="Plan less lower bound, divided by no move less lower bound.",
    share_rate="Share of the cause; the causes of one hub and sku, or of all late parcels, add up to 1.",
    volume_fill_rate="Volume used divided by the volume of the loads.",
    mass_fill_rate="Mass used divided by the mass limit of the loads.",
    day_correlation="Correlation of forecast errors of neighbouring periods of a series.",
    region_correlation="Correlation of forecast errors of one sku across regions.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", None, None,
    kpi_value="The figure, in the unit its name ends in.",
    kpi_value_of_record="The figure under the plan of record.",
)  # fmt: skip
_add(
    Kind.WHOLE, "", 0, None,
    n_periods="Periods × series that were looked at.",
    n_approved="Proposals approved and not released yet.",
    n_rejected="Proposals rejected.",
    n_released="Proposals released, executed since or not.",
    n_executed="Proposals seen to be carried out.",
    n_superseded="Proposals that ran out or were withdrawn.",
    n_parcels="Parcel lines delivered.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", 0, None,
    dispersion="Dispersion φ of the sum around its mean: its variance is `step_units` × mean + φ × mean²; null: not known.",
)  # fmt: skip
_add(
    Kind.NUMBER, "units", 0, None,
    step_units="Demand is a multiple of it: 1 for whole units, 0 for any quantity; null: whole units.",
)  # fmt: skip
_add(
    Kind.WHOLE, "units", 0, None,
    units_proposed="Units proposed.",
    units_released="Units released, as decided.",
    units_executed="Units seen to be carried out, as decided.",
)  # fmt: skip
_add(
    Kind.NUMBER, "units", 0, None,
    actual_units="Units demanded, over all nights that forecast them.",
    forecast_units="Units expected, over the same nights and periods.",
    missed_units="Units expected while the sku was out of stock; null where nobody says when it was.",
)  # fmt: skip
_add(Kind.NUMBER, "rate", None, None, bias_rate="Forecast less actual, divided by actual; null without demand.")
_add(Kind.NUMBER, "rate", 0, None, wape_rate="Sum of absolute errors divided by actual; null without demand.")
_add(
    Kind.NUMBER, "rate", 0, 1,
    coverage_rate="Share of actuals inside the 95 % interval.",
    pays_rate="Share of demand paths on which the plan costs more without the line, nothing in its place; null: not known.",
    realised_fill_rate="Units sold divided by units sold and missed.",
    promised_fill_rate="Units the plans expected to serve divided by expected demand.",
    out_of_stock_rate="Share of periods × series not in stock all the time.",
    late_rate="Share of parcels delivered after the promised moment.",
    expected_late_rate="`late_rate` drawn towards that of all lanes, as if 20 more parcels had been seen.",
    missed_cutoff_rate="Share of parcels picked up after the carrier's cut-off.",
)  # fmt: skip
_add(
    Kind.NUMBER, "EUR", None, None,
    benefit_released_eur="Benefit of the proposals that were released.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", 0, None,
    stability_index="Population stability index of the window against the same time of the year before, or all before.",
    usual_stability_index="The largest such index of the four windows before; null where there is none.",
)  # fmt: skip
_add(
    Kind.NUMBER, "days", None, None,
    mean_days="Mean days from order to door.",
    sd_days="Standard deviation of the days from order to door; null for one parcel.",
    planned_days="Days the delivery lane is planned with.",
)  # fmt: skip
_add(
    Kind.NUMBER, "rate", 0, None,
    holding_rate_per_year="Yearly cost of holding stock as a share of its cost.",
    return_rate="Units returned for the reason divided by units sold.",
    shrunk_return_rate="`return_rate` shrunk towards the network's rate.",
    low_return_rate="Lower 5 % bound of the shrunk rate.",
    network_return_rate="Units returned for the reason divided by units sold, in the whole network.",
)  # fmt: skip
_add(
    Kind.NUMBER, "", 0, None,
    lead_time_sd_days="Standard deviation of the lead time in days.",
    loads_per_departure="Most loads per departure; empty: unlimited.",
    days_of_supply="Usable units divided by mean daily demand ahead; null without demand.",
)  # fmt: skip
_add(Kind.NUMBER, "days", 1, None, shelf_life_days="Days the sku keeps; empty: no limit.")
_add(Kind.NUMBER, "kg", 0, None, mass_kg="Mass of a unit.", load_kg="Mass a load carries; empty: unlimited.",
     kg_co2e="Greenhouse gas, well to wheel.")  # fmt: skip
_add(Kind.NUMBER, "kg/(t km)", 0, None, kg_co2e_per_t_km="Emission factor, well to wheel.")
_add(Kind.NUMBER, "l", 0, None, volume_l="Volume of a unit.", storage_l="Storage volume; empty: unlimited.",
     load_l="Volume a load carries; empty: unlimited.")  # fmt: skip
_add(Kind.NUMBER, "km", 0, None, distance_km="Length of the lane.")
_add(Kind.NUMBER, "degrees", -90, 90, latitude="Latitude.")
_add(Kind.NUMBER, "degrees", -180, 180, longitude="Longitude.")


def columns(names: str) -> tuple[Column, ...]:
    """Return the columns named in ``names`` (separated by blanks); raises ``KeyError``."""
    return tuple(COLUMNS[name] for name in names.split())
