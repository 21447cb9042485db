"""Forestock as a library: forecast demand and position inventory from a notebook or a script.

The public names are imported on first use, so that ``import forestock`` is fast and loads neither Prefect nor MLflow.
A mistake in data or settings raises ``InputError`` or ``ConfigurationError`` with one line per fault; both are
``ForestockError``. Not here: runs that keep their results (``pipeline``), deployments (``flows``), the CLI (``forestock.cli``).

Examples
--------
>>> import forestock as fs
>>> network = (
...     fs.Network("2024-06-03")
...     .add_hub("north").add_hub("south")
...     .add_transfer("north", "south", lead_time_days=1, eur_per_unit=0.2)
...     .add_delivery("south", "city", lead_time_days=1, eur_per_unit=1.0)
...     .add_sku("umbrella", unit_cost_eur=4.0, unit_price_eur=12.0)
...     .with_stock({("north", "umbrella"): 80})
...     .with_demand({("city", "umbrella"): 3.0})
... )
>>> plan = fs.plan(network)
>>> plan
Plan of 2024-06-03: 1 proposal, saves 146.17 EUR of 213.76, optimality gap 0.00%
>>> plan.proposals[["origin", "destination", "sku"]].values.tolist()
[['north', 'south', 'umbrella']]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forestock.api import Forecast, Inputs, Plan, forecast, load_settings, plan, read_inputs, replay, train
    from forestock.network import Network
    from foundation.errors import ConfigurationError, ForestockError, InputError
    from foundation.store.warehouse import Warehouse

_HOME = {
    "ConfigurationError": "foundation.errors", "ForestockError": "foundation.errors", "InputError": "foundation.errors",
    "Forecast": "forestock.api", "Inputs": "forestock.api", "Network": "forestock.network", "Plan": "forestock.api",
    "Warehouse": "foundation.store.warehouse", "forecast": "forestock.api", "load_settings": "forestock.api",
    "plan": "forestock.api", "read_inputs": "forestock.api", "replay": "forestock.api", "train": "forestock.api",
}  # fmt: skip

__all__ = [
    "ConfigurationError", "Forecast", "ForestockError", "InputError", "Inputs", "Network", "Plan", "Warehouse", "forecast",
    "load_settings", "plan", "read_inputs", "replay", "train",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Import a public name when it is first used; raises ``AttributeError`` for any other."""
    if name not in _HOME:
        raise AttributeError(f"module 'forestock' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
