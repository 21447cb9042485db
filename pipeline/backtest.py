"""A backtest: forecast origins one after another, and two configurations compared.

Not here: one origin (``pipeline.forecast_origin``), the report and the record in MLflow (``pipeline.backtest_report``), Prefect
(``flows.backtest``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from foundation.errors import ConfigurationError, GateError, InputError
from foundation.settings import Settings
from foundation.store.sources import FolderSource
from foundation.validation.validate import UnreadableError
from models.backtest.methods import GivenScales
from models.backtest.promotion import Decision, decide
from models.backtest.summary import Summary, stability, summarize
from models.tracking.runs import Tracker
from pipeline.backtest_report import NOTE, TOPIC, Backtest, RecordedBacktest, gather, record_backtest
from pipeline.configuration import load_settings
from pipeline.forecast_origin import (
    Actuals,
    Origins,
    ScoredOrigin,
    inputs_known_on,
    origin_dates,
    read_actuals,
    score_forecast,
)
from pipeline.results import reported
from pipeline.run import record_stage, train_stage

log = logging.getLogger(__name__)

Step = Callable[[Settings, date, Actuals, GivenScales | None], ScoredOrigin]


@dataclass(frozen=True)
class Challenge:
    """A second configuration to compare with.

    Attributes
    ----------
    changes
        Settings of the challenger that differ from the configuration, ``key=value``.
    config
        Another configuration as challenger; None is the same one with ``changes``.
    is_promoting
        Whether the challenger's model becomes champion if the promotion rule allows it.
    weights
        File of given weights and scales; None derives them from the history known at each origin.
    """

    changes: tuple[str, ...] = ()
    config: str | None = None
    is_promoting: bool = False
    weights: str | None = None

    @property
    def has_challenger(self) -> bool:
        """Whether there is a second configuration."""
        return bool(self.changes or self.config)


@dataclass(frozen=True)
class BacktestResult:
    """A recorded backtest; ``decision`` and ``challenger`` are None unless two configurations were compared."""

    recorded: RecordedBacktest
    challenger: RecordedBacktest | None = None
    decision: Decision | None = None
    promoted_version: str = ""


class RefusedPromotionError(GateError):
    """The challenger was not promoted; ``result`` holds both recorded backtests."""

    def __init__(self, result: BacktestResult, reason: str) -> None:
        super().__init__(reason)
        self.result = result


def score_origin(settings: Settings, origin: date, actuals: Actuals, given: GivenScales | None) -> ScoredOrigin:
    """Forecast one origin with what was known then and score the forecast."""
    with reported(f"origin {origin}", settings, origin):
        return score_forecast(inputs_known_on(settings, origin), actuals, given)


def run_origins(
    settings: Settings, origins: Origins, given: GivenScales | None, label: str, step: Step = score_origin
) -> Backtest:
    """Return the backtest of one configuration.

    Parameters
    ----------
    settings
        The configuration.
    origins
        How many origins, how far apart, up to which day.
    given
        Weights and scales; None derives them from history.
    label
        Names the configuration beside another one, for example ``champion``; may be empty.
    step
        Scores one origin; the flow passes a Prefect task.
    """
    actuals = read_actuals(settings, origins)
    days = origin_dates(settings, origins, actuals)
    scored = [step(settings, day, actuals, given) for day in days]
    summary = summarize([one.judged for one in scored])
    pairs = [stability(a.trace, b.trace) for a, b in pairwise(scored)]
    with reported("explain", settings, days[-1]):
        evidence = gather(inputs_known_on(settings, days[-1]), actuals, summary.series)
    return Backtest(settings, origins, actuals, tuple(scored), summary, _mean_of(pairs), evidence, label)


def challenger_settings(config: str, overrides: Sequence[str], request: Challenge) -> Settings:
    """Return the challenger's settings; raises ``ConfigurationError`` if the two configurations cannot be compared."""
    champion = load_settings(config, overrides)
    challenger = load_settings(request.config or config, [*overrides, *request.changes])
    for key in ("frequency", "horizon"):
        selected, other = getattr(champion, key), getattr(challenger, key)
        if selected != other:
            raise ConfigurationError(
                f"{key}: the challenger's is {other}, the champion's {selected}; they must be the same"
            )
    # one warehouse and one experiment, so that both backtests are found together
    same = {"name": champion.name, "warehouse": champion.warehouse, "tracking_uri": champion.tracking_uri}
    return challenger.model_copy(update=same)


def compare(champion: RecordedBacktest, other: Backtest, request: Challenge, tags: Mapping[str, str]) -> BacktestResult:
    """Record the challenger's backtest and decide whether it beats the champion's on the same origins.

    Raises ``RefusedPromotionError`` if a promotion was requested and is refused.
    """
    decision = decide(*(_main_method(summary) for summary in (champion.backtest.summary, other.summary)))
    changes = ", ".join(request.changes) or str(request.config)
    outcome = {"gate": "promoted" if decision.is_promoted else "refused", "gate_reason": decision.reason}
    outcome |= {"compared_with": champion.run_id, "challenger_changes": changes}
    challenger = record_backtest(other, {**tags, **outcome})
    if champion.run_id:
        tracker = Tracker(other.settings, TOPIC, NOTE)
        tracker.tag(champion.run_id, {**tags, **outcome, "compared_with": challenger.run_id})
    log.info("%s", decision.reason)
    if not request.is_promoting:
        return BacktestResult(champion, challenger, decision)
    if not decision.is_promoted:
        raise RefusedPromotionError(BacktestResult(champion, challenger, decision), decision.reason)
    return BacktestResult(champion, challenger, decision, promote(challenger, decision))


def _main_method(summary: Summary) -> pd.DataFrame:
    """Return the scores by origin of the configuration's own forecast, without those of the baselines."""
    scores = summary.origins
    return scores[scores["method"] == scores["method"].iloc[0]]


def promote(recorded: RecordedBacktest, decision: Decision) -> str:
    """Register the last model of a backtest, make it the champion, and return its version."""
    settings, last = recorded.backtest.settings, recorded.backtest.scored[-1]
    context = inputs_known_on(settings, last.origin)
    trained = train_stage(context)
    record_stage(context, trained, {"backtest_run": recorded.run_id})
    return Tracker(settings, TOPIC, NOTE).promote(trained.identity, decision.reason, recorded.run_id)


def _mean_of(pairs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every figure over the pairs in which it is finite."""
    result = {}
    for name in pairs[0] if pairs else ():
        values = [pair[name] for pair in pairs if np.isfinite(pair[name])]
        if values:
            result[name] = float(np.mean(values))
    return result


def read_weights(path: str) -> GivenScales:
    """Return the weights and scales of a CSV or Parquet file.

    Raises ``InputError`` where it is not there, cannot be read or lacks a column.
    """
    file = Path(path).expanduser()
    try:
        source = FolderSource(str(file.parent), file.suffix.lstrip("."))
        if not source.has(file.stem):
            raise InputError(f"--weights {path}: there is no such file")
        return GivenScales(source.read(file.stem, as_text=("series",)).to_pandas())
    except (UnreadableError, KeyError) as error:
        label = error.problem if isinstance(error, UnreadableError) else "is neither .csv nor .parquet"
        raise InputError(f"--weights {path}: {label}") from error
