"""The demand model: a native booster text and one JSON-able dict; nothing that executes code.

Not here: how it is trained (``train``) or used (``predict``), or where it is kept (``registry``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

_SERIES = "booster.txt"
_TOTALS = "totals.txt"
_FACTS = "model.json"


@dataclass(frozen=True)
class DemandModel:
    """A trained model.

    Attributes
    ----------
    name : the pipeline's name.
    as_of : training date; the model has seen nothing dated on or after it.
    booster : single series, in LightGBM's own text format.
    totals : the totals series are aligned to, likewise; empty without totals.
    facts : `features`, `categories`, `calibration`, `metrics`, `training`, `given_up`, all JSON-able.

    """

    name: str
    as_of: date
    booster: str
    facts: dict[str, Any]
    totals: str = ""

    @property
    def version(self) -> str:
        """Identity: name, training date and a hash of the content."""
        digest = hashlib.sha256((self.booster + self.totals + _json(self.facts)).encode()).hexdigest()
        return f"{self.name}-{self.as_of:%Y%m%d}-{digest[:10]}"

    @property
    def metrics(self) -> dict[str, float]:
        """Out-of-sample figures of the training: this model beside the baselines."""
        return dict(self.facts["metrics"])

    def to_files(self) -> dict[str, bytes]:
        """Return the files of the model by name."""
        facts = {"name": self.name, "as_of": self.as_of.isoformat(), "facts": self.facts}
        boosters = {_SERIES: self.booster.encode(), _TOTALS: self.totals.encode()}
        return boosters | {_FACTS: _json(facts).encode()}

    @classmethod
    def from_files(cls, files: dict[str, bytes]) -> DemandModel:
        """Return the model of ``to_files``; raises ``KeyError`` when a file is missing."""
        parts = json.loads(files[_FACTS])
        trained = date.fromisoformat(parts["as_of"])
        return cls(parts["name"], trained, files[_SERIES].decode(), parts["facts"], files[_TOTALS].decode())


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
