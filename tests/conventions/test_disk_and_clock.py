"""Only the store accesses the disk, and only listed modules read the clock."""

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
# Modules that may, each with the reason.
MAY_TOUCH_DISK = {
    "models/tracking/forecast_model.py": "MLflow's flavor writes the folder of a model that is uploaded, and names that of one it has downloaded",
}
MAY_READ_THE_CLOCK = {
    "flows/approval.py": "the moment a planner's answer is carried out is the moment of the decision",
    "forestock/cli/decide.py": "a command reads the time of a decision once and passes it on",
    "forestock/cli/serve.py": "the workspace's clocks: the time of decisions, and the age of sessions",
    "foundation/store/files.py": "abandoned files are removed by age; no row depends on it",
}


def _disk(path: Path) -> Iterator[str]:
    """Yield the calls and imports that access the disk directly; calls of the store's functions do not count."""
    store_names = set(_imported_from_the_store(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: {name}" for name in names if name.split(".")[0] in DISK_MODULES)
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            is_store_function = _owner(called) in store_names
            if not is_store_function and (name in DISK_CALLS or (name == "open" and isinstance(called, ast.Name))):
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
    """Atomic writes, object stores, and history are implemented in one place."""
    result = {relative(path): list(_disk(path)) for path in _outside_the_store()}
    assert {name: lines for name, lines in result.items() if lines and name not in MAY_TOUCH_DISK} == {}


def test_only_listed_modules_read_the_clock() -> None:
    """The same date and inputs must give the same rows at any time."""
    result = {relative(path): list(_clock(path)) for path in modules()}
    assert {name: lines for name, lines in result.items() if lines and name not in MAY_READ_THE_CLOCK} == {}


def test_every_exception_is_still_needed() -> None:
    """An unused exception would hide the next violation."""
    by_name = {relative(path): path for path in modules()}
    assert [name for name in MAY_TOUCH_DISK if name not in by_name or not list(_disk(by_name[name]))] == []
    assert [name for name in MAY_READ_THE_CLOCK if name not in by_name or not list(_clock(by_name[name]))] == []
