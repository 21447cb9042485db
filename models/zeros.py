"""How often nothing is demanded, as a function of the mean: for demand that takes any quantity.

A continuous distribution has no mass at zero; intermittent demand does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

_BINS = 16
_ROWS_PER_BIN = 200
_RARE = 0.002  # below this share of zeros the probability is taken as 0
_FEWEST_ZEROS = 20
_MOST = 0.9999
_SLOPE_SD, _SLOPES = 0.2, (0.2, 1.5)


@dataclass(frozen=True)
class ZeroRate:
    """P(zero) = exp(−exp(``intercept`` + ``slope`` log mean)).

    Attributes
    ----------
    intercept : of log(−log P(zero)); None where zeros are too rare to matter.
    slope : > 0, so that larger means have fewer zeros.

    """

    intercept: float | None
    slope: float

    @classmethod
    def fit(cls, mean: np.ndarray, actual: np.ndarray) -> ZeroRate:
        """Return the rate fitted to bins of ``mean`` (n_rows) by maximum likelihood, with a normal prior on the slope around 1.

        A slope of 1 is that of a Poisson number of purchases of equal size.
        """
        is_sold = mean > 0
        mean, is_zero = mean[is_sold], actual[is_sold] <= 0
        if is_zero.sum() < max(_FEWEST_ZEROS, _RARE * len(mean)):
            return cls(None, 0.0)
        order = np.argsort(mean, kind="stable")
        parts = np.array_split(order, int(np.clip(len(mean) // _ROWS_PER_BIN, 1, _BINS)))
        zeros = np.array([is_zero[part].sum() for part in parts])
        sales = np.array([len(part) for part in parts]) - zeros
        x = np.array([np.log(mean[part]).mean() for part in parts])
        centre = np.average(x, weights=zeros + sales)

        def loss(line: np.ndarray) -> float:
            rate = np.exp(np.clip(line[0] + line[1] * (x - centre), -20, 6))  # −log of the probability of zero
            likelihood = -zeros * rate + sales * np.log(-np.expm1(-rate))
            return float(0.5 * ((line[1] - 1) / _SLOPE_SD) ** 2 - likelihood.sum())

        start = np.array([np.log(-np.log(np.clip(zeros.sum() / len(mean), 1e-6, 1 - 1e-6))), 1.0])
        result = minimize(loss, start, method="L-BFGS-B", bounds=[(-12, 6), _SLOPES]).x
        return cls(float(result[0] - result[1] * centre), float(result[1]))

    def of(self, mean: np.ndarray) -> np.ndarray:
        """Return the probability of no demand at each ``mean`` (n_rows), float64 in [0, 1)."""
        if self.intercept is None:
            return np.zeros(len(mean))
        log_mean = np.log(np.maximum(mean, np.finfo(np.float32).tiny))
        return np.minimum(np.exp(-np.exp(np.minimum(self.intercept + self.slope * log_mean, 6.0))), _MOST)

    def to_json(self) -> list[float | None]:
        """Return a JSON-able list."""
        return [self.intercept, self.slope]

    @classmethod
    def from_json(cls, values: list[float]) -> ZeroRate:
        """Return the rate of ``to_json``."""
        return cls(*values)
