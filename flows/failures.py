"""How a stage's failure is told: one line for a person, its traceback in a file of the warehouse.

Light to import: commands use it before the stages are there. Not here: kinds of failures (``foundation.errors``).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from foundation.errors import ForestockError, StageError
from foundation.settings import Settings
from foundation.store import files

log = logging.getLogger(__name__)

_LOGS = "_logs"


@contextmanager
def reported(stage: str, settings: Settings, as_of: date | None) -> Iterator[None]:
    """Turn an unexpected exception into a ``StageError`` that says where its traceback was written.

    The failures a person can act on (``ForestockError``) pass as they are.
    """
    log.info("%s", stage, extra={"stage": stage})
    try:
        yield
    except ForestockError:
        raise
    except Exception as error:
        place = _kept_traceback(settings, f"{stage}-{as_of or 'latest'}.log")
        said = (str(error).strip().splitlines() or [""])[0]
        raise StageError(stage, f"{type(error).__name__}: {said} (traceback: {place})") from error


def _kept_traceback(settings: Settings, name: str) -> str:
    """Write the traceback of the exception at hand and return where it is; a full disk must not hide what happened."""
    try:
        return files.write_text(files.joined(settings.warehouse, _LOGS, name), traceback.format_exc())
    except StageError:
        return "it could not be written"
