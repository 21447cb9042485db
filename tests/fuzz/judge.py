"""How a case must end: settings or inputs accepted, or refused in clear lines with the warehouse as it was."""

from __future__ import annotations

import hashlib
import io
import re
import time
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forestock.cli.run import check_inputs
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError, ForestockError, InputError
from foundation.settings import Settings, parse_as_of
from foundation.store import snapshot
from foundation.tables import INPUTS
from pipeline import run
from tests.fuzz.cases import Case, Prepared, prepare

_PLACES = ("as_of", "inputs.path", "sales", *INPUTS)
_FAULT = re.compile(r"(?P<table>[a-z_.]+?)(?:\.(?P<column>.+?))?: (?P<problem>.+); (?P<remedy>.+)", re.DOTALL)
_COUNT = re.compile(r"\b\d[\d,]* (?:row|period|day|week|of \d)|\brow of \d")
# Problems of a whole table, column or file, and of snapshots: they have no rows to count.
_WHOLE = re.compile(
    r"missing|empty: it has no rows|required column missing|stands (?:twice|\d+ times|in )|a column name with|is about a person"
    r"|named in |wrong type: |holds |is |has |cannot be |leads out|needs |nothing before as_of|no snapshot on or before"
    r"|the latest snapshot|no row was in stock|\d+ replace|\d{4}-\d\d-\d\d is a |\S+ is not a folder"
)
PLURAL_OF_ONE = re.compile(r"(?<![\d,.:/-])1 (?:rows|SKUs|regions|hubs|lanes|units|days|weeks|periods|snapshots|ids)\b")


@dataclass(frozen=True)
class Outcome:
    """The end of a case: the exit code of the command, a description of the failure (empty: none), seconds."""

    case: Case
    changed: str
    code: int
    wrong: str
    seconds: float
    lines: tuple[str, ...] = ()


def judged(case: Case, folder: Path, is_full: bool) -> Outcome:
    """Run ``case`` through ``validate`` and, with ``is_full``, through all stages of a run where it is valid."""
    prepared = prepare(case, folder)
    warehouse = folder / "warehouse"
    (warehouse / "kept").mkdir(parents=True)
    (warehouse / "kept" / "row").write_text("1")
    before, began = _digest(warehouse), time.monotonic()  # a test may time itself
    code, wrong, parts = 0, "", ()
    try:
        _run(prepared, is_full)
    except ForestockError as error:
        code, parts = error.exit_code, error.lines
        wrong = _wrong_refusal(error, is_full)
    except BaseException as error:
        code, wrong = 1, "".join(traceback.format_exception(error)[-6:])
    if code == 2 and _digest(warehouse) != before and not wrong:
        wrong = "the warehouse was changed though the input was refused"
    return Outcome(case, prepared.changed, code, wrong, time.monotonic() - began, tuple(parts))


def _run(prepared: Prepared, is_full: bool) -> None:
    as_of = parse_as_of(prepared.as_of)
    with redirect_stdout(io.StringIO()):
        check_inputs(str(prepared.config), as_of, prepared.overrides)
    settings = load_settings(prepared.config, prepared.overrides)
    if is_full:
        _run_stages(settings, as_of)
    else:
        accepted = snapshot.accept(settings, as_of, "forecast")
        snapshot.release(accepted)


def _run_stages(settings: Settings, as_of: date) -> None:
    """Run the stages of a nightly run as the flow does, without Prefect."""
    inputs = run.validate_stage(settings, as_of, "rebalance")
    try:
        planned = run.rebalance_stage(inputs, run.forecast_stage(inputs, run.train_stage(inputs)))
        if not planned.refusals:
            run.review_stage(inputs)
    finally:
        run.release(inputs)


def _wrong_refusal(error: ForestockError, is_full: bool) -> str:
    if error.exit_code not in ((2, 4) if is_full else (2,)):
        return f"exit {error.exit_code}: {error}"
    for line in error.lines:
        if not line.isprintable() or len(line) > 1_500:
            return f"not one readable line: {line[:200]!r}"
        if isinstance(error, InputError) and error.exit_code == 2 and not _is_complete(line):
            return f"names no table, problem, count or remedy: {line}"
        if PLURAL_OF_ONE.search(line):
            return f"a plural of one: {line}"
        if isinstance(error, ConfigurationError) and "Traceback" in line:
            return f"a traceback: {line[:200]}"
    return "" if error.lines else "refused without a message"


def _is_complete(line: str) -> bool:
    """Return whether ``line`` names a table, the problem and a remedy, and counts the rows of a problem of rows."""
    result = _FAULT.fullmatch(line)
    if result is None or not line.startswith(_PLACES) or not (result["problem"].strip() and result["remedy"].strip()):
        return False
    return bool(_COUNT.search(result["problem"]) or _WHOLE.match(result["problem"]))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "_logs" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
