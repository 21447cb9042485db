"""Use cases as plain functions: read, call one domain package, write, return a reference.

No Prefect and no terminal here. Deployments (``flows``) and the CLI (``forestock.cli``) call these.
"""

from pipeline.environment import set_process_defaults

set_process_defaults()  # before Prefect, MLflow or LightGBM are imported, because they read the environment only once
