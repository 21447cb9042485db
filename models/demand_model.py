"""The demand model: a fitted model of the mean, and all that is learned around it as one JSON-able dict.

Nothing in it executes code when it is read. Not here: how it is trained (``models.training``) or used (``models.predict``),
or where it is stored (``pipeline.artifacts``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from models.forecaster import Forecaster, registered_kinds

_FACTS = "model.json"


@dataclass(frozen=True)
class DemandModel:
    """A trained model.

    Attributes
    ----------
    name : the pipeline's name.
    as_of : training date; the model has seen nothing dated on or after it.
    forecasters : the models of the mean in the order of ``kinds``; empty where means come from elsewhere.
    facts : `kind`, `kinds` where there are several, `features`, `categories`, `calibration`, `metrics`, `training`, `given_up`, `curves` of
        the fits where they have iterations, all JSON-able.

    """

    name: str
    as_of: date
    forecasters: tuple[Forecaster, ...]
    facts: dict[str, Any]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of ``forecasters``; empty where means come from elsewhere."""
        kind = self.facts.get("kind")
        return tuple(self.facts.get("kinds", () if kind is None else (kind,)))

    @property
    def version(self) -> str:
        """Identity: name, training date and a hash of what forecasts depend on."""
        digest = hashlib.sha256()
        for name, content in sorted(self._fitted_files().items()):
            digest.update(f"{name}\0".encode() + content + b"\0")
        digest.update(_json({name: value for name, value in self.facts.items() if name != "curves"}).encode())
        return f"{self.name}-{self.as_of:%Y%m%d}-{digest.hexdigest()[:10]}"

    @property
    def metrics(self) -> dict[str, float]:
        """Out-of-sample metrics of the training: this model next to the baselines."""
        return dict(self.facts["metrics"])

    def to_files(self) -> dict[str, bytes]:
        """Return the files of the model by name."""
        facts = {"name": self.name, "as_of": self.as_of.isoformat(), "facts": self.facts}
        return self._fitted_files() | {_FACTS: _json(facts).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> DemandModel:
        """Return the model of ``to_files``; raises ``KeyError`` when a file is missing or its kind is not installed."""
        values = json.loads(files[_FACTS])
        facts = values["facts"]
        model = cls(values["name"], date.fromisoformat(values["as_of"]), (), facts)
        known = registered_kinds()
        return replace(model, forecasters=tuple(known[kind].load(model.files_of(kind, files)) for kind in model.kinds))

    def files_of(self, kind: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return those of ``files`` that the model of ``kind`` stored, by its own names for them."""
        start = self._folder(kind)
        return {name.removeprefix(start): content for name, content in files.items() if name.startswith(start)}

    def _folder(self, kind: str) -> str:
        """Return what the names of the files of ``kind`` start with: a folder of its own where there are several kinds."""
        return f"{kind}/" if len(self.kinds) > 1 else ""

    def _fitted_files(self) -> dict[str, bytes]:
        return {
            self._folder(kind) + name: content
            for kind, forecaster in zip(self.kinds, self.forecasters, strict=False)
            for name, content in forecaster.files().items()
        }


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
