"""What stages hand to one another: small references, never a frame.

Not here: the stages (``pipeline.run``) or their order (``flows.nightly``).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from foundation.assumptions import Assumption
from foundation.errors import ForestockError, GateError, StageError
from foundation.settings import Settings
from foundation.store import files

if TYPE_CHECKING:
    from features import ReadHashes

Stage = Literal["validate", "train", "forecast", "rebalance", "review"]
Redo = Literal["everything", "plan", "nothing"]
STAGES: tuple[Stage, ...] = ("validate", "train", "forecast", "rebalance", "review")


@dataclass(frozen=True)
class Snapshot:
    """Inputs known on the morning of ``as_of``: their folder, the hash of all of their content and of what a forecast reads.

    ``reads`` is None where a plan is only looked at again.
    """

    as_of: date
    folder: str
    fingerprint: str
    reads: ReadHashes | None = None

    @property
    def training_reads(self) -> str:
        """The hash of what training at ``as_of`` reads."""
        return self.reads.training if self.reads else self.fingerprint

    @property
    def forecast_reads(self) -> str:
        """The hash of what a forecast at ``as_of`` reads."""
        return self.reads.forecast if self.reads else self.fingerprint


@dataclass(frozen=True)
class RunContext:
    """One night that has passed validation.

    ``training`` is what was known on the training date, which is the last date of the training
    grid on or before ``as_of``. ``notes`` are sentences for the summary. ``source_mark`` says which state of the source was
    read, None where only reading tells. ``warnings`` doubt the inputs; ``assumptions`` are the defaults validation took.
    """

    settings: Settings
    inputs: Snapshot
    training: Snapshot
    notes: tuple[str, ...] = ()
    source_mark: str | None = None
    warnings: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def as_of(self) -> date:
        """The night's date."""
        return self.inputs.as_of

    @property
    def page(self) -> str:
        """Where the review page of the night is, or will be."""
        return page_of(self.settings, self.as_of)


def page_of(settings: Settings, as_of: date) -> str:
    """Return where the review page of the night of ``as_of`` is, or will be."""
    return files.joined(settings.warehouse, "pages", f"plan-{as_of}.html")


@dataclass(frozen=True)
class TrainingResult:
    """The model of a night: the identity of its training, its version, and whether it was trained just now."""

    identity: str
    model_version: str
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForecastResult:
    """A night's forecast in the warehouse: its identity, its size, whether it was already there, and sentences for the summary."""

    identity: str
    model_version: str
    n_series: int
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanResult:
    """A night's plan in the warehouse; ``refusals`` are the gate's reasons, empty when it passed."""

    run_version: str
    n_proposals: int
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a night has left behind; what is None was not asked for. ``notes`` are sentences for a person."""

    context: RunContext
    trained: TrainingResult
    forecasted: ForecastResult | None = None
    planned: PlanResult | None = None
    page: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """The gate's reasons against the plan; empty where it passed or there is none."""
        return self.planned.refusals if self.planned else ()

    def with_(self, **built: Any) -> Result:
        """Return this result with what was made since."""
        return replace(self, **built)


class RefusedError(GateError):
    """The gate refused the plan; ``result`` is what was kept."""

    def __init__(self, result: Result, *reasons: str) -> None:
        super().__init__(*reasons)
        self.result = result


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
        parts = (str(error).strip().splitlines() or [""])[0]
        raise StageError(stage, f"{type(error).__name__}: {parts} (traceback: {place})") from error


def _kept_traceback(settings: Settings, name: str) -> str:
    """Write the traceback of the exception at hand and return where it is; a full disk must not hide what happened."""
    try:
        return files.write_text(files.joined(settings.warehouse, _LOGS, name), traceback.format_exc())
    except StageError:
        return "it could not be written"
