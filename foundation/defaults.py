"""Keys that a message names and that the configuration does not set, so that a reader learns where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from foundation.configuration import known_keys
from foundation.settings import Settings


def defaults_in(text: str, settings: Settings) -> dict[str, Any]:
    """Return the dotted keys in a text that the configuration does not set, with their values."""
    mentioned = set(re.findall(r"\b[a-z_]+(?:\.[a-z_]+)+\b", text))
    result = {}
    for key in known_keys():
        if key in mentioned and not _is_set(key, settings):
            value: Any = settings
            for part in key.split("."):
                value = getattr(value, part)
            if not isinstance(value, BaseModel):
                result[key] = value
    return result


def default_lines(texts: Iterable[str], settings: Settings) -> list[str]:
    """Return one line for each key in ``texts`` that is at its default.

    >>> default_lines(["more than inputs.quarantine_rate 0.50%"], Settings())
    ['inputs.quarantine_rate is not in the configuration; its default is 0.005']
    """
    keys = defaults_in("\n".join(texts), settings)
    return [f"{key} is not in the configuration; its default is {_shown(value)}" for key, value in keys.items()]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _is_set(key: str, settings: Settings) -> bool:
    model: BaseModel = settings
    for part in key.split("."):
        if part not in model.model_fields_set:
            return False
        model = getattr(model, part)
    return True
