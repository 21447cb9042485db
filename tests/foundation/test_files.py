"""Small files are whole or not there, and stay in their folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from foundation.errors import StageError
from foundation.store import files


@pytest.mark.parametrize("root", ["", "memory://"])
def test_a_text_reads_back(tmp_path: Path, root: str) -> None:
    path = f"{root}{tmp_path}/pages/plan.html"
    assert files.write_text(path, "först") == path
    assert files.write_text(path, "zweit") == path
    assert files.read_text(path) == "zweit"
    assert files.exists(path)
    assert not files.exists(f"{path}.tmp")


def test_a_failed_write_leaves_the_old_text_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at the last moment."""
    path = f"{tmp_path}/plan.html"
    files.write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StageError, match="No space left on device"):
        files.write_text(path, "new")
    assert files.read_text(path) == "old"
    assert os.listdir(tmp_path) == ["plan.html"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"nothing\.html"):
        files.read_text(f"{tmp_path}/nothing.html")


@pytest.mark.parametrize("part", ["../secret", "a/../../b", "/etc", "~", "s3://other"])
def test_a_part_that_leaves_its_folder(part: str) -> None:
    with pytest.raises(ValueError, match="leaves its folder"):
        files.joined("warehouse", part)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@host/db?sslkey=x", "postgresql://me:***@host/db"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("plain/folder", "plain/folder"),
        ("https://me@host/", "https://me@host/"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert files.without_password(url) == shown


class _Timeless(MemoryFileSystem):
    """A store that does not say when a file was written, as fsspec leaves it to each."""

    protocol = "timeless"

    def modified(self, path: str) -> object:
        raise NotImplementedError(path)


def test_a_store_without_times_keeps_old_files_and_raises_no_error() -> None:
    fsspec.register_implementation("timeless", _Timeless, clobber=True)
    files.write_text("timeless://folder/one", "x")
    files.remove_older("timeless://folder", 0)
    assert files.exists("timeless://folder/one")


def test_a_missing_folder_has_no_old_files(tmp_path: Path) -> None:
    files.remove_older(str(tmp_path / "nowhere"), 0)
    assert not list(tmp_path.iterdir())


def test_a_disk_nearly_full_is_reported_before_a_run_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later it would be a panic of native code and the pages of Prefect's server, each in many lines."""
    used = shutil.disk_usage(tmp_path)
    files.require_room(str(tmp_path / "not" / "there"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: used._replace(free=3_000_000))
    with pytest.raises(StageError, match="nearly full: 3 MB are free, a run needs at least 50 MB") as text:
        files.require_room(str(tmp_path / "not" / "there"))
    assert text.value.exit_code == 3
    assert len(text.value.lines) == 1
    files.require_room("s3://bucket/warehouse")
