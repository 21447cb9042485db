"""What a warehouse keeps beside its tables: models, records of finished stages, checkpoints of interrupted work.

A model is stored under the identity of its training as native text and JSON; the warehouse decides whether a training
exists (docs/decisions/0003-models-in-the-warehouse.md), and MLflow gets a copy. Not here: MLflow
(``models.tracking.registry``).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from foundation.checkpoint import Checkpoints
from foundation.errors import StageError
from foundation.settings import Settings
from foundation.store import files, snapshot_folder
from foundation.store.locks import locked
from models.demand_model import DemandModel

log = logging.getLogger(__name__)

MODELS_FOLDER = "_models"
_MANIFEST = "manifest.json"


class ModelStore:
    """The folder of models of one warehouse."""

    def __init__(self, warehouse: str) -> None:
        self._root = files.joined(warehouse, MODELS_FOLDER)

    def folder(self, training: str) -> str:
        """Return the folder of the model of the identity ``training``, whether or not it exists yet."""
        return files.joined(self._root, training)

    def find(self, training: str) -> DemandModel | None:
        """Return the model of the identity ``training``; None if it does not exist or is damaged."""
        folder = self.folder(training)
        if not files.exists(files.joined(folder, _MANIFEST)):
            return None
        contents = _contents(folder)
        if contents is None:
            log.warning("the model in %s is damaged; it is trained again", folder)
            return None
        return DemandModel.from_files(contents)

    def keep(self, training: str, model: DemandModel) -> None:
        """Store ``model``; the manifest is written last, so that a partly written model is not used."""
        folder = self.folder(training)
        contents = model.to_files()
        for name, content in contents.items():
            files.write_bytes(files.joined(folder, name), content)
        hashes = {name: _hashed(content) for name, content in sorted(contents.items())}
        manifest = {"model_version": model.version, "files": sorted(contents), "sha256": hashes}
        files.write_text(files.joined(folder, _MANIFEST), json.dumps(manifest))

    @contextmanager
    def turn(self, training: str) -> Iterator[None]:
        """Lock the training of one model: a second process waits and then finds the model."""
        with locked(f"{self.folder(training)}.lock"):
            yield


def _contents(folder: str) -> dict[str, bytes] | None:
    """Return the files in the manifest; None if one is missing or its hash differs."""
    try:
        parts = json.loads(files.read_text(files.joined(folder, _MANIFEST)))
        contents = {name: files.read_bytes(files.joined(folder, name)) for name in parts["files"]}
    except (StageError, ValueError, KeyError, TypeError):
        return None
    hashes = parts.get("sha256", {})
    is_whole = all(hashes.get(name, _hashed(content)) == _hashed(content) for name, content in contents.items())
    return contents if is_whole else None


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


RUNS_FOLDER = "_nights"


def recorded(settings: Settings, as_of: date, stage: str) -> dict[str, Any]:
    """Return the record of ``stage`` for ``as_of``; empty if the stage has not finished or the record cannot be read."""
    place = _place(settings, as_of, stage)
    if not files.exists(place):
        return {}
    try:
        parts = json.loads(files.read_text(place))
    except ValueError:
        log.warning("%s cannot be read; the stage runs again", place)
        return {}
    return dict(parts) if isinstance(parts, dict) else {}


def record(settings: Settings, as_of: date, stage: str, parts: Mapping[str, object]) -> None:
    """Record a finished stage, after all of its tables are written."""
    files.write_text(_place(settings, as_of, stage), json.dumps(parts, sort_keys=True))


def forget(settings: Settings, as_of: date, *stages: str) -> None:
    """Remove the records of ``stages`` for ``as_of``, because their tables are about to change."""
    for stage in stages:
        files.remove(_place(settings, as_of, stage))


def input_warnings(settings: Settings, as_of: date) -> tuple[str, ...]:
    """Return the warnings about the inputs of the plan of ``as_of``."""
    return tuple(recorded(settings, as_of, "plan").get("warnings", ()))


def kept_inputs(settings: Settings, as_of: date) -> str | None:
    """Return the folder of the inputs of the plan of ``as_of``; None if it no longer exists or is damaged."""
    parts = recorded(settings, as_of, "plan")
    return parts["inputs"] if parts and snapshot_folder.is_whole(parts["inputs"]) else None


def _place(settings: Settings, as_of: date, stage: str) -> str:
    return files.joined(settings.warehouse, RUNS_FOLDER, f"{stage}-{as_of}.json")


_KEPT_DAYS = 30


@contextmanager
def kept_checkpoints(folder: str, identity: str) -> Iterator[Checkpoints]:
    """Yield a function that stores texts in ``folder`` under ``identity``, a hash of all they depend on, and a name.

    The checkpoints are removed when the block ends without an exception, together with checkpoints of other work that are
    older than 30 days. A damaged checkpoint counts as missing.
    """
    paths: list[str] = []

    def checkpoint(name: str, make: Callable[[], str]) -> str:
        paths.append(files.joined(folder, f"{identity}.{name}"))
        text = _whole(paths[-1])
        if text is None:
            text = make()
            kept = text.encode()
            files.write_bytes(paths[-1], b"%s\n%s" % (_checkpoint_hash(kept), kept))
        return text

    yield checkpoint
    for path in paths:
        files.remove(path)
    files.remove_older(folder, _KEPT_DAYS)


def _whole(path: str) -> str | None:
    """Return the text stored at ``path``; None if it does not exist or is damaged."""
    try:
        parts, _, text = files.read_bytes(path).partition(b"\n")
    except StageError:
        return None
    if parts != _checkpoint_hash(text):
        log.warning("the checkpoint %s is damaged; it is computed again", path)
        return None
    log.info("going on from %s", path)
    return text.decode()


def _checkpoint_hash(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
