"""The command line: the only package that imports typer or rich.

Here: options, help texts, tables on a terminal. Not here: what a command does (``pipeline``).
"""

from pipeline.environment import set_process_defaults

set_process_defaults()  # before Prefect, MLflow or LightGBM are imported, because they read the environment only once
