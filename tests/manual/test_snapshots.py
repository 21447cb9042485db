"""Input snapshots: one per content, complete or absent, kept while in use."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import StageError
from foundation.settings import Settings
from foundation.store import snapshot, snapshot_folder
from tests.conftest import Tables
from tests.manual.conftest import AS_OF

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inputs(demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path) -> Path:
    return write_tables(demo_tables, tmp_path / "inputs")


def _on_the_shelf(tmp_path: Path) -> set[str]:
    return {
        folder.name for folder in (tmp_path / "warehouse" / snapshot_folder.FOLDER).iterdir() if folder.name[0] != "_"
    }


def test_the_same_content_is_kept_once(inputs: Path, settings_for: Callable[..., Settings], tmp_path: Path) -> None:
    first = snapshot.accept(settings_for(inputs), AS_OF, "rebalance")
    file = Path(first.reference) / "sales.parquet"
    written = file.stat().st_mtime_ns
    again = snapshot.accept(settings_for(inputs), AS_OF, "forecast")
    assert again.reference == first.reference
    assert file.stat().st_mtime_ns == written
    assert _on_the_shelf(tmp_path) == {first.fingerprint}


def test_a_dry_run_writes_no_file(inputs: Path, settings_for: Callable[..., Settings], tmp_path: Path) -> None:
    accepted = snapshot.accept(settings_for(inputs), AS_OF, "rebalance", write=False)
    assert accepted.n_rows["stock"] > 0
    assert not (tmp_path / "warehouse").exists()


def test_a_half_written_snapshot_is_not_there_and_is_completed(
    inputs: Path, settings_for: Callable[..., Settings]
) -> None:
    accepted = snapshot.accept(settings_for(inputs), AS_OF, "rebalance")
    whole = snapshot.read(accepted)
    folder = Path(accepted.reference)
    (folder / "manifest.json").unlink()
    (folder / "sales.parquet").write_bytes(b"half")
    with pytest.raises(StageError, match="accept the inputs again"):
        snapshot.read(accepted)
    snapshot.accept(settings_for(inputs), AS_OF, "rebalance")
    for name, frame in snapshot.read(accepted.reference).items():
        pd.testing.assert_frame_equal(frame, whole[name])


def test_old_snapshots_go_when_newer_ones_come(
    inputs: Path, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = settings_for(inputs, "inputs.keep_snapshots=2")
    references = []
    for day in (16, 17, 18, 19):
        accepted = snapshot.accept(settings, date(2016, 5, day), "rebalance")
        snapshot.release(accepted)
        references.append(accepted)
    assert _on_the_shelf(tmp_path) == {accepted.fingerprint for accepted in references[-2:]}
    with pytest.raises(StageError, match="there is no snapshot"):
        snapshot.read(references[0])


def test_a_snapshot_in_use_stays(inputs: Path, settings_for: Callable[..., Settings], tmp_path: Path) -> None:
    settings = settings_for(inputs, "inputs.keep_snapshots=1")
    used = snapshot.accept(settings, date(2016, 5, 16), "rebalance")
    newer = [snapshot.accept(settings, date(2016, 5, day), "rebalance") for day in (17, 18)]
    assert {used.fingerprint, *(accepted.fingerprint for accepted in newer)} == _on_the_shelf(tmp_path)
    snapshot.release(used)
    snapshot.accept(settings, date(2016, 5, 19), "rebalance")
    assert used.fingerprint not in _on_the_shelf(tmp_path)
    assert newer[0].fingerprint in _on_the_shelf(tmp_path)


_OTHER_PROCESS = """
    import sys
    from foundation.store import snapshot_folder
    for _ in sys.stdin:
        print(snapshot_folder.prune(sys.argv[1], 0), flush=True)
"""


def test_a_snapshot_another_process_uses_stays(
    inputs: Path, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    accepted = snapshot.accept(settings_for(inputs), AS_OF, "rebalance")
    command = [sys.executable, "-c", textwrap.dedent(_OTHER_PROCESS), str(tmp_path / "warehouse")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 (our own)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("prune\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == "[]"
        snapshot.release(accepted)
        assert process.communicate("prune\n", timeout=60)[0].strip() == f"['{accepted.fingerprint}']"


def test_a_snapshot_held_twice_must_be_released_twice(
    inputs: Path, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """A run and the training before it may use the same snapshot."""
    for _ in range(2):
        accepted = snapshot.accept(settings_for(inputs), AS_OF, "rebalance")
    snapshot.release(accepted)
    assert snapshot_folder.prune(str(tmp_path / "warehouse"), 0) == []
    snapshot.release(accepted.reference)
    snapshot.release(accepted.reference)
    assert snapshot_folder.prune(str(tmp_path / "warehouse"), 0) == [accepted.fingerprint]


def test_a_warehouse_on_an_object_store(inputs: Path, settings_for: Callable[..., Settings]) -> None:
    """The file system of fsspec that lives in memory stands for any without folders, renames and locks."""
    settings = settings_for(inputs, "warehouse=memory://test-snapshots")
    accepted = snapshot.accept(settings, AS_OF, "rebalance")
    plain = snapshot.accept(settings_for(inputs), AS_OF, "rebalance")
    assert accepted.fingerprint == plain.fingerprint
    for name, frame in snapshot.read(accepted).items():
        pd.testing.assert_frame_equal(frame, snapshot.read(plain)[name])
    snapshot.release(accepted)
