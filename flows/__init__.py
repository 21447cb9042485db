"""Prefect flows, one file per deployment, and what they share. The only package that imports Prefect.

Not here: use cases (``pipeline``) or computation (the domain packages). A flow loads the settings, calls a use case and
publishes its result.
"""

from __future__ import annotations

from pipeline.environment import set_process_defaults

set_process_defaults()  # before Prefect, MLflow or LightGBM are imported, because they read the environment only once
