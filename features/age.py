"""How long a series has been there."""

from __future__ import annotations

import numpy as np

from features.view import Columns, View


def age(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``age``: periods from the first sign of life (sale, price or launch) to the origin, negative before
      it, at most two years.
    * ``known``: periods with known demand among those of the last year.
    """
    first = view.panel.first_period[view.members]
    years = 2 * view.panel.days(364)
    since = np.minimum(view.at - first, years).astype(np.float32)
    return {"age": since[view.row], "known": view.past.known(view.panel.days(364)).astype(np.float32)[view.row]}
