"""A short campaign: whatever the input, an answer within a minute and two gigabytes, and clear lines where it is refused.

``make test-fuzz`` runs a thousand cases; those that once failed are kept in ``seeds.yaml`` and run here first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.fuzz.campaign import outcomes
from tests.fuzz.cases import Case, cases, prepare, remembered
from tests.fuzz.judge import _is_complete

N_CASES = 30


def test_no_case_ends_in_a_traceback_a_hang_or_an_unclear_message() -> None:
    result = list(outcomes([*remembered(), *cases(N_CASES, seed=20240603)], n_full=1))
    assert len(result) >= N_CASES
    assert [(outcome["case"], outcome["changed"], outcome["wrong"]) for outcome in result if outcome["wrong"]] == []
    assert {outcome["code"] for outcome in result} == {0, 2}


@pytest.mark.parametrize("kind", ["table", "file", "document", "setting"])
def test_a_case_is_the_same_each_time(kind: str, tmp_path: Path) -> None:
    built = [prepare(Case(kind, 5), tmp_path / name) for name in ("one", "other")]
    assert built[0].overrides[:-1] == built[1].overrides[:-1]
    one, other = (_contents(tmp_path / name) for name in ("one", "other"))
    assert one.keys() == other.keys()


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_delta_log" not in path.parts and not path.name.startswith("part-")
    }


@pytest.mark.parametrize(
    "line",
    [
        "something went wrong",
        "sales: broken",
        "nowhere: 1 row null; fill it in",
        "stock.units_on_hand: negative, first: sku=a; set them to 0",
        "sales.sku: ; do it",
        "sales: cut; ",
    ],
)
def test_an_unclear_line_is_no_refusal(line: str) -> None:
    assert not _is_complete(line)


def test_a_clear_line_is_one() -> None:
    assert _is_complete("stock.units_on_hand: 3 rows negative, first: sku=a; set them to 0 or remove them")
