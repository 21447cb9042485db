"""The combination: per segment a convex mixture of the model and simple methods, weighted out of sample.

Weights minimize the squared error, relative to each series' level, over all calibration origins together. They are
shrunk twice: each segment's toward those of all series, those of all toward the prior. A method's error in the total of
all series is left out as far as one horizon's chance explains it, because it hardly lasts into the next. Then the verdict:
a model whose WAPE on the calibration origins is more than 10% above the best simple method's has the weight 0; one that is
below it takes over, entirely from 3% on; a model whose total is far off while a simple method's is close has the weight 0 too.

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

MODEL = "lightgbm"
PARTS = (MODEL, *METHODS)
_LUCK = 0.1  # a total off by less than this share is what one horizon does by chance
_PRIOR_MODEL, _PRIOR_UNITS = 0.6, 2000.0  # the model's weight to begin with, half of it at that much evidence
_PRIOR_STRENGTH, _STRENGTH_UNITS = 0.02, 100.0  # of the prior: at least, and in units of evidence
_SEGMENT_PRIOR_SERIES = 150.0
_LEAST_WEIGHT = 0.05
_WORSE = 0.05  # a model whose squared error exceeds the best simple method's by this share of the signal is left out
_DENSE = 0.5  # share of periods with demand from which WAPE judges a mean
_OFF, _CLOSER = 0.3, 0.2  # a total off by this much in logs, and a simple method closer by this much
_LOST, _WON = 0.10, 0.03  # a WAPE above the best simple method's by this share loses; below it by this share wins
_NEW_DAYS, _YEAR_DAYS = 56, 364
_LEAST_UNITS = 1e-6  # a mean of 0 would have no spread


@dataclass(frozen=True)
class Judged:
    """Forecasts of one calibration origin by every part, beside what was demanded.

    Attributes
    ----------
    model : float32 array (n_series, n_steps), the model's means.
    simple : means of the simple methods at the origin.
    actual : float32 array (n_series, n_steps), NaN where unknown.

    """

    model: np.ndarray
    simple: SimpleMeans
    actual: np.ndarray


@dataclass(frozen=True)
class Combination:
    """Weights of the parts by segment.

    Attributes
    ----------
    days : length of a period.
    edges : levels that part low, middle and high volume, units per period, ascending.
    weights : segment → weights in the order of ``PARTS``; ``all`` holds those of segments not met in training.

    """

    days: int
    edges: tuple[float, ...]
    weights: dict[str, tuple[float, ...]]

    @classmethod
    def fit(cls, origins: list[Judged], days: int, is_model_usable: bool) -> Combination:
        """Return the combination of the calibration origins; without any, or any demand, the prior."""
        edges = _edges([one.simple.level for one in origins])
        empty = cls(days, edges, {})
        parts = [(one, empty.segments(one.simple)) for one in origins]
        names = sorted({str(name) for _, segments in parts for name in np.unique(segments)})
        sums = {name: _Sums.of(parts, name) for name in names}
        whole = _Sums.added(list(sums.values()))
        allowed = np.array([is_model_usable, *[True] * len(METHODS)])
        model = _PRIOR_MODEL * whole.evidence / (whole.evidence + _PRIOR_UNITS) if is_model_usable else 0.0
        prior = np.array([model, *[(1 - model) / len(METHODS)] * len(METHODS)])
        if whole.energy <= 0 or whole.evidence <= 0:
            return cls(days, edges, {"all": tuple(prior.tolist())})
        luck = whole.luck
        overall = _weights(whole.problem(luck), prior, allowed)
        weights = {"all": overall}
        for name, one in sums.items():
            weights[name] = _weights(one.problem(luck).shrunk(whole.problem(luck), one.n_series), overall, allowed)
        advantage = -np.inf if whole.is_total_lost else wape_advantage(origins)
        return cls(days, edges, {name: tuple(_judged(row, advantage).tolist()) for name, row in weights.items()})

    @classmethod
    def of_model(cls, facts: dict[str, Any]) -> Combination:
        """Return the combination in a model's facts; the model alone where they have none."""
        if "combination" in facts:
            return cls.from_json(facts["combination"])
        return cls(1, (0.0, 0.0), {"all": (1.0, *[0.0] * len(METHODS))})

    def segments(self, simple: SimpleMeans) -> np.ndarray:
        """Return the segment of each series, text (n_series): volume, intermittency and length of its history."""
        volume = np.array(["low", "middle", "high"])[np.searchsorted(self.edges, simple.level, side="right")]
        often = np.array(["rare", "lumpy", "steady"])[np.searchsorted([0.3, 0.8], simple.demand_share, side="right")]
        lengths = [_NEW_DAYS // self.days, _YEAR_DAYS // self.days]
        history = np.array(["new", "young", "old"])[np.searchsorted(lengths, simple.known, side="right")]
        return np.char.add(np.char.add(np.char.add(volume, " "), np.char.add(often, " ")), history)

    def combine(self, model: np.ndarray, simple: SimpleMeans) -> np.ndarray:
        """Return the combined means float32 (n_series, n_steps); a series without a known period has the model's."""
        weights = self._of(simple)
        mean = weights[:, :1] * model
        for index in range(len(METHODS)):
            mean = mean + weights[:, index + 1, None] * simple.means[index]
        return np.maximum(mean, _LEAST_UNITS).astype(np.float32)

    def parts(self, simple: SimpleMeans) -> np.ndarray:
        """Return what makes each series' forecast, text (n_series): its two heaviest parts, the model first."""
        return np.array([_named(row) for row in self._of(simple)], object)

    def _of(self, simple: SimpleMeans) -> np.ndarray:
        """Return the weights (n_series, n_parts)."""
        segments = self.segments(simple)
        names, place = np.unique(segments, return_inverse=True)
        weights = np.array([self.weights.get(str(name), self.weights["all"]) for name in names])[place]
        weights[simple.known == 0] = np.eye(len(PARTS))[0]
        return weights

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {"days": self.days, "edges": list(self.edges), "parts": list(PARTS),
                "weights": {name: list(row) for name, row in self.weights.items()}}  # fmt: skip

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Combination:
        """Return the combination of ``to_json``."""
        weights = {name: tuple(row) for name, row in facts["weights"].items()}
        return cls(facts["days"], tuple(facts["edges"]), weights)


@dataclass(frozen=True)
class _Sums:
    """What the weights of one segment depend on, added up over its rows.

    ``gram`` (n_parts, n_parts) and ``moment`` (n_parts): products of forecasts with one another and with the actual, each
    ÷ the series' level; ``energy``: Σ actual² ÷ level. ``units`` and ``by_part``: totals of actual and forecasts.
    """

    gram: np.ndarray
    moment: np.ndarray
    energy: float
    units: float
    by_part: np.ndarray
    n_rows: float
    n_series: float

    @classmethod
    def of(cls, parts: list[tuple[Judged, np.ndarray]], name: str) -> _Sums:
        result = [cls._of_origin(one, segments == name) for one, segments in parts]
        return cls.added([one for one in result if one is not None], is_same_series=True)

    @classmethod
    def _of_origin(cls, one: Judged, inside: np.ndarray) -> _Sums | None:
        if not inside.any():
            return None
        actual = one.actual[inside]
        known = np.isfinite(actual)
        means = np.stack([one.model[inside], *(mean[inside] for mean in one.simple.means)])[:, known].astype(np.float64)
        levels = one.simple.level
        floor = max(0.1 * float(levels.mean()), 1e-9)
        per_level = np.broadcast_to(1 / (levels[inside] + floor)[:, None], actual.shape)[known]
        y = actual[known].astype(np.float64)
        return cls(
            (means * per_level) @ means.T, means @ (y * per_level), float(y @ (y * per_level)), float(y.sum()), means.sum(axis=1),
            float(known.sum()), float(known.any(axis=1).sum()),
        )  # fmt: skip

    @classmethod
    def added(cls, sums: list[_Sums], is_same_series: bool = False) -> _Sums:
        n = len(PARTS)
        if not sums:
            return cls(np.zeros((n, n)), np.zeros(n), 0.0, 0.0, np.zeros(n), 0.0, 0.0)
        series = [one.n_series for one in sums]
        return cls(
            np.sum([one.gram for one in sums], axis=0),
            np.sum([one.moment for one in sums], axis=0),
            sum(one.energy for one in sums),
            sum(one.units for one in sums),
            np.sum([one.by_part for one in sums], axis=0),
            sum(one.n_rows for one in sums),
            max(series) if is_same_series else sum(series),
        )  # fmt: skip

    @property
    def luck(self) -> np.ndarray:
        """Factors (n_parts) that take the total's error out of each part, as far as chance explains it."""
        ratio = self.units / np.maximum(self.by_part, 1e-9)
        return np.clip(ratio, 1 - _LUCK, 1 + _LUCK)

    @property
    def is_total_lost(self) -> bool:
        """Whether the model's total is far off while a simple method's is close: the failure that WAPE does not see in sparse demand."""
        off = np.abs(np.log(np.maximum(self.by_part, 1e-9) / max(self.units, 1e-9)))
        return bool(off[0] > _OFF and off[1:].min() < off[0] - _CLOSER)

    @property
    def signal(self) -> float:
        """Mean over the simple methods of Σ forecast² ÷ level."""
        return float(np.diagonal(self.gram)[1:].mean())

    @property
    def evidence(self) -> float:
        """The signal ÷ the error variance of a row relative to its level: about the units sold, where sales are Poisson."""
        even = np.append(0.0, np.full(len(METHODS), 1 / len(METHODS)))
        error = (self.energy - 2 * even @ self.moment + even @ self.gram @ even) / max(self.n_rows, 1)
        return self.signal / error if error > 1e-9 * self.energy > 0 else self.n_rows

    def problem(self, luck: np.ndarray) -> _Problem:
        """Return the least-squares problem with the luck taken out."""
        scale = max(self.signal, 1e-12)
        return _Problem(self.gram * np.outer(luck, luck) / scale, self.moment * luck / scale, self.evidence)


def _edges(levels: list[np.ndarray]) -> tuple[float, ...]:
    """Return the levels below which series make up the last 20 % and the last 50 % of all units."""
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
        """Return this problem of ``n_series`` shrunk towards that of all series."""
        share = n_series / (n_series + _SEGMENT_PRIOR_SERIES)
        gram, moment = (
            share * specified + (1 - share) * other
            for specified, other in ((self.gram, whole.gram), (self.moment, whole.moment))
        )
        return _Problem(gram, moment, self.evidence)


def wape_advantage(origins: list[Judged]) -> float:
    """Return by what share the model's WAPE over all calibration origins lies below the best simple method's.

    Only series that sell in at least half of their periods count: WAPE rewards a forecast of zero for the others. Where
    they sell less than half of all units there is no verdict, 0. Negative where the model is worse.
    """
    errors, units, dense_units = np.zeros(len(PARTS)), 0.0, 0.0
    for one in origins:
        is_dense = (one.simple.demand_share >= _DENSE)[:, None]
        known = np.isfinite(one.actual)
        units += one.actual[known].sum(dtype=np.float64)
        known = known & is_dense
        dense_units += one.actual[known].sum(dtype=np.float64)
        for position, mean in enumerate((one.model, *one.simple.means)):
            errors[position] += np.abs(mean - one.actual)[known].sum(dtype=np.float64)
    best = errors[1:].min()
    return float(1 - errors[0] / best) if best > 0 and dense_units >= units / 2 else 0.0


def _judged(weights: np.ndarray, advantage: float) -> np.ndarray:
    """Return the weights after the verdict on the model: nothing where it lost, all where it won clearly, between in between."""
    only_model = np.eye(len(PARTS))[0]
    if advantage < -_LOST:
        simple = np.append(0.0, weights[1:])
        return simple / simple.sum() if simple.sum() > 0 else np.append(0.0, np.full(len(METHODS), 1 / len(METHODS)))
    share = min(max(advantage / _WON, 0.0), 1.0) if weights[0] > 0 else 0.0
    return (1 - share) * weights + share * only_model


def _weights(problem: _Problem, prior: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the weights ≥ 0, adding up to 1, of least squared error plus the distance to the prior.

    A model that loses to a simple method has the weight 0.
    """
    loss = np.diagonal(problem.gram) - 2 * problem.moment
    does_lose = loss[0] > loss[1:].min() + _WORSE
    used = np.flatnonzero(allowed & ~((np.arange(len(prior)) == 0) & does_lose))
    strength = _PRIOR_STRENGTH + _STRENGTH_UNITS / max(problem.evidence, 1.0)
    matrix = problem.gram[np.ix_(used, used)] + strength * np.eye(len(used))
    target = problem.moment[used] + strength * prior[used]
    root = np.linalg.cholesky(matrix)
    rows = np.vstack([root.T, 1e3 * np.ones(len(used))])
    result, _ = nnls(rows, np.append(np.linalg.solve(root, target), 1e3))
    result = np.where(result < _LEAST_WEIGHT * result.sum(), 0.0, result)
    weights = np.zeros(len(prior))
    weights[used] = result / result.sum()
    return weights


def _named(weights: np.ndarray) -> str:
    order = [at for at in np.argsort(-weights, kind="stable") if weights[at] > 0][:2]
    if weights[0] > 0 and 0 not in order:
        order = [0, order[0]]
    return "+".join(PARTS[at] for at in sorted(order, key=lambda at: (at != 0, -weights[at])))
