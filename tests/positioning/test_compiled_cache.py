"""Kernels compiled by an earlier version of the code."""

from __future__ import annotations

import pickle
from pathlib import Path

import numba
import pytest
from numba.core.caching import IndexDataCacheFile

from positioning import optimizer


@pytest.mark.parametrize("former", ["positioning.optimizer.branch_and_bound\nFormerRows", "positioning.former\nRows"])
def test_an_index_that_names_a_former_class_or_module_is_written_again(former: str, tmp_path: Path) -> None:
    """After an upgrade that renamed a class, the first plan stopped with ``AttributeError: Can't get attribute``."""
    file = IndexDataCacheFile(str(tmp_path), "kernel", "stamp")
    index = pickle.dumps(numba.__version__) + f"c{former}\n.".encode()
    (tmp_path / "kernel.nbi").write_bytes(index)
    with pytest.raises((AttributeError, ImportError)):
        optimizer._load_index(file)
    assert file.load("signature") is None
    file.save("signature", "code")
    assert file.load("signature") == "code"
