"""Promotion: whether one configuration beats another, and whether a model beats the baselines.

Configurations are compared by a paired test over the same origins and by their bias. Not here: running either, or setting the
alias in MLflow (``models.tracking``).

References
----------
Fisher: The Design of Experiments, 1935, section 21, for the randomization test.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from models.demand_model import DemandModel

SCORE = "wrmsse"
SIGNIFICANCE = 0.1
WORSE_BIAS_RATE = 0.01  # a better score does not outweigh a bias that exceeds the champion's by more
_MOST_ORIGINS = 16


@dataclass(frozen=True)
class Decision:
    """The promotion decision and its reason.

    Attributes
    ----------
    is_promoted : whether the challenger becomes champion.
    difference : mean difference of WRMSSE, challenger − champion; below 0 is better.
    difference_sd : its standard deviation over origins; NaN with one origin.
    p_value : one-sided p of the paired sign-flip test.
    n_won : origins at which the challenger is better.
    n_origins : origins that both have.
    reason : the decision in one sentence.
    """

    is_promoted: bool
    difference: float
    difference_sd: float
    p_value: float
    n_won: int
    n_origins: int
    reason: str


def decide(champion: pd.DataFrame, challenger: pd.DataFrame) -> Decision:
    """Return the decision on the judged methods' scores, one row per `origin` with `wrmsse` and `bias`.

    Only origins both have count. The challenger is promoted where a one-sided sign-flip test on the paired
    differences of WRMSSE gives p ≤ 0.1 (with fewer than four origins it never can) and its mean bias lies no
    further from 0 than the champion's by more than 0.01.
    """
    paired = champion.merge(challenger, on="origin", suffixes=("_champion", "_challenger"))
    change = (paired[f"{SCORE}_challenger"] - paired[f"{SCORE}_champion"]).to_numpy(float)
    p_value = sign_flip_p_value(change)
    biases = [abs(float(paired[f"bias_{who}"].mean())) for who in ("champion", "challenger")]
    is_better, is_fair = p_value <= SIGNIFICANCE, biases[1] <= biases[0] + WORSE_BIAS_RATE
    won = int((change < 0).sum())
    reason = _reason(paired, change, p_value, biases, is_better and is_fair)
    spread = float(change.std(ddof=1)) if len(change) > 1 else float("nan")
    mean = float(change.mean()) if len(change) else float("nan")
    return Decision(is_better and is_fair, mean, spread, p_value, won, len(change), reason)


def sign_flip_p_value(differences: np.ndarray) -> float:
    """Return the exact one-sided p of "the mean is below 0": the share of sign patterns with a mean as low.

    This is Fisher's randomization test: if neither is better, each paired difference might as well have had the other sign.
    It is exact for up to 16 origins; with more, the last 16 count.

    >>> sign_flip_p_value(np.array([-1.0, -2.0, -1.0, -3.0]))
    0.0625
    """
    values = differences[-_MOST_ORIGINS:]
    if not len(values):
        return 1.0
    signs = np.array(list(product((-1.0, 1.0), repeat=len(values))))
    return float((signs @ np.abs(values) <= values.sum() + 1e-12).mean())


def _reason(paired: pd.DataFrame, change: np.ndarray, p_value: float, biases: list[float], is_promoted: bool) -> str:
    if not len(change):
        return "Not promoted: the two share no origin."
    scores = [float(paired[f"{SCORE}_{who}"].mean()) for who in ("challenger", "champion")]
    word = "Promoted" if is_promoted else "Not promoted"
    fair = "no worse in" if biases[1] <= biases[0] + WORSE_BIAS_RATE else "worse in"
    return (
        f"{word}: challenger WRMSSE {scores[0]:.4f} against {scores[1]:.4f} ({change.mean():+.4f}), better on "
        f"{int((change < 0).sum())} of {len(change)} origins, paired sign-flip p = {p_value:.3f} "
        f"(needs ≤ {SIGNIFICANCE:g}), {fair} bias ({biases[1]:.1%} against {biases[0]:.1%} off)."
    )


METRIC = "wape"
# A better score does not outweigh a bias that exceeds the baseline's by more than this.
WORSE_TRAINING_BIAS_RATE = 0.02


@dataclass(frozen=True)
class BaselineComparison:
    """How the model did out of sample next to the best baseline.

    Scores are weighted absolute percentage errors, Σ|forecast − actual| ÷ Σ actual: lower is
    better. ``bias_rate`` is (forecast − actual) ÷ actual over all units.
    """

    baseline: str
    score: float
    baseline_score: float
    bias_rate: float
    baseline_bias_rate: float

    @classmethod
    def of(cls, model: DemandModel) -> BaselineComparison:
        """Return the comparison of a model's out-of-sample metrics with those of its best baseline.

        A figure that could not be measured (no out-of-sample demand) is infinite and never wins.
        """
        metrics = model.metrics
        suffix = f"_{METRIC}"
        others = {name.removesuffix(suffix): score for name, score in metrics.items() if name.endswith(suffix)}
        score = others.pop("model", np.inf)
        others.pop("model_alone", None)
        baseline = min(sorted(others), key=lambda name: others[name], default="none")
        biases = (metrics.get("model_bias", np.inf), metrics.get(f"{baseline}_bias", 0.0))
        return cls(baseline, score, others.get(baseline, np.inf), *biases)

    @property
    def is_better(self) -> bool:
        """Whether the score beats the baseline's and the bias is at most 0.02 beyond the baseline's."""
        limit = abs(self.baseline_bias_rate) + WORSE_TRAINING_BIAS_RATE
        return self.score < self.baseline_score and abs(self.bias_rate) <= limit

    @property
    def sentence(self) -> str:
        """The comparison in one sentence, its result first."""
        if not np.isfinite(self.score):
            return "Not measured: there is no demand in the out-of-sample periods."
        word = "Better" if self.is_better else "Not better"
        is_biased = not self.is_better and self.score < self.baseline_score
        cause = ", because of its bias" if is_biased else ""
        return (
            f"{word} than {self.baseline.replace('_', ' ')}{cause}: WAPE {self.score:.3f} against {self.baseline_score:.3f}, "
            f"bias {self.bias_rate:+.1%} against {self.baseline_bias_rate:+.1%}, out of sample."
        )
