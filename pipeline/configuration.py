"""Reading a configuration for a command or flow: the settings, with every name of an extension point known.

Not here: keys and their types (``foundation.settings``), reading the file (``foundation.configuration``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foundation import configuration
from foundation.settings import BY_STEP, COMBINED, Forecast, Settings


def load_settings(
    config: str | Path, overrides: Sequence[str] = (), values: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings as ``foundation.configuration.load_settings`` does, with names of extensions checked too.

    Raises ``ConfigurationError`` with one line per mistake.
    """
    settings = configuration.load_settings(config, overrides, values)
    refuse_unknown_extensions(settings)
    return settings


def refuse_unknown_extensions(settings: Settings) -> None:
    """Raise ``ConfigurationError`` for a feature family, a model kind, or a demand distribution that is neither part of Forestock nor installed."""
    if settings.forecast.families is not None:
        from features.family import families_in_use

        families_in_use(settings)
    if settings.forecast.model != COMBINED or settings.forecast.models != Forecast().models:
        from models.forecaster import kinds_in_use

        kinds_in_use(settings)
    if settings.forecast.distribution != BY_STEP:
        from foundation.demand_distribution import distribution_named

        distribution_named(settings.forecast.distribution)
