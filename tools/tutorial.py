"""Runs the commands of a tutorial page and compares, or renews, its transcripts.

``python -m tools.tutorial PAGE`` runs the blocks of ``docs/tutorial/PAGE.md`` in a temporary folder and writes what they print into its ``text`` blocks.
A ``yaml`` block stands below the key ``network`` of ``forestock.yaml``. A line that is only ``…`` stands for lines that are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "tutorial"
_BLOCK = re.compile(r"^```(sh|yaml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CUT = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, text, and place."""

    language: str
    text: str
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page in order."""
    return [Block(match[1], match[2], match.start(2), match.end(2)) for match in _BLOCK.finditer(page)]


def outputs(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Run the commands of a page below ``folder`` and yield each ``text`` block with what the commands before it printed.

    Raises ``RuntimeError`` where a command fails.
    """
    place, printed = folder, ""
    for block in blocks(page):
        if block.language == "sh":
            place, printed = _run(block.text, place, folder)
        elif block.language == "yaml":
            _write_below_network(place / "forestock.yaml", block.text)
        else:
            yield block, printed


def _run(commands: str, place: Path, folder: Path) -> tuple[Path, str]:
    """Run shell commands in ``place`` and return the folder that they end in and their standard output."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb",
    }  # fmt: skip
    script = f"set -e\n{commands}\npwd > {folder}/.place"
    result = subprocess.run(["bash", "-c", script], cwd=place, env=environment, capture_output=True)  # noqa: S603, S607 - the page's commands
    printed = result.stdout.decode("utf-8", "replace")
    if result.returncode:
        raise RuntimeError(f"{commands}\n{printed}\n{result.stderr.decode('utf-8', 'replace')}")
    ended = Path((folder / ".place").read_text().strip())
    return ended, "\n".join(line.rstrip() for line in printed.replace(str(folder), "~").splitlines())


def _write_below_network(configuration: Path, text: str) -> None:
    lines = configuration.read_text("utf-8").splitlines(keepends=True)
    (place,) = (number for number, line in enumerate(lines) if line.startswith("network:"))
    configuration.write_text(
        "".join([*lines[: place + 1], text.removeprefix("network:\n"), *lines[place + 1 :]]), "utf-8"
    )


def missing_lines(expected: str, printed: str) -> list[str]:
    """Return the lines of a transcript that the output does not have in this order; figures and single proposals may differ."""
    lines = [_without_figures(line) for line in printed.splitlines()]
    left, result = iter(lines), []
    for line in expected.splitlines():
        if line.strip() not in ("", CUT) and "→" not in line and _without_figures(line) not in left:
            result.append(line)
            left = iter(lines)
    return result


def _without_figures(line: str) -> str:
    return " ".join(re.sub(r"[\d.,−€%+-]+", "#", line).split())


def renewed(page: str, folder: Path) -> str:
    """Return a page whose transcripts are what its commands print; blocks with a cut keep the lines that are still printed."""
    for block, printed in reversed(list(outputs(page, folder))):
        kept = _cut_like(block.text, printed)
        page = page[: block.start] + kept + "\n" + page[block.end :]
    return page


def _cut_like(old: str, printed: str) -> str:
    if CUT not in old.splitlines():
        return printed
    shown = old.splitlines()
    n_head = shown.index(CUT)
    n_tail = len(shown) - 1 - n_head
    lines = printed.splitlines()
    return "\n".join([*lines[:n_head], CUT, *(lines[-n_tail:] if n_tail else [])])


def main() -> None:
    """Renew the transcripts of the pages that are named."""
    for name in sys.argv[1:]:
        path = PAGES / f"{name}.md"
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(renewed(path.read_text("utf-8"), Path(folder).resolve()), "utf-8")


if __name__ == "__main__":
    main()
