"""What a stage notes down when all it has written is there: small JSON files in the warehouse.

Light to import: the planner's commands read them too. Not here: the stages (``flows.stages``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

from foundation.settings import Settings
from foundation.store import files, shelf

log = logging.getLogger(__name__)

FOLDER = "_nights"


def recorded(settings: Settings, as_of: date, stage: str) -> dict[str, Any]:
    """Return what ``stage`` has noted for ``as_of``; empty where it has not been done, or the note cannot be read."""
    place = _place(settings, as_of, stage)
    if not files.exists(place):
        return {}
    try:
        said = json.loads(files.read_text(place))
    except ValueError:
        log.warning("%s cannot be read; the stage is done again", place)
        return {}
    return dict(said) if isinstance(said, dict) else {}


def record(settings: Settings, as_of: date, stage: str, said: Mapping[str, object]) -> None:
    """Note what a stage has written, after all of it is there."""
    files.write_text(_place(settings, as_of, stage), json.dumps(said, sort_keys=True))


def forget(settings: Settings, as_of: date, *stages: str) -> None:
    """Take back what ``stages`` have noted for ``as_of``: their tables are about to change."""
    for stage in stages:
        files.remove(_place(settings, as_of, stage))


def input_warnings(settings: Settings, as_of: date) -> tuple[str, ...]:
    """Return the warnings about the inputs that the plan of ``as_of`` was made with."""
    return tuple(recorded(settings, as_of, "plan").get("warnings", ()))


def kept_inputs(settings: Settings, as_of: date) -> str | None:
    """Return the folder of the inputs the plan of ``as_of`` was made on; None where it is no longer kept, or not whole."""
    said = recorded(settings, as_of, "plan")
    return said["inputs"] if said and shelf.is_whole(said["inputs"]) else None


def _place(settings: Settings, as_of: date, stage: str) -> str:
    return files.joined(settings.warehouse, FOLDER, f"{stage}-{as_of}.json")
