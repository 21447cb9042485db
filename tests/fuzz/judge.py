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
_FAULT = re.compile(r"(?P<table>[a-z_.]+?)(?:\.(?P<column>.+?))?: (?P<what>.+); (?P<remedy>.+)", re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """How a case ended: the exit code a command would have, what is wrong with that (empty: nothing), seconds."""

    case: Case
    changed: str
    code: int
    wrong: str
    seconds: float
    said: tuple[str, ...] = ()


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
        _night(settings, as_of)
    else:
        accepted = snapshot.accept(settings, as_of, "forecast")
        snapshot.release(accepted)


def _night(settings: Settings, as_of: date) -> None:
    """Run the stages of a night as the flow does, without Prefect."""
    night = run.validate_stage(settings, as_of, "rebalance")
    try:
        planned = run.rebalance_stage(night, run.forecast_stage(night, run.train_stage(night)))
        if not planned.refusals:
            run.review_stage(night)
    finally:
        run.release(night)


def _wrong_refusal(error: ForestockError, is_full: bool) -> str:
    if error.exit_code not in ((2, 4) if is_full else (2,)):
        return f"exit {error.exit_code}: {error}"
    for line in error.lines:
        if not line.isprintable() or len(line) > 1_500:
            return f"not one readable line: {line[:200]!r}"
        if isinstance(error, InputError) and error.exit_code == 2 and not _is_complete(line):
            return f"names no table, cause or remedy: {line}"
        if isinstance(error, ConfigurationError) and "Traceback" in line:
            return f"a traceback: {line[:200]}"
    return "" if error.lines else "refused without a word"


def _is_complete(line: str) -> bool:
    """Say whether ``line`` names a table, what is wrong (rows with their count) and what to do."""
    result = _FAULT.fullmatch(line)
    return result is not None and line.startswith(_PLACES) and bool(result["what"].strip() and result["remedy"].strip())


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "_logs" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
