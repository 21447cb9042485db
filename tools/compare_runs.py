"""Compare the output tables of two warehouses row for row: what a change of the code alone must leave equal.

``python -m tools.compare_runs BEFORE AFTER [--as-of DATE]`` prints one line per table and exits 1 where rows differ.
Identities and versions, which hash the code, are left aside.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from deltalake import DeltaTable

from foundation.tables import OUTPUTS

VERSIONS = frozenset({"model_version", "run_version", "plan_id", "run_id"})


def compared(before: Path, after: Path, as_of: str | None) -> Iterator[tuple[str, str]]:
    """Yield each table's name and what differs, empty where nothing does.

    Parameters
    ----------
    before, after
        Folders of two warehouses.
    as_of
        Planning date, ``YYYY-MM-DD``; None compares all rows.
    """
    for name in OUTPUTS:
        first, second = (_rows(folder / name, as_of) for folder in (before, after))
        if first is None and second is None:
            continue
        if first is None or second is None:
            yield name, f"only in {after if first is None else before}"
            continue
        yield name, _difference(first, second)


def _rows(folder: Path, as_of: str | None) -> pd.DataFrame | None:
    if not (folder / "_delta_log").exists():
        return None
    frame = DeltaTable(folder).to_pandas()
    if as_of is not None and "as_of" in frame:
        frame = frame[pd.to_datetime(frame["as_of"]).dt.strftime("%Y-%m-%d") == as_of]
    columns = sorted(set(frame.columns) - VERSIONS)
    text = frame[columns].map(str).agg("\x1f".join, axis=1) if len(frame) else pd.Series(dtype="str")
    return frame[columns].iloc[text.argsort(kind="stable").to_numpy()].reset_index(drop=True)


def _difference(first: pd.DataFrame, second: pd.DataFrame) -> str:
    if list(first.columns) != list(second.columns):
        return f"columns differ: {sorted(set(first.columns) ^ set(second.columns))}"
    if len(first) != len(second):
        return f"{len(first):,} rows before, {len(second):,} after"
    unequal = [name for name in first.columns if not first[name].equals(second[name])]
    return f"values differ in {', '.join(unequal)}" if unequal else ""


def main() -> int:
    """Print the comparison; return 0 where every table is equal, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--as-of")
    options = parser.parse_args()
    is_equal = True
    for name, difference in compared(options.before, options.after, options.as_of):
        sys.stdout.write(f"{name:<22} {difference or 'equal'}\n")
        is_equal &= not difference
    return 0 if is_equal else 1


if __name__ == "__main__":
    raise SystemExit(main())
