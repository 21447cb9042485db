"""Tidying the warehouse as a Prefect flow. Not here: what is removed (``foundation.store.tidying``)."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from foundation.store.tidying import sentence
from foundation.store.tidying import tidy as tidied
from pipeline.configuration import load_settings
from pipeline.results import reported

_SECONDS = 2 * 3600


@flow(name="tidy", persist_result=False, timeout_seconds=_SECONDS)
def tidy(config: str, overrides: Sequence[str] = ()) -> str:
    """Remove from the warehouse what is older than its retention settings.

    Args:
        config: A YAML file, or the name of a file in configs/.
        overrides: Changed settings, key=value.
    """
    settings = load_settings(config, overrides)
    with reported("tidy", settings, None):
        freed = tidied(settings)
    return sentence(freed.n_table_files, freed.n_snapshots, freed.n_bytes)
