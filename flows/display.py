"""What a person sees while a night is at work: one line per stage, on standard error.

Listens to the log lines of the rooms; knows nothing of stages beyond the names they announce
themselves with. Not here: the summary at the end (``flows.printing``).
"""

from __future__ import annotations

import logging
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

ROOMS = ("features", "flows", "foundation", "models", "monitoring", "positioning", "review")


class StageDisplay(logging.Handler):
    """A live line per stage in a terminal, plain lines elsewhere; use it in a ``with`` statement."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._line: TaskID | None = None
        self._stage = ""
        self._levels: dict[str, int] = {}

    def begin(self, stage: str) -> None:
        """Close the line of the stage before and open one for ``stage``, unless it is open."""
        if stage == self._stage:
            return
        self._close()
        self._stage = stage
        if not self._console.is_terminal:
            self._console.print(f"{stage} …", style="bold", highlight=False)
        self._line = self._progress.add_task(f"[bold]{stage}", total=1)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log line beside its stage; a record with ``stage`` opens that stage."""
        if hasattr(record, "stage"):
            self.begin(record.stage)
            return
        message = escape(record.getMessage())
        if record.levelno >= logging.WARNING:
            self._console.print(f"[yellow]{message}")
        elif not self._console.is_terminal:
            self._console.print(f"  {message}", highlight=False)
        if self._line is not None:
            self._progress.update(self._line, description=f"[bold]{self._stage:<10}[/] {message}")

    def __enter__(self) -> StageDisplay:
        """Start to listen."""
        for room in ROOMS:
            logger = logging.getLogger(room)
            self._levels[room] = logger.level
            logger.setLevel(logging.INFO)
            logger.addHandler(self)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and leave the last state of each line on the screen."""
        if kind is None:
            self._close()
        self._progress.stop()
        for room, level in self._levels.items():
            logging.getLogger(room).removeHandler(self)
            logging.getLogger(room).setLevel(level)

    def _close(self) -> None:
        if self._line is not None:
            self._progress.update(self._line, completed=1)
            self._line = None
