"""All doubts about inputs that break no rule, in one order: what looks missing first, then what a plan cannot use or value.

Not here: the rules themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from foundation.errors import Doubt
from foundation.outliers import outlier_doubt
from foundation.validation.gaps import unknown_doubts
from foundation.validation.given import Given
from foundation.validation.reach import reach_doubts
from foundation.validation.renames import rename_doubts
from foundation.validation.stale import stock_doubts
from foundation.validation.time import absent_regions, sales_doubts
from foundation.validation.worth import worth_doubts


def doubts(given: Given, needs: str, taken: pd.Series) -> Iterator[Doubt]:
    """Yield what is probably not meant; ``needs`` as for a run, ``taken`` the days of all stock snapshots up to ``as_of``."""
    yield from sales_doubts(given)
    yield from absent_regions(given)
    yield from unknown_doubts(given)
    yield from rename_doubts(given)
    if given.has("sales", "region", "sku", "units_sold") and (doubt := outlier_doubt(given.tables["sales"])):
        yield doubt
    if needs == "rebalance":
        yield from stock_doubts(given, taken)
        yield from worth_doubts(given)
        yield from reach_doubts(given)
