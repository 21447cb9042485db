"""Errors that a user can see, one class per exit code. Programming errors remain ordinary exceptions with a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class ForestockError(Exception):
    """A failure with a message for a person; ``lines`` holds one sentence per fault."""

    exit_code = 3

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines: tuple[str, ...] = lines


class ConfigurationError(ForestockError):
    """The configuration names something unknown, impossible or contradictory (exit 2)."""

    exit_code = 2


class InputError(ForestockError):
    """The input data breaks the contract; nothing has been written (exit 2)."""

    exit_code = 2


class StageError(ForestockError):
    """A stage failed for a reason outside the data; the run can be resumed (exit 3)."""

    exit_code = 3

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"stage {stage} failed: {reason}")
        self.stage = stage


class GateError(ForestockError):
    """A gate refused the plan; forecast and plan are kept, no proposal is written (exit 4)."""

    exit_code = 4


def tell(error: ForestockError, shorten: Callable[[str], str] = str) -> int:
    """Print one line per fault to standard error, each as ``shorten`` returns it, and return the exit code a command ends in."""
    for line in error.lines:
        print(f"error: {shorten(line)}", file=sys.stderr)
    return error.exit_code


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name most like ``name``, else ``""``."""
    from difflib import get_close_matches

    result = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {result[0]!r}?)" if result else ""


LONGEST_SHOWN = 40
KEYS_SHOWN = 3
_LONGEST_COUNTED = 900  # longer texts are cut when they are read


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one table.

    ``n_rows`` is 0 for faults of a whole table or column; ``first_keys`` are the first offending
    rows as ``name=value, …``; a structural fault stops the run whatever ``inputs.on_fault`` says. ``origin`` says where a
    table that is read through a mapping has the column from. ``paste`` are lines of a configuration that correct it; empty if there are none.
    """

    table: str
    column: str
    problem: str
    remedy: str
    n_rows: int = 0
    first_keys: tuple[str, ...] = ()
    is_structural: bool = False
    origin: str = ""
    paste: str = ""

    def __str__(self) -> str:
        """Return the fault as one line: where, how many rows, what, the first keys, what to do."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        where += f" ({self.origin})" if self.origin else ""
        rows = f"{self.n_rows} {'row' if self.n_rows == 1 else 'rows'} " if self.n_rows else ""
        keys = f", first: {' / '.join(self.first_keys)}" if self.first_keys else ""
        return f"{where}: {rows}{self.problem}{keys}; {self.remedy}"


@dataclass(frozen=True)
class InputWarning(Fault):
    """A warning: data that break no rule and are probably not meant.

    ``is_incomplete`` says that data look missing, truncated or old; such a warning stops the run under ``inputs.on_warning: stop``.
    """

    is_incomplete: bool = False

    def as_fault(self) -> Fault:
        """Return the warning as a fault that stops the run; its remedy also says how to continue regardless."""
        remedy = f"{self.remedy}; to continue anyway: --set inputs.on_warning=warn"
        return Fault(
            self.table, self.column, self.problem, remedy, self.n_rows, self.first_keys, True, self.origin, self.paste
        )


def listed(names: Sequence[object]) -> str:
    """Return the first ``KEYS_SHOWN`` names and how many more there are: ``a, b, c and 4 more``."""
    first = ", ".join(shown(name) for name in names[:KEYS_SHOWN])
    more = len(names) - KEYS_SHOWN
    return f"{first} and {more:,} more" if more > 0 else first


def counted_noun(count: float, noun: str, plural: str = "") -> str:
    """Return ``count`` with its noun, whose plural ends in s unless it is given.

    >>> counted_noun(1, "row"), counted_noun(2_000, "lane")
    ('1 row', '2,000 lanes')
    """
    return f"{count:,.0f} {noun if f'{count:,.0f}' == '1' else plural or f'{noun}s'}"


def structural(table: str, column: str, problem: str, remedy: str) -> Fault:
    """Return a fault of a whole table or column; it always stops the run."""
    return Fault(table, column, problem, remedy, is_structural=True)


def shown(value: object) -> str:
    """Return ``value`` as it stands in a message: one line, at most ``LONGEST_SHOWN`` characters, dates without time."""
    if value is None or value != value:
        return "(empty)"
    is_whole = isinstance(value, float) and value.is_integer()
    text = f"{value:.0f}" if is_whole else str(value).removesuffix(" 00:00:00")
    cut = text[:LONGEST_SHOWN]
    plain = "".join(sign if sign.isprintable() else "�" for sign in cut)
    length = str(len(text)) if len(text) < _LONGEST_COUNTED else f"{_LONGEST_COUNTED} or more"
    return plain if len(text) <= LONGEST_SHOWN else f"{plain}… ({length} characters)"


def repeated_remedy(table: str, grain: Sequence[str]) -> str:
    """Return what to do about rows with equal keys; rows of sales may be order lines, which must not be lost."""
    if table == "sales":
        return "add up order lines of one day, or remove the rows loaded twice"
    return f"keep one row for each {', '.join(grain)}"
