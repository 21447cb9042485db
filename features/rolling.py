"""Rolling statistics of the series' own demand before the origin.

Windows of 7, 14, 28, 56, 112, 180 and 364 days (weekly data: as many whole weeks).
"""

from __future__ import annotations

import numpy as np

from features.view import Columns, View, share

MEAN_DAYS = (7, 14, 28, 56, 112, 180, 364)
SPREAD_DAYS = (28, 112)
HALF_LIVES_DAYS = (4, 12, 40)


def rolling(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``mean_d``: mean demand of the last d days; ``deviation_d``: its standard deviation.
    * ``nonzero_d``: share of periods with demand.
    * ``ewm_h``: exponentially weighted mean, weight 0.5^(age ÷ h), over four half-lives' worth and more.
    * ``trend``: mean of 28 days ÷ mean of 112 days.
    """
    past, days = view.past, view.panel.days
    found: Columns = {}
    for length in sorted({days(d) for d in MEAN_DAYS}):
        found[f"mean_{length}"] = past.mean(length)
    for length in sorted({days(d) for d in SPREAD_DAYS}):
        found[f"deviation_{length}"] = past.deviation(length)
        found[f"nonzero_{length}"] = past.nonzero_share(length)
    for half_life in sorted({days(d) for d in HALF_LIVES_DAYS}):
        age = np.arange(min(8 * half_life, view.lookback), 0, -1) - 1
        found[f"ewm_{half_life}"] = past.weighted(0.5 ** (age / half_life))
    found["trend"] = share(found[f"mean_{days(28)}"], found[f"mean_{days(112)}"])
    return {name: values[view.row] for name, values in found.items()}
