"""The models a night works with, in the warehouse, each below the identity of its training.

The one source of truth for "has this training been done?" (docs/decisions/0003); MLflow is told
afterwards. A model is native text and JSON. Not here: MLflow (``models.registry``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from foundation.store import files
from foundation.store.locks import locked
from models import DemandModel

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
        """Return the model of the identity ``training``; None where it has not been trained."""
        folder = self.folder(training)
        if not files.exists(files.joined(folder, _MANIFEST)):
            return None
        names = json.loads(files.read_text(files.joined(folder, _MANIFEST)))["files"]
        return DemandModel.from_files({name: files.read_bytes(files.joined(folder, name)) for name in names})

    def keep(self, training: str, model: DemandModel) -> None:
        """Keep ``model``; the manifest is written last, so a half-written model is not there."""
        folder = self.folder(training)
        contents = model.to_files()
        for name, content in contents.items():
            files.write_bytes(files.joined(folder, name), content)
        manifest = {"model_version": model.version, "files": sorted(contents)}
        files.write_text(files.joined(folder, _MANIFEST), json.dumps(manifest))

    @contextmanager
    def turn(self, training: str) -> Iterator[None]:
        """Let one process at a time train the same model; the next finds it done."""
        with locked(f"{self.folder(training)}.lock"):
            yield
