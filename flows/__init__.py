"""The top floor: when the rooms work and in what order. The only place that knows Prefect.

Here: the nightly flow, its stages, what to do with several nights, the command line. Not here: how
anything is computed. A stage reads tables, calls one room, writes what it gives and passes on a
reference.
"""

from __future__ import annotations

from pipeline.environment import set_process_defaults

set_process_defaults()  # before Prefect, MLflow or LightGBM are imported: they read the environment once
