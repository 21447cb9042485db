"""What the stages of a run pass on: small references, never a frame.

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
    from features.reads import ReadHashes

Stage = Literal["validate", "train", "forecast", "rebalance", "review"]
# What is computed although it exists for the same inputs, settings, and code. "nothing" also leaves the page as it is.
Redo = Literal["everything", "page", "nothing"]
STAGES: tuple[Stage, ...] = ("validate", "train", "forecast", "rebalance", "review")


@dataclass(frozen=True)
class Snapshot:
    """Inputs known on the morning of ``as_of``: their folder, the hash of all content, the hashes of what a forecast reads.

    ``reads`` is None for a plan that is only displayed.
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
    """A run whose inputs passed validation.

    Attributes
    ----------
    settings
        The settings of the run.
    inputs
        Inputs known on the planning date.
    training
        Inputs known on the training date, the last date of the training grid on or before the planning date.
    notes
        Sentences for the summary.
    source_mark
        Identifies the state of the source files; None if it can only be told by reading them.
    warnings
        Sentences about doubtful inputs.
    assumptions
        Defaults that validation chose for data that was not provided.
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
        """The planning date."""
        return self.inputs.as_of

    @property
    def page(self) -> str:
        """Place of the run's review page, whether or not it exists yet."""
        return page_of(self.settings, self.as_of)


def page_of(settings: Settings, as_of: date) -> str:
    """Return the place of the review page of ``as_of``, whether or not it exists yet."""
    return files.joined(settings.warehouse, "pages", f"plan-{as_of}.html")


@dataclass(frozen=True)
class TrainingResult:
    """The model of a run: the identity of its training, its version, and whether this run trained it."""

    identity: str
    model_version: str
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForecastResult:
    """A run's forecast in the warehouse: its identity, number of series, whether this run computed it, notes for the summary."""

    identity: str
    model_version: str
    n_series: int
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanResult:
    """A run's plan in the warehouse, and whether this run computed it.

    ``refusals`` are the plan gate's reasons, empty if it passed.
    """

    run_version: str
    n_proposals: int
    refusals: tuple[str, ...] = ()
    is_new: bool = True


@dataclass(frozen=True)
class Result:
    """The results of a run; a stage that was not requested is None. ``notes`` are sentences for the reader."""

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
    """Turn an unexpected exception into a ``StageError`` that names the file with its traceback.

    A ``ForestockError``, which the user can act on, passes unchanged.
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
    """Write the current exception's traceback and return its place; a full disk must not hide the exception."""
    try:
        return files.write_text(files.joined(settings.warehouse, _LOGS, name), traceback.format_exc())
    except StageError:
        return "it could not be written"
