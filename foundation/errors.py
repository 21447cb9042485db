"""The failures a person can see, one class each, with the exit code the command ends in.

Not here: programming errors. Those stay ordinary exceptions and keep their traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


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


def tell(error: ForestockError) -> int:
    """Print one line per fault to standard error and return the exit code a command ends in."""
    for line in error.lines:
        print(f"error: {line}", file=sys.stderr)
    return error.exit_code


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name most like ``name``, else ``""``."""
    from difflib import get_close_matches

    found = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {found[0]!r}?)" if found else ""
