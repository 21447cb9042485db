"""What a result depends on, as hashes: two results of the same identity are the same rows.

An identity covers the known inputs, the settings that can change a row and the source code of the packages involved;
never a clock, a path, or the number of processes. Not here: what is stored under an identity (``pipeline.artifacts``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from foundation.demand_distribution import installed_distribution_code
from foundation.settings import Settings
from foundation.store.code_version import code_version
from models.forecaster import installed_model_code
from positioning.inputs.capacity import installed_constraints

_LEARNING = ("features", "foundation", "models")
_FORECASTING = (*_LEARNING, "pipeline.fallback")  # it replaces rows of the forecast
_PLANNING = (*_FORECASTING, "positioning")
# Places, presentation and parallelism: no row depends on these sections.
_NOT_IN_FORECAST = {
    "warehouse",
    "tracking_uri",
    "inputs",
    "positioning",
    "cluster",
    "decisions",
    "review",
    "monitoring",
    "retention",
    "serve",
    "currency",
    "what_if",
}
_NOT_IN_PLAN = {
    "warehouse",
    "tracking_uri",
    "inputs",
    "cluster",
    "decisions",
    "review",
    "monitoring",
    "retention",
    "serve",
    "what_if",
}
# The training date is part of the identity itself: a model does not depend on how its date was chosen.
_EXECUTION_KEYS = {"forecast": {"threads", "train_until", "train_every_days"}, "positioning": {"processes"}}


def training_identity(settings: Settings, training_date: date, reads: str) -> str:
    """Return the identity of the model of ``training_date``; ``reads`` hashes what training reads of the inputs known then."""
    parts = {"date": training_date.isoformat(), "inputs": reads, "settings": _settings(settings, _NOT_IN_FORECAST)}
    return _hashed(parts | {"code": code_version(*_LEARNING)} | _installed(settings))


def forecast_identity(
    settings: Settings, as_of: date, reads: str, model_version: str, segments: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the identity of a forecast made at ``as_of`` with a model; ``reads`` hashes what it reads, ``segments`` fell back."""
    parts: dict[str, Any] = {"date": as_of.isoformat(), "inputs": reads, "model": model_version}
    if segments:
        parts["fallen_back"] = [list(pair) for pair in segments]
    parts |= {"settings": _settings(settings, _NOT_IN_FORECAST), "code": code_version(*_FORECASTING)}
    return _hashed(parts | _installed(settings))


def run_identity(settings: Settings, forecast: str, inputs: str, decisions: str) -> str:
    """Return the run version of a plan made on a forecast's identity, all inputs known and the decisions known, each as its hash."""
    parts: dict[str, Any] = {
        "forecast": forecast,
        "inputs": inputs,
        "decisions": decisions,
        "settings": _settings(settings, _NOT_IN_PLAN),
    }
    if constraints := installed_constraints():
        parts["constraints"] = constraints
    return _hashed(parts | {"code": code_version(*_PLANNING)})


def _installed(settings: Settings) -> dict[str, Any]:
    """Return the code of the model kind and the demand distribution in use where installed packages bring them."""
    code = installed_model_code(settings) | installed_distribution_code(settings)
    return {"installed": code} if code else {}


def _settings(settings: Settings, free: set[str]) -> dict[str, Any]:
    parts = settings.model_dump(mode="json", exclude=free)
    for section, keys in _EXECUTION_KEYS.items():
        for key in keys & set(parts.get(section, {})):
            del parts[section][key]
    return parts


def _hashed(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
