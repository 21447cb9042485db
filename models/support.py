"""Step of demand: whether demand is a multiple of a step (whole counts, tenths, cases) or takes any quantity.

The data decide. A distribution of counts fits multiples of a step and does not fit quantities between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.dispersion import fit_linear

_WHOLE_RATE = 0.995  # a few typing errors do not turn a SKU sold in pieces into one sold by weight
_FEWEST_SALES = 20  # a SKU with fewer sales is treated like most others
_FEWEST_FOR_STEP = 50
_FINE_STEPS = 50.0  # a step is too fine to matter where a median sale has at least this many
_TOLERANCE = 2e-3
_LEAST_VARIANCE_RATE = 0.7


@dataclass(frozen=True)
class Support:
    """The steps of demand.

    Attributes
    ----------
    whole_step : units, > 0; demand of SKUs sold in whole units is a multiple of it, usually 1.
    fraction_step : units, >= 0; the same of the other SKUs, 0 where their demand takes any quantity.
    fraction_linear : units, >= ``fraction_step``; the part c of their variance c μ + φ μ² of one period.
    is_fractional : whether a SKU that is not known is one of the others.
    exceptions : SKUs for which ``is_fractional`` is the other way round.

    """

    whole_step: float
    fraction_step: float
    fraction_linear: float
    is_fractional: bool
    exceptions: tuple[str, ...]

    @classmethod
    def fit(cls, sku: np.ndarray, actual: np.ndarray, mean: np.ndarray) -> Support:
        """Return the support of known ``actual`` (n_rows) of ``sku`` (n_rows, texts), predicted as ``mean`` (n_rows)."""
        is_sale = actual > 0
        sales = pd.DataFrame({"sku": sku[is_sale], "units": actual[is_sale]})
        sales["is_whole"] = np.abs(sales["units"] - np.round(sales["units"])) <= _TOLERANCE
        by_sku = sales.groupby("sku", sort=True)["is_whole"].agg(["mean", "size"])
        is_known = by_sku["size"] >= min(_FEWEST_SALES, by_sku["size"].max()) if len(by_sku) else by_sku["size"] > 0
        is_other = by_sku["mean"] < _WHOLE_RATE
        is_fractional = bool(is_other[is_known].mean() > 0.5) if is_known.any() else False
        exceptions = tuple(str(name) for name in by_sku.index[is_known & (is_other != is_fractional)])
        result = cls(1.0, 0.0, 0.0, is_fractional, exceptions)
        of_row = result.fractional(sales["sku"])
        units = sales["units"].to_numpy(float)
        of_all = result.fractional(pd.Series(sku))
        whole, fraction = _whole_step(units[~of_row]), _fraction_step(units[of_row])
        if not _varies(actual[~of_all], mean[~of_all], whole):
            whole = 1.0
        if not _varies(actual[of_all], mean[of_all], fraction):
            fraction = 0.0
        linear = fraction if fraction > 0 else fit_linear(mean[of_all], actual[of_all])
        return cls(whole, fraction, linear, is_fractional, exceptions)

    def fractional(self, sku: pd.Series) -> np.ndarray:
        """Return whether each SKU is sold in fractions, bool (n)."""
        return np.asarray(sku.isin(self.exceptions).to_numpy() ^ self.is_fractional)

    def steps(self, sku: pd.Series) -> np.ndarray:
        """Return the step of each SKU in units, float64 (n)."""
        return np.where(self.fractional(sku), self.fraction_step, self.whole_step)

    def linear(self, sku: pd.Series) -> np.ndarray:
        """Return c of each SKU in units, float64 (n)."""
        return np.where(self.fractional(sku), self.fraction_linear, self.whole_step)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {"whole_step": self.whole_step, "fraction_step": self.fraction_step, "fraction_linear": self.fraction_linear,
                "is_fractional": self.is_fractional, "exceptions": list(self.exceptions)}  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any] | None) -> Support:
        """Return the support of ``to_json``; whole counts without one (models trained by earlier versions)."""
        if values is None:
            return cls(1.0, 0.0, 0.0, is_fractional=False, exceptions=())
        return cls(**(values | {"exceptions": tuple(values["exceptions"])}))


def _varies(actual: np.ndarray, mean: np.ndarray, step: float) -> bool:
    """Return whether demand varies as counts of ``step`` do: hardly less than independent steps would vary."""
    return bool(((actual - mean) ** 2).sum() >= _LEAST_VARIANCE_RATE * step * mean.sum())


def _whole_step(units: np.ndarray) -> float:
    """Return the greatest common divisor of the whole ``units``, 1 where few are known."""
    whole = np.round(units[np.abs(units - np.round(units)) <= _TOLERANCE]).astype(np.int64)
    return float(np.gcd.reduce(whole)) if len(whole) >= _FEWEST_FOR_STEP else 1.0


def _fraction_step(units: np.ndarray) -> float:
    """Return the step of which nearly all ``units`` are multiples, 0 if there is none or it is fine."""
    if len(units) < _FEWEST_FOR_STEP:
        return 0.0
    different = np.unique(units)
    gaps = np.diff(different, prepend=0.0)
    step = float(gaps[gaps > 1e-6 * different[-1]].min())
    for _ in range(3):  # a mean of all multiples is nearer the step than one difference of float32 values
        count = np.round(units / step)
        step = float(units.sum() / count.sum())
    off = np.abs(units / step - np.round(units / step))
    is_lattice = (off <= 0.02).mean() >= _WHOLE_RATE and float(np.median(units)) <= _FINE_STEPS * step
    return float(np.format_float_positional(step, precision=6, fractional=False)) if is_lattice else 0.0
