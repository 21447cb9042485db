"""Measure the CPU time, size, and memory of the review page for 100 to 100,000 proposals: ``python -m benchmarks.page``.

The plans are synthetic: 3,000 SKUs in two regions, then one plan of the size of M5 (3,049 SKUs, 6 hubs, 10 regions, horizon 28 days).
``make test-pages`` measures the page in a browser.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace

import pandas as pd

from foundation.settings import Settings
from review import plan_page
from tests.review.sample_plan import SamplePlan, sample_plan

_M5 = {"skus": 3_049, "hubs": 6, "regions": 10, "proposals": 4_000}


def main() -> None:
    """Print one line per size; memory is the peak of the process so far."""
    print(f"{'plan':>20} {'MB':>6} {'CPU s':>6} {'GB':>5}")
    for count in (100, 1_000, 10_000, 100_000):
        _measure(f"{count:,} proposals", sample_plan(min(count, 3_000), count))
    _measure("M5's size", of_m5())


def _measure(name: str, built: SamplePlan) -> None:
    start = time.process_time()
    page = plan_page(built.tables, built.outputs, built.settings, built.as_of)
    took = time.process_time() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{name:>20} {len(page.encode()) / 1e6:>6.2f} {took:>6.1f} {most:>5.2f}")


def of_m5() -> SamplePlan:
    """Return a synthetic plan with as many hubs and regions as the network of M5, as copies of the synthetic ones."""
    built = sample_plan(_M5["skus"], _M5["proposals"])
    settings = Settings(horizon=28)
    days = pd.DataFrame({"date": settings.grid.range(built.as_of, settings.horizon)})
    first = built.outputs["forecast"].drop_duplicates(["sku", "region"]).drop(columns="date")
    outputs = built.outputs | {
        "forecast": _times(first, "region", _M5["regions"] // 2).merge(days, how="cross"),
        "service": _times(built.outputs["service"], "region", _M5["regions"] // 2),
        "position": _times(built.outputs["position"], "hub", _M5["hubs"] // 3),
    }
    tables = built.tables | {"sales": _times(built.tables["sales"], "region", _M5["regions"] // 2)}
    return replace(built, tables=tables, outputs=outputs, settings=settings)


def _times(frame: pd.DataFrame, column: str, count: int) -> pd.DataFrame:
    return pd.concat([frame.assign(**{column: frame[column] + f"_{copy}"}) for copy in range(count)], ignore_index=True)


if __name__ == "__main__":
    main()
