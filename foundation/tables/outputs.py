"""Definitions of the output tables.

``with_quantiles`` adds one column per quantile level to ``forecast`` and ``forecast_window``.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.settings import quantile_columns
from foundation.tables.columns import PLAN_TERMS, columns
from foundation.tables.model import Column, Kind, Table

# A decision stores its line, because a repeated run can remove the line from ``transfer``.
DECIDED_LINE = "as_of kind sku origin destination lane departure_id ship_date arrival_date cost_eur benefit_eur"
_LINE = "kind sku origin destination lane departure_id ship_date arrival_date"
_TERMS = " ".join(f"{term}_{when}" for term in PLAN_TERMS for when in ("before", "after"))

_PLAN = f"plan_id {_TERMS} total_eur_before total_eur lower_bound_eur gap_rate gap_of_benefit_rate sampling_error_eur out_of_sample_benefit_eur kg_co2e local_fill_rate promise_hit_rate n_proposals run_version model_version"


def _table(name: str, text: str, grain: str, rest: str, nullable: str = "", /) -> Table:
    defined = columns(f"{grain} {rest}")
    free = nullable.split()
    required = tuple(column.name for column in defined if column.name not in free)
    return Table(name, text, tuple(grain.split()), defined, required)


OUTPUTS: dict[str, Table] = {
    table.name: table
    for table in (
        _table("forecast", "Expected demand and its quantiles per period, region, and SKU.", "as_of date region sku", "mean_units model_version tier"),
        _table("forecast_window", "Sum of demand over the first days, with its quantiles and the parameters of the distribution from which demand scenarios are drawn.", "as_of region sku window_days", "mean_units dispersion step_units model_version tier", "dispersion step_units"),
        _table("forecast_dependence", "Correlation of forecast errors by SKU, from which demand scenarios are drawn.", "as_of sku", "day_correlation region_correlation model_version"),
        _table("position", "Stock of each SKU at each hub before and after the plan.", "as_of hub sku", "units_on_hand units_inbound units_out units_in target_units expected_demand_units stockout_probability days_of_supply fill_rate fill_rate_before", "days_of_supply fill_rate fill_rate_before"),
        _table("unit_value", "Value of one more unit of a SKU at a hub tonight, after the plan, for order routing.", "as_of hub sku", "value_eur"),
        _table("service", "Expected service of each region over the cover window, before and after the plan.", "as_of region sku", "demand_units local_units spilled_units late_units lost_units local_units_before spilled_units_before late_units_before lost_units_before source_hubs"),
        _table("transfer", "Proposals: units, origin, destination, dates, cost, benefit, and reason of each shipment.", "as_of proposal_id", "plan_id kind sku origin destination lane departure_id units packs ship_date arrival_date decide_by cost_eur benefit_eur loss_if_refused_eur kg_co2e reason binding_constraints is_outlook status next_best loss_if_dropped_eur pays_rate", "next_best loss_if_dropped_eur pays_rate"),
        _table("departure", "Departures of the proposals.", "as_of departure_id", "lane kind origin destination ship_date arrival_date decide_by loads units volume_fill_rate mass_fill_rate fixed_eur benefit_eur lines", "volume_fill_rate mass_fill_rate"),
        _table("decision", "Decisions on proposals, with the line at the time of the decision; append-only.", "proposal_id at", f"status units by reason {DECIDED_LINE}", f"units reason {DECIDED_LINE}"),
        _table("handover", "Deliveries of released proposals to receivers, and control numbers of X12 exports; append-only.", "receiver proposal_id", "document_id at"),
        _table("execution", "Reports of receivers on released proposals: units shipped, short, received, and refused; append-only.", "proposal_id status source", "units at"),
        _table("realized", "What executed proposals were worth in hindsight, against no move, over the demand that followed; and what changes of planners were worth.", "as_of proposal_id", "lane by units units_received units_sold benefit_eur realized_benefit_eur override_eur end_date", "override_eur"),
        _table("exception", "Exceptions: lines that the optimizer did not decide, and findings that need a person.", "as_of kind hub region sku", "units eur decide_by action", "hub region sku units eur decide_by"),
        _table("exception_state", "State, owner, and due date that people give exceptions; append-only. An exception without a row is open.", "exception_id at", "status by owner due_date reason", "owner due_date reason"),
        _table("assumption", "Assumptions that the run makes where the input contains no value.", "as_of key", "table column rows assumed effect eur", "column eur"),
        _table("plan", "Cost and savings of the plan, with its lower bound.", "as_of", _PLAN),
        _table("what_if", "Cost and savings of a plan with changed inputs; never the plan of record.", "as_of what_if", f"changes plan_id_of_record kept_total_eur {_PLAN}"),
        _table("what_if_line", "Lines of the plan of record and of a what-if, side by side.", "as_of what_if proposal_id", f"{_LINE} difference units_of_record units benefit_eur_of_record benefit_eur reason"),
        _table("what_if_place", "KPIs of hubs and regions in the plan of record and in a what-if; `kind` is `hub` or `region`.", "as_of what_if kind place kpi", "kpi_value_of_record kpi_value"),
        _table("cause", "Causes of stockouts and late parcels after a run, as shares.", "as_of question hub region sku carrier cause", "caused_units share_rate eur", "region sku carrier eur"),
        _table("return_finding", "Return rates of SKUs and regions by reason; `kind` is `sku` or `region`.", "as_of kind place reason", "units_sold units_returned return_rate shrunk_return_rate low_return_rate network_return_rate excess_units eur is_outlier"),
        _table("simulation", "Cost of the policies of a replay that starts on `as_of`, by date and cost term.", "as_of policy date term", "eur"),
        _table("simulation_kpi", "KPIs of the policies of a replay that starts on `as_of`.", "as_of policy kpi", "kpi_value", "kpi_value"),
        _table("fallback", "Segments that a baseline forecasts until a date; append-only.", "region segment at", "until_date by reason", "reason"),
        _table("accuracy", "Accuracy of earlier forecasts and of baselines in the days before `as_of`.", "as_of method region segment", "n_periods actual_units forecast_units bias_rate wape_rate coverage_rate is_sustained", "bias_rate wape_rate"),
        _table("drift", "Drift of input columns.", "as_of table column", "stability_index usual_stability_index", "usual_stability_index"),
        _table("plan_follow_up", "Decisions on the proposals of earlier runs, by their `date`.", "as_of date", "n_proposals n_approved n_rejected n_released n_executed n_superseded units_proposed units_released units_executed benefit_eur benefit_released_eur"),
        _table("service_follow_up", "Planned and realized service of regions.", "as_of region", "n_periods units_sold missed_units promised_fill_rate realised_fill_rate out_of_stock_rate", "missed_units promised_fill_rate realised_fill_rate out_of_stock_rate"),
        _table("lane_lateness", "Lateness of parcels by delivery lane.", "as_of hub region", "n_parcels late_rate expected_late_rate missed_cutoff_rate mean_days sd_days planned_days", "late_rate expected_late_rate missed_cutoff_rate sd_days planned_days"),
        _table("quarantine", "Input rows that were quarantined.", "as_of table row_key column", "fault"),
    )
}  # fmt: skip


QUANTILE_TABLES = ("forecast", "forecast_window")


def with_quantiles(table: Table, levels: tuple[float, ...]) -> Table:
    """Return ``table`` with one column per quantile level (units, not negative)."""
    added = tuple(
        Column(name, Kind.NUMBER, f"Quantile {level:g} of demand.", "units", 0)
        for name, level in zip(quantile_columns(levels), levels, strict=True)
    )
    return replace(table, columns=table.columns + added, required=table.required + tuple(c.name for c in added))
