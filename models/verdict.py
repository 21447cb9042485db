"""Whether a training's own out-of-sample figures earn it the champion's place.

Not here: setting the alias (``models.registry``), comparing two configurations (``models.backtest.gate``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.model import DemandModel

METRIC = "wape"
# a better score does not buy a total that is off by more than this beyond the baseline's own bias
WORSE_BIAS_RATE = 0.02


@dataclass(frozen=True)
class Verdict:
    """How the model did out of sample beside the best baseline.

    Scores are weighted absolute percentage errors, Σ|forecast − actual| ÷ Σ actual: lower is
    better. ``bias_rate`` is (forecast − actual) ÷ actual over all units.
    """

    baseline: str
    score: float
    baseline_score: float
    bias_rate: float
    baseline_bias_rate: float

    @classmethod
    def of(cls, model: DemandModel) -> Verdict:
        """Return the verdict on a model's own out-of-sample figures, beside the best of its baselines.

        A figure that could not be measured (no out-of-sample demand) is infinite and never wins.
        """
        metrics = model.metrics
        suffix = f"_{METRIC}"
        others = {name.removesuffix(suffix): score for name, score in metrics.items() if name.endswith(suffix)}
        score = others.pop("model", np.inf)
        others.pop("booster", None)
        baseline = min(sorted(others), key=lambda name: others[name], default="none")
        biases = (metrics.get("model_bias", np.inf), metrics.get(f"{baseline}_bias", 0.0))
        return cls(baseline, score, others.get(baseline, np.inf), *biases)

    @property
    def is_better(self) -> bool:
        """Whether the score beats the baseline's and the bias is at most 0.02 beyond the baseline's."""
        limit = abs(self.baseline_bias_rate) + WORSE_BIAS_RATE
        return self.score < self.baseline_score and abs(self.bias_rate) <= limit

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, the decision first."""
        if not np.isfinite(self.score):
            return "Not measured: nothing was demanded in the out-of-sample periods."
        word = "Better" if self.is_better else "Not better"
        return (
            f"{word} than {self.baseline.replace('_', ' ')}: WAPE {self.score:.3f} against {self.baseline_score:.3f}, "
            f"bias {self.bias_rate:+.1%} against {self.baseline_bias_rate:+.1%}, out of sample."
        )
