"""The models a night works with, in the warehouse, each below the identity of its training.

The one source of truth for "has this training been done?" (docs/decisions/0003-models-in-the-warehouse.md); MLflow is told
afterwards. A model is native text and JSON. Not here: MLflow (``models.tracking.registry``).
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
from models import DemandModel

log = logging.getLogger(__name__)

MODELS_FOLDER = "_models"
_MANIFEST = "manifest.json"


class ModelStore:
    """The folder of models of one warehouse."""

    def __init__(self, warehouse: str) -> None:
        self._root = files.joined(warehouse, MODELS_FOLDER)

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
    """Return what ``stage`` has noted for ``as_of``; empty where it has not been done, or the note cannot be read."""
    place = _place(settings, as_of, stage)
    if not files.exists(place):
        return {}
    try:
        parts = json.loads(files.read_text(place))
    except ValueError:
        log.warning("%s cannot be read; the stage is done again", place)
        return {}
    return dict(parts) if isinstance(parts, dict) else {}


def record(settings: Settings, as_of: date, stage: str, parts: Mapping[str, object]) -> None:
    """Note what a stage has written, after all of it is there."""
    files.write_text(_place(settings, as_of, stage), json.dumps(parts, sort_keys=True))


def forget(settings: Settings, as_of: date, *stages: str) -> None:
    """Take back what ``stages`` have noted for ``as_of``: their tables are about to change."""
    for stage in stages:
        files.remove(_place(settings, as_of, stage))


def input_warnings(settings: Settings, as_of: date) -> tuple[str, ...]:
    """Return the warnings about the inputs that the plan of ``as_of`` was made with."""
    return tuple(recorded(settings, as_of, "plan").get("warnings", ()))


def kept_inputs(settings: Settings, as_of: date) -> str | None:
    """Return the folder of the inputs the plan of ``as_of`` was made on; None where it is no longer kept, or not whole."""
    parts = recorded(settings, as_of, "plan")
    return parts["inputs"] if parts and snapshot_folder.is_whole(parts["inputs"]) else None


def _place(settings: Settings, as_of: date, stage: str) -> str:
    return files.joined(settings.warehouse, RUNS_FOLDER, f"{stage}-{as_of}.json")


_KEPT_DAYS = 30


@contextmanager
def kept_checkpoints(folder: str, identity: str) -> Iterator[Checkpoints]:
    """Give what keeps texts in ``folder`` as they are made, under ``identity`` (all they depend on) and their name.

    They are removed once the block has ended of itself, and with them what interrupted work nobody went on with has
    left there for a month. One that is not whole counts as absent.
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
    """Return the text kept at ``path``; None where there is none, or not all of it."""
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
