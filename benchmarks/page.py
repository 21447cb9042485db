"""How long the review page takes to make, and how large it is, from a hundred proposals to 100,000.

``python -m benchmarks.page``: made-up nights of 3,000 articles in two regions. Processor seconds, because
the machine may be busy. What the page costs a browser is measured by ``make test-pages``.
"""

from __future__ import annotations

import time

from review import plan_page
from tests.review.night import night


def main() -> None:
    """Print a line per size."""
    print(f"{'proposals':>10} {'MB':>6} {'CPU s':>6}")
    for count in (100, 1_000, 10_000, 100_000):
        made = night(min(count, 3_000), count)
        start = time.process_time()
        page = plan_page(made.tables, made.outputs, made.settings, made.as_of)
        print(f"{count:>10,} {len(page.encode()) / 1e6:>6.2f} {time.process_time() - start:>6.1f}")


if __name__ == "__main__":
    main()
