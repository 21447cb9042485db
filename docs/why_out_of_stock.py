# %% [markdown]
"""Why was this hub out of stock? A notebook on the bundled data; why.md describes the method.

Cells are marked with ``# %%``. The file opens in Jupyter and in editors, and it runs as a script::

    forestock run --config demo.yaml --as-of 2016-05-09
    forestock why --config demo.yaml --as-of 2016-05-09
    python docs/why_out_of_stock.py

Every table is one line of pandas.
"""

# %%
import sys

from foundation.store import Warehouse

warehouse = Warehouse(sys.argv[1] if len(sys.argv) > 1 else "warehouse/demo")
as_of = warehouse.dates("cause")[-1]

# %% The largest stockouts by cost
cause = warehouse.read("cause", as_of=as_of)
stockout = cause[cause.question == "stockout"]
worst = stockout.groupby(["hub", "sku"])[["caused_units", "eur"]].sum().sort_values("eur", ascending=False)
print(f"After {as_of}:", worst.head(10).round(0), sep="\n")

# %% One hub and SKU: where was the stock on the planning date, and where was demand expected?
hub, sku = worst.index[0]
position = warehouse.read("position", as_of=as_of).query("sku == @sku")
print(position[["hub", "units_on_hand", "units_inbound", "expected_demand_units", "stockout_probability"]])

# %% The forecast for its regions, with its uncertainty
window = warehouse.read("forecast_window", as_of=as_of).query("sku == @sku")
print(window[["region", "window_days", "mean_units", "q025", "q975"]])

# %% Proposals of the plan for this SKU
transfer = warehouse.read("transfer", as_of=as_of).query("sku == @sku")
print(transfer[["kind", "origin", "destination", "units", "arrival_date", "status", "reason"]])

# %% Decisions on these proposals
decision = warehouse.read("decision").query("sku == @sku")
print(decision[["at", "status", "units", "origin", "destination", "reason"]])

# %% Result: shares of the causes, which add up to one
shares = stockout.query("hub == @hub and sku == @sku").set_index("cause")["share_rate"].sort_values(ascending=False)
print(shares.round(3))
means = {
    "forecast": "demand was higher than forecast",
    "placement": "the stock was at other hubs",
    "late_arrival": "an expected arrival was late",
    "lane": "a lane or hub stopped operating",
    "network_short": "the whole network had too little stock",
}
print(f"{hub} ran out of {sku} mostly because {means[shares.index[0]]} ({shares.iloc[0]:.0%}).")
