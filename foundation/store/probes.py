"""A store tried out: a file is written and deleted, so that missing rights or drivers are known before a run.

Not here: which places a configuration names (``pipeline.doctor``).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from foundation.errors import StageError
from foundation.store import files


def write_and_remove(place: str) -> str:
    """Write a small file to a folder or fsspec URL and delete it; return what went wrong, an empty text if nothing did.

    Folders that did not exist before are removed again.
    """
    name = f".forestock-doctor-{uuid4().hex}"
    created = [] if files.is_url(place) else [one for one in (Path(place), *Path(place).parents) if not one.exists()]
    try:
        path = files.write_bytes(files.joined(place, name), b"forestock doctor")
        if files.read_bytes(path) != b"forestock doctor":
            return "what was written is not what is read"
        files.remove(path)
    except Exception as error:  # every file system and its driver has its own exceptions
        text = next(iter(str(error).splitlines()), type(error).__name__)
        return text.partition(" failed: ")[2][:200] if isinstance(error, StageError) else text[:200]
    finally:
        for folder in created:
            with suppress(OSError):
                folder.rmdir()
    return ""
