"""Largest plausible values of input numbers; a larger value is an error of units or of typing.

Beyond these limits, sums in the solver would not be exact. Bounds that follow from the meaning of a column (a rate is at most 1)
are part of the column's definition.
"""

from __future__ import annotations

_UNITS, _MONEY, _DAYS = 1e9, 1e10, 3_660.0

LARGEST: dict[str, float] = {
    **dict.fromkeys(
        ("units_sold", "units_returned", "units_on_hand", "units_reserved", "units_on_hold", "units", "units_restocked",
         "min_order_units", "min_units", "max_units", "mean_units", "step_units"), _UNITS),
    **dict.fromkeys(("units_available", "inbound_units_per_period", "outbound_units_per_period"), 1e12),
    **dict.fromkeys(
        ("unit_cost_eur", "unit_price_eur", "lost_sale_eur", "holding_eur_per_unit_day", "storage_eur_per_l_day",
         "eur_per_unit", "eur_per_kg", "late_eur_per_unit"), _MONEY),
    "eur_per_load": 1e12,
    "pack_units": 1e6,
    **dict.fromkeys(("lead_time_days", "lead_time_sd_days", "promise_days"), _DAYS),
    "shelf_life_days": 36_600,
    "mass_kg": 1e6, "volume_l": 1e7, "load_kg": 1e9, "load_l": 1e10, "storage_l": 1e12,
    "distance_km": 50_000, "kg_co2e_per_t_km": 1_000, "loads_per_departure": 1e6,
    "holding_rate_per_year": 100,
    "dispersion": 1e6,
    "window_days": _DAYS,
}  # fmt: skip
# Limit for columns without a definition, such as weather: LightGBM and sums over a history do not overflow.
LARGEST_FEATURE = 1e15
