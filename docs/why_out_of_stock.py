# %% [markdown]
"""Why was this hub out of stock? A worked notebook on the bundled data; the method is in why.md.

Cells are marked ``# %%``, so it opens in Jupyter and in editors, and runs as a script::

    forestock run --config demo.yaml --as-of 2016-05-09
    forestock why --config demo.yaml --as-of 2016-05-09
    python docs/why_out_of_stock.py

Every table is one line of pandas.
"""

# %%
import sys

from foundation.store import Warehouse

warehouse = Warehouse(sys.argv[1] if len(sys.argv) > 1 else "warehouse/demo")
night = warehouse.dates("cause")[-1]

# %% What went wrong, dearest first
cause = warehouse.read("cause", as_of=night)
stockout = cause[cause.question == "stockout"]
worst = stockout.groupby(["hub", "sku"])[["caused_units", "eur"]].sum().sort_values("eur", ascending=False)
print(f"After {night}:", worst.head(10).round(0), sep="\n")

# %% One hub and sku: where did units stand that night, and where was demand expected?
hub, sku = worst.index[0]
position = warehouse.read("position", as_of=night).query("sku == @sku")
print(position[["hub", "units_on_hand", "units_inbound", "expected_demand_units", "stockout_probability"]])

# %% What had been forecast for its regions, and how sure was the forecast?
window = warehouse.read("forecast_window", as_of=night).query("sku == @sku")
print(window[["region", "window_days", "mean_units", "q025", "q975"]])

# %% Had the plan proposed anything for it?
transfer = warehouse.read("transfer", as_of=night).query("sku == @sku")
print(transfer[["kind", "origin", "destination", "units", "arrival_date", "status", "reason"]])

# %% What did people decide about it?
decision = warehouse.read("decision").query("sku == @sku")
print(decision[["at", "status", "units", "origin", "destination", "reason"]])

# %% The answer: shares of causes, which add up to one
shares = stockout.query("hub == @hub and sku == @sku").set_index("cause")["share_rate"].sort_values(ascending=False)
print(shares.round(3))
means = {
    "forecast": "customers wanted more than was forecast",
    "placement": "units stood at other hubs",
    "late_arrival": "what was awaited came late",
    "lane": "a lane or hub stopped",
    "network_short": "the whole network had too little",
}
print(f"{hub} ran out of {sku} mostly because {means[shares.index[0]]} ({shares.iloc[0]:.0%}).")
