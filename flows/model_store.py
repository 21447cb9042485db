"""The models a night works with, in the warehouse, each below the identity of its training.

The one source of truth for "has this training been done?" (docs/decisions/0003-models-in-the-warehouse.md); MLflow is told
afterwards. A model is native text and JSON. Not here: MLflow (``models.registry``).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from foundation.errors import StageError
from foundation.store import files
from foundation.store.locks import locked
from models import DemandModel

log = logging.getLogger(__name__)

FOLDER = "_models"
_MANIFEST = "manifest.json"


class ModelStore:
    """The folder of models of one warehouse."""

    def __init__(self, warehouse: str) -> None:
        self._root = files.joined(warehouse, FOLDER)

    def folder(self, training: str) -> str:
        """Return where the model of the identity ``training`` is, or will be."""
        return files.joined(self._root, training)

    def find(self, training: str) -> DemandModel | None:
        """Return the model of the identity ``training``; None where it has not been trained or is no longer whole."""
        folder = self.folder(training)
        if not files.exists(files.joined(folder, _MANIFEST)):
            return None
        contents = _contents(folder)
        if contents is None:
            log.warning("the model in %s is damaged; it is trained again", folder)
            return None
        return DemandModel.from_files(contents)

    def keep(self, training: str, model: DemandModel) -> None:
        """Keep ``model``; the manifest is written last, so a half-written model is not there."""
        folder = self.folder(training)
        contents = model.to_files()
        for name, content in contents.items():
            files.write_bytes(files.joined(folder, name), content)
        hashes = {name: _hashed(content) for name, content in sorted(contents.items())}
        manifest = {"model_version": model.version, "files": sorted(contents), "sha256": hashes}
        files.write_text(files.joined(folder, _MANIFEST), json.dumps(manifest))

    @contextmanager
    def turn(self, training: str) -> Iterator[None]:
        """Let one process at a time train the same model; the next finds it done."""
        with locked(f"{self.folder(training)}.lock"):
            yield


def _contents(folder: str) -> dict[str, bytes] | None:
    """Return the files the manifest names; None where one is missing or not what was written."""
    try:
        said = json.loads(files.read_text(files.joined(folder, _MANIFEST)))
        contents = {name: files.read_bytes(files.joined(folder, name)) for name in said["files"]}
    except (StageError, ValueError, KeyError, TypeError):
        return None
    hashes = said.get("sha256", {})
    is_whole = all(hashes.get(name, _hashed(content)) == _hashed(content) for name, content in contents.items())
    return contents if is_whole else None


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
