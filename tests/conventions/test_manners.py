"""Who may touch the disk and the clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conventions.repository import modules, relative, tree

DISK_CALLS = {
    "read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "makedirs", "unlink", "rmdir", "touch",
    "iterdir", "rglob", "rmtree", "copytree", "savez", "savetxt", "loadtxt", "memmap", "fromfile", "tofile",
    "read_csv", "read_parquet", "read_sql", "read_sql_table", "read_sql_query", "read_json", "read_excel",
    "to_csv", "to_parquet", "to_sql", "to_excel", "to_pickle", "to_feather", "read_pickle", "read_feather",
    "read_table", "write_table", "write_deltalake", "save_model", "write_html", "write_image", "savefig",
}  # fmt: skip
DISK_MODULES = {"deltalake", "fsspec", "shutil", "sqlite3", "sqlalchemy", "tempfile"}
CLOCK_CALLS = {
    "date": {"today"},
    "datetime": {"today", "now", "utcnow"},
    "Timestamp": {"today", "now", "utcnow"},
    "time": {"time", "time_ns", "perf_counter", "process_time", "monotonic"},
}
# Who may, and why.
MAY_TOUCH_DISK = {"models/tracking/registry.py": "MLflow's flavour writes the folder of a model that is uploaded"}
MAY_ASK_THE_CLOCK = {
    "flows/approval.py": "the moment a planner's answer is carried out is the moment of the decision",
    "forestock/cli/decide.py": "the door reads once when a decision is made and hands it down",
    "foundation/store/files.py": "what nobody came back for is removed by its age; no row depends on it",
}


def _disk(path: Path) -> Iterator[str]:
    """Yield what touches a disk by itself; calls of the store's own functions do not."""
    doors = set(_imported_from_the_store(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: {name}" for name in names if name.split(".")[0] in DISK_MODULES)
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            is_door = _owner(called) in doors
            if not is_door and (name in DISK_CALLS or (name == "open" and isinstance(called, ast.Name))):
                yield f"{node.lineno}: {name}"


def _owner(called: ast.expr) -> str:
    is_plain = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
    return called.value.id if is_plain else ""  # type: ignore[attr-defined] # a plain attribute has a named value


def _imported_from_the_store(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("foundation.store"):
            yield from (alias.asname or alias.name for alias in node.names)


def _clock(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if node.attr in CLOCK_CALLS.get(owner, ()):
                yield f"{node.lineno}: {owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"{node.lineno}: {alias.name}" for alias in node.names if alias.name in CLOCK_CALLS["time"])


def _outside_the_store() -> list[Path]:
    return [path for path in modules() if not relative(path).startswith("foundation/store/")]


def test_only_the_store_touches_the_disk() -> None:
    """Atomic writes, object stores and history live in one place; a second one would miss them."""
    result = {relative(path): list(_disk(path)) for path in _outside_the_store()}
    assert {name: lines for name, lines in result.items() if lines and name not in MAY_TOUCH_DISK} == {}


def test_nobody_asks_the_clock() -> None:
    """The same date and inputs must give the same rows, tonight and in a year."""
    result = {relative(path): list(_clock(path)) for path in modules()}
    assert {name: lines for name, lines in result.items() if lines and name not in MAY_ASK_THE_CLOCK} == {}


def test_every_leave_is_still_needed() -> None:
    """A leave nobody uses any more would let the next one in unseen."""
    by_name = {relative(path): path for path in modules()}
    assert [name for name in MAY_TOUCH_DISK if name not in by_name or not list(_disk(by_name[name]))] == []
    assert [name for name in MAY_ASK_THE_CLOCK if name not in by_name or not list(_clock(by_name[name]))] == []
