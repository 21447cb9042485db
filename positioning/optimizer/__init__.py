"""The two-stage stochastic program and how it is solved: column generation, pricing, recourse, branch and bound."""

from __future__ import annotations

from positioning.optimizer._compiled_cache import recompile_after_upgrades

recompile_after_upgrades()  # before any kernel of this package is loaded
