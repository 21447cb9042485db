"""The combination: per segment a convex mixture of models and simple methods, weighted out of sample.

Weights minimize the squared error, relative to each series' level, over all calibration origins together. They are
shrunk twice: the weights of each segment toward those of all series, and those of all series toward the prior. An error of
up to 10% in the total of all series is ignored, because the error of one horizon hardly predicts that of the next. The model's
WAPE on the calibration origins then overrules the least-squares weights: from 3% above that of the best simple method on, the weight of
a model falls gradually, to 0 at 20%; below it, the model takes over gradually, entirely from 3% on. It also has
the weight 0 where its total is far off while the total of a simple method is close. Several models share the prior equally,
each is compared with the simple methods on its own, and those that win share what they take over by their weights.

References
----------
Bates, Granger: The combination of forecasts, Operational Research Quarterly 20 (1969).
Smith, Wallis: A simple explanation of the forecast combination puzzle, Oxford Bulletin of Economics and Statistics 71 (2009),
for the shrinkage.

"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from models.simple import METHODS, SimpleMeans

_TOTAL_ERROR = 0.1  # an error of this share in the total may be chance
_PRIOR_MODEL, _PRIOR_UNITS = 0.6, 2000.0  # the model's prior weight, and the evidence at which half of it applies
_PRIOR_STRENGTH, _STRENGTH_UNITS = 0.02, 100.0  # strength of the prior: its minimum, and in units of evidence
_SEGMENT_PRIOR_SERIES = 150.0
_MIN_WEIGHT = 0.05
# The model is left out where its squared error exceeds the best simple method's by this share of the signal.
_MAX_EXCESS = 0.05
_DENSE_SHARE = 0.5  # WAPE judges a series that sells in at least this share of its periods
_LOG_OFF, _LOG_CLOSER = 0.3, 0.2  # the model's total is off by more, and a simple method's is closer by this, in logs
_LOSING, _LOST = 0.03, 0.20  # relative WAPE above the best simple method's at which the weight begins to fall, and is 0
_WINNING = 0.03  # relative WAPE below it at which the model takes over
_NEW_DAYS, _YEAR_DAYS = 56, 364
_MIN_UNITS = 1e-6  # a mean of 0 would have no spread


@dataclass(frozen=True)
class CalibrationOrigin:
    """Forecasts of one calibration origin by the models and the simple methods, and the demand that followed.

    Attributes
    ----------
    models : float32 array (n_models, n_series, n_steps), the models' means in units.
    simple : means of the simple methods at the origin.
    actual : float32 array (n_series, n_steps), units demanded, NaN where unknown.

    """

    models: np.ndarray
    simple: SimpleMeans
    actual: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """Means of every part (n_models + n_methods, n_series, n_steps), the models first."""
        return np.concatenate([self.models, self.simple.means])


@dataclass(frozen=True)
class Combination:
    """Weights of the parts by segment.

    Attributes
    ----------
    days : length of a period in days, 1 or 7.
    edges : levels that separate low, middle and high volume, units per period, ascending; a level on an edge belongs above.
    weights : segment → weights in the order of ``parts``; ``all`` holds the weights of segments not seen in training.
    models : names of the models, in the order of their means.

    """

    days: int
    edges: tuple[float, ...]
    weights: dict[str, tuple[float, ...]]
    models: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        origins: list[CalibrationOrigin],
        days: int,
        models: tuple[str, ...],
        are_models_usable: bool = True,
        horizon: int = 1,
    ) -> Combination:
        """Return the combination fitted to the calibration origins; the prior if there are none, or no demand.

        Parameters
        ----------
        origins
            Forecasts and demand of the calibration origins.
        days
            Length of a period in days, 1 or 7.
        models
            Names of the models, at least one, in the order of ``CalibrationOrigin.models``.
        are_models_usable
            Whether there was a row to fit the models on; where not, their weight is 0.
        horizon
            Periods that are forecast; the evidence counts less where the calibration origins reach less far.

        """
        n_models = len(models)
        reach = min(max((one.actual.shape[1] for one in origins), default=1) / horizon, 1.0)
        edges = _edges([one.simple.level for one in origins])
        empty = cls(days, edges, {}, models)
        parts = [(one, empty.segments(one.simple)) for one in origins]
        names = sorted({str(name) for _, segments in parts for name in np.unique(segments)})
        sums = {name: _Sums.of(parts, name, n_models) for name in names}
        whole = _Sums.added(list(sums.values()), n_models)
        allowed = np.array([*[are_models_usable] * n_models, *[True] * len(METHODS)])
        of_models = _PRIOR_MODEL * whole.evidence / (whole.evidence + _PRIOR_UNITS) if are_models_usable else 0.0
        prior = np.append(np.full(n_models, of_models / n_models), (1 - of_models) * _shares_of_methods(origins))
        if whole.energy <= 0 or whole.evidence <= 0:
            return cls(days, edges, {"all": tuple(prior.tolist())}, models)
        factors = whole.total_factors
        overall = _weights(whole.problem(factors, reach), prior, allowed, n_models)
        weights = {"all": overall}
        for name, one in sums.items():
            weights[name] = _weights(
                one.problem(factors, reach).shrunk(whole.problem(factors), one.n_series), overall, allowed, n_models
            )
        advantage = np.where(whole.is_total_lost, -np.inf, wape_advantage(origins))
        overruled = {name: tuple(_overruled(row, advantage).tolist()) for name, row in weights.items()}
        return cls(days, edges, overruled, models)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts: the models, then the simple methods."""
        return (*self.models, *METHODS)

    def segments(self, simple: SimpleMeans) -> np.ndarray:
        """Return the segment of each series, text (n_series): volume, intermittency and length of its history."""
        volume = np.array(["low", "middle", "high"])[np.searchsorted(self.edges, simple.level, side="right")]
        frequency = np.array(["rare", "lumpy", "steady"])[
            np.searchsorted([0.3, 0.8], simple.demand_share, side="right")
        ]
        lengths = [_NEW_DAYS // self.days, _YEAR_DAYS // self.days]
        history = np.array(["new", "young", "old"])[np.searchsorted(lengths, simple.known, side="right")]
        return np.char.add(np.char.add(np.char.add(volume, " "), np.char.add(frequency, " ")), history)

    def combine(self, models: np.ndarray, simple: SimpleMeans) -> np.ndarray:
        """Return the combined means float32 (n_series, n_steps) of the ``models``' (n_models, n_series, n_steps).

        A series without a known period has the mean of the models.
        """
        weights = self.series_weights(simple)
        mean = np.zeros(models.shape[1:])
        for index, part in enumerate((*models, *simple.means)):
            mean = mean + weights[:, index, None] * part
        return np.maximum(mean, _MIN_UNITS).astype(np.float32)

    def methods(self, simple: SimpleMeans) -> np.ndarray:
        """Return the methods behind each series' forecast, text (n_series): its two heaviest parts, models first."""
        return np.array([self._named(row) for row in self.series_weights(simple)], object)

    def series_weights(self, simple: SimpleMeans) -> np.ndarray:
        """Return the weights (n_series, n_parts)."""
        segments = self.segments(simple)
        names, place = np.unique(segments, return_inverse=True)
        weights = np.array([self.weights.get(str(name), self.weights["all"]) for name in names])[place]
        n_models = len(self.models)
        weights[simple.known == 0] = np.where(np.arange(len(self.parts)) < n_models, 1 / n_models, 0.0)
        return weights

    def _named(self, weights: np.ndarray) -> str:
        """Return the names of the two heaviest parts, models first; the heaviest model is one of them where it has weight."""
        n_models = len(self.models)
        order = [part for part in np.argsort(-weights, kind="stable") if weights[part] > 0][:2]
        model = int(weights[:n_models].argmax())
        if weights[model] > 0 and model not in order:
            order = [model, order[0]]
        return "+".join(self.parts[part] for part in sorted(order, key=lambda part: (part >= n_models, -weights[part])))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {"days": self.days, "edges": list(self.edges), "parts": list(self.parts),
                "weights": {name: list(row) for name, row in self.weights.items()}}  # fmt: skip

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Combination:
        """Return the combination of ``to_json``."""
        weights = {name: tuple(row) for name, row in facts["weights"].items()}
        models = tuple(name for name in facts["parts"] if name not in METHODS)
        return cls(facts["days"], tuple(facts["edges"]), weights, models)


@dataclass(frozen=True)
class _Sums:
    """Sufficient statistics of one segment's weights, added up over its rows.

    ``gram`` (n_parts, n_parts) and ``moment`` (n_parts): products of forecasts with one another and with the actual, each
    ÷ the series' level; ``energy``: Σ actual² ÷ level. ``units`` and ``by_part``: totals of the actual and of each forecast.
    """

    gram: np.ndarray
    moment: np.ndarray
    energy: float
    units: float
    by_part: np.ndarray
    n_rows: float
    n_series: float
    n_models: int

    @classmethod
    def of(cls, parts: list[tuple[CalibrationOrigin, np.ndarray]], name: str, n_models: int) -> _Sums:
        result = [cls._of_origin(one, segments == name) for one, segments in parts]
        return cls.added([one for one in result if one is not None], n_models, is_same_series=True)

    @classmethod
    def _of_origin(cls, one: CalibrationOrigin, inside: np.ndarray) -> _Sums | None:
        if not inside.any():
            return None
        actual = one.actual[inside]
        known = np.isfinite(actual)
        means = one.means[:, inside][:, known].astype(np.float64)
        levels = one.simple.level
        floor = max(0.1 * float(levels.mean()), 1e-9)
        per_level = np.broadcast_to(1 / (levels[inside] + floor)[:, None], actual.shape)[known]
        y = actual[known].astype(np.float64)
        return cls(
            (means * per_level) @ means.T, means @ (y * per_level), float(y @ (y * per_level)), float(y.sum()), means.sum(axis=1),
            float(known.sum()), float(known.any(axis=1).sum()), len(one.models),
        )  # fmt: skip

    @classmethod
    def added(cls, sums: list[_Sums], n_models: int, is_same_series: bool = False) -> _Sums:
        n = n_models + len(METHODS)
        if not sums:
            return cls(np.zeros((n, n)), np.zeros(n), 0.0, 0.0, np.zeros(n), 0.0, 0.0, n_models)
        series = [one.n_series for one in sums]
        return cls(
            np.sum([one.gram for one in sums], axis=0),
            np.sum([one.moment for one in sums], axis=0),
            sum(one.energy for one in sums),
            sum(one.units for one in sums),
            np.sum([one.by_part for one in sums], axis=0),
            sum(one.n_rows for one in sums),
            max(series) if is_same_series else sum(series),
            n_models,
        )  # fmt: skip

    @property
    def total_factors(self) -> np.ndarray:
        """Factors (n_parts) that remove up to 10% of error in the total from each part."""
        ratio = self.units / np.maximum(self.by_part, 1e-9)
        return np.clip(ratio, 1 - _TOTAL_ERROR, 1 + _TOTAL_ERROR)

    @property
    def is_total_lost(self) -> np.ndarray:
        """Whether each model's total is far off while a simple method's is close, bool (n_models).

        WAPE does not see that in sparse demand.
        """
        off = np.abs(np.log(np.maximum(self.by_part, 1e-9) / max(self.units, 1e-9)))
        models = off[: self.n_models]
        return np.asarray((models > _LOG_OFF) & (off[self.n_models :].min() < models - _LOG_CLOSER))

    @property
    def signal(self) -> float:
        """Mean over the simple methods of Σ forecast² ÷ level."""
        return float(np.diagonal(self.gram)[self.n_models :].mean())

    @property
    def evidence(self) -> float:
        """Signal ÷ error variance of a row relative to its level; about the units sold where sales are Poisson."""
        equal = _equal_simple(self.n_models)
        error = (self.energy - 2 * equal @ self.moment + equal @ self.gram @ equal) / max(self.n_rows, 1)
        return self.signal / error if error > 1e-9 * self.energy > 0 else self.n_rows

    def problem(self, factors: np.ndarray, reach: float = 1.0) -> _Problem:
        """Return the least-squares problem of the parts multiplied by ``factors`` (n_parts).

        Where the rows reach over a share of the horizon only, the evidence shrinks with its fourth power: what is best for the next
        periods, such as the last value, is often not best for later ones.
        """
        scale, evidence = max(self.signal, 1e-12), self.evidence * reach**4
        return _Problem(self.gram * np.outer(factors, factors) / scale, self.moment * factors / scale, evidence)


def _shares_of_methods(origins: list[CalibrationOrigin]) -> np.ndarray:
    """Return equal shares of the simple methods, (n_methods), adding up to 1; the two that repeat the last value share one.

    They do so in weekly data of less than a year, where `seasonal_naive` has no value of the year before.
    """
    shares = np.ones(len(METHODS))
    pair = [METHODS.index("seasonal_naive"), METHODS.index("last_week")]
    if origins and all(np.array_equal(one.simple.means[pair[0]], one.simple.means[pair[1]]) for one in origins):
        shares[pair] = 0.5
    return np.asarray(shares / shares.sum())


def _edges(levels: list[np.ndarray]) -> tuple[float, ...]:
    """Return the levels below which series account for 20% and for 50% of all units."""
    level = np.sort(np.concatenate(levels)) if levels else np.zeros(1)
    running = np.cumsum(level)
    if running[-1] <= 0:
        return (0.0, 0.0)
    return tuple(float(level[np.searchsorted(running, share * running[-1])]) for share in (0.2, 0.5))


@dataclass(frozen=True)
class _Problem:
    """Squared error as a function of the weights: ``gram`` and ``moment`` relative to the signal, and their evidence."""

    gram: np.ndarray
    moment: np.ndarray
    evidence: float

    def shrunk(self, whole: _Problem, n_series: float) -> _Problem:
        """Return this problem of ``n_series`` shrunk toward that of all series."""
        share = n_series / (n_series + _SEGMENT_PRIOR_SERIES)
        gram, moment = (
            share * segment + (1 - share) * other
            for segment, other in ((self.gram, whole.gram), (self.moment, whole.moment))
        )
        return _Problem(gram, moment, self.evidence)


def _equal_simple(n_models: int) -> np.ndarray:
    """Return weights of 0 for the models and equal ones for the simple methods, (n_parts)."""
    return np.append(np.zeros(n_models), np.full(len(METHODS), 1 / len(METHODS)))


def wape_advantage(origins: list[CalibrationOrigin]) -> np.ndarray:
    """Return the share by which each model's WAPE over all calibration origins is below the best simple method's (n_models).

    The share is negative where a model is worse. Only series that sell in at least half of their periods count, because WAPE
    rewards a forecast of zero for the others. Returns 0 where those series sell less than half of all units.
    """
    n_models = len(origins[0].models)
    errors, units, dense_units = np.zeros(n_models + len(METHODS)), 0.0, 0.0
    for one in origins:
        is_dense = (one.simple.demand_share >= _DENSE_SHARE)[:, None]
        known = np.isfinite(one.actual)
        units += one.actual[known].sum(dtype=np.float64)
        known = known & is_dense
        dense_units += one.actual[known].sum(dtype=np.float64)
        for position, mean in enumerate((*one.models, *one.simple.means)):
            errors[position] += np.abs(mean - one.actual)[known].sum(dtype=np.float64)
    best = errors[n_models:].min()
    is_judged = best > 0 and dense_units >= units / 2
    return 1 - errors[:n_models] / best if is_judged else np.zeros(n_models)


def _overruled(weights: np.ndarray, advantage: np.ndarray) -> np.ndarray:
    """Return the weights (n_parts) after the comparison by WAPE of each model, ``advantage`` (n_models).

    The weight falls with the evidence that a model loses, and rises to all with the evidence that it wins. One bad horizon is partly
    chance, so nothing is decided at a single threshold.
    """
    n_models = len(advantage)
    kept_share = np.clip((advantage + _LOST) / (_LOST - _LOSING), 0.0, 1.0)
    if (kept_share < 1).any():
        kept = weights * np.append(kept_share, np.ones(len(METHODS)))
        weights = kept / kept.sum() if kept.sum() > 0 else _equal_simple(n_models)
    shares = np.where(weights[:n_models] > 0, np.clip(advantage / _WINNING, 0.0, 1.0), 0.0)
    share = shares.max()
    if share == 0:
        return weights
    winners = np.append(weights[:n_models] * shares, np.zeros(len(METHODS)))
    return (1 - share) * weights + share * winners / winners.sum()


def _weights(problem: _Problem, prior: np.ndarray, allowed: np.ndarray, n_models: int) -> np.ndarray:
    """Return the weights ≥ 0 that add up to 1 and minimize squared error plus the distance to the prior.

    A model whose squared error is clearly larger than a simple method's has the weight 0.
    """
    loss = np.diagonal(problem.gram) - 2 * problem.moment
    does_lose = (np.arange(len(prior)) < n_models) & (loss > loss[n_models:].min() + _MAX_EXCESS)
    used = np.flatnonzero(allowed & ~does_lose)
    strength = _PRIOR_STRENGTH + _STRENGTH_UNITS / max(problem.evidence, 1.0)
    matrix = problem.gram[np.ix_(used, used)] + strength * np.eye(len(used))
    target = problem.moment[used] + strength * prior[used]
    root = np.linalg.cholesky(matrix)
    rows = np.vstack([root.T, 1e3 * np.ones(len(used))])
    result, _ = nnls(rows, np.append(np.linalg.solve(root, target), 1e3))
    result = np.where(result < _MIN_WEIGHT * result.sum(), 0.0, result)
    weights = np.zeros(len(prior))
    weights[used] = result / result.sum()
    return weights
