"""The guides (README, tutorials, how-to pages), their code blocks, and which test executes each block.

``sh``, ``python`` and ``yaml`` blocks of a page are executed in order by ``test_guides``, except those that another test executes
(``EXECUTED_ELSEWHERE``) and those that cannot be executed here, which have a check of their own (``CHECKED``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import yaml

from tests.conventions.repository import ROOT

GUIDES = ("Start", "Tutorial", "How-to guides")
EXECUTED = ("sh", "python", "yaml")
SHOWN = (
    "text",
    "mermaid",
)  # drawings, messages, and transcripts; tests/tools/test_tutorial.py compares those of tutorials
_BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Page or pattern, the languages, and the test that executes these blocks as they are written.
EXECUTED_ELSEWHERE = (
    ("docs/tutorial/*.md", ("sh", "yaml"), "tests/tools/test_tutorial.py"),
    ("docs/how-to/read-from-a-database.md", ("sql",), "tests/services/test_database_recipe.py"),
    ("docs/how-to/read-from-a-database.md", ("yaml",), "tests/manual/test_database_recipes.py"),
    ("docs/how-to/build-a-network.md", ("sh", "yaml"), "tests/manual/test_network_files.py"),
    ("docs/how-to/add-a-feature-family.md", ("python", "toml"), "tests/features/test_family.py"),
    ("docs/how-to/add-a-model.md", ("python", "toml"), "tests/models/test_forecaster.py"),
    ("docs/how-to/add-a-demand-distribution.md", ("python", "toml"), "tests/foundation/test_demand_distribution.py"),
    ("docs/how-to/add-a-constraint.md", ("python", "toml"), "tests/positioning/test_capacity.py"),
    ("docs/how-to/add-a-kpi.md", ("python", "toml"), "tests/positioning/test_kpi.py"),
    ("docs/how-to/add-an-export-form.md", ("python", "toml"), "tests/dispatch/test_export_form.py"),
    ("docs/how-to/add-an-output-column.md", ("python", "diff"), "tests/foundation/test_add_an_output_column.py"),
    ("docs/how-to/add-a-command.md", ("python", "toml"), "tests/forestock/test_add_a_command.py"),
)
# Name of a block, why it cannot be executed here, and its check in tests/guides/test_checked_blocks.py.
CHECKED = {
    "README.md: make demo": ("sets up an environment of its own; continuous integration runs both targets", "make_targets_exist"),
    "docs/workspace.md: forestock serve": ("runs until it is stopped", "the_workspace_answers_clients"),
    "docs/workspace.md: forestock grant": ("needs the server and the token that is shown", "the_workspace_answers_clients"),
    "docs/workspace.md: POST /api/v1/decisions": ("needs the server and ids of a plan", "the_workspace_answers_clients"),
    "docs/assistants.md: {": ("an assistant starts the command", "the_assistant_starts_a_command"),
    "docs/execution.md: {": ("a Shopify store answers it", "shopify_fields_are_in_the_query"),
    "docs/what-if.md: prefect deployment": ("needs a Prefect server and a worker", "the_request_is_one_of_the_deployment"),
    "docs/production.md: CREATE ROLE": ("changes a PostgreSQL server", "each_database_belongs_to_a_new_role"),
    "docs/production.md: PREFECT_API_DATABASE_CONNECTION_URL": ("starts servers on PostgreSQL", "options_exist"),
    "docs/production.md: export FORESTOCK_HOME": ("needs a Prefect server; tests/services does it", "options_exist"),
    "docs/production.md: cp deploy": ("needs Docker", "containers_are_those_of_compose"),
    "docs/how-to/run-on-a-cluster.md: pip install": ("changes the environment", "the_extra_exists"),
    "docs/how-to/run-on-a-cluster.md: dask scheduler": ("starts servers on other machines", "options_exist"),
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A code block of a guide."""

    page: str
    language: str
    text: str
    line: int

    @property
    def check(self) -> str:
        """Name of the check that replaces its execution; empty where there is none."""
        return next((check for name, (_, check) in CHECKED.items() if self.is_named(name)), "")

    @property
    def executed_by(self) -> str:
        """The other test that executes it; empty where there is none."""
        return next(
            (
                test
                for page, languages, test in EXECUTED_ELSEWHERE
                if fnmatch(self.page, page) and self.language in languages
            ),
            "",
        )

    def is_named(self, name: str) -> bool:
        """Return whether ``name`` is its page, a colon, and the beginning of its text."""
        return f"{self.page}: {self.text}".startswith(name)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


class _Loader(yaml.SafeLoader):
    """Reads ``mkdocs.yml``, whose tags name Python objects."""


_Loader.add_multi_constructor("", lambda *_: None)


def guide_pages() -> list[str]:
    """Return README and the pages of the parts ``GUIDES`` of the site, without those of the reference."""
    parts = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), _Loader)["nav"]  # noqa: S506 - a safe loader
    return ["README.md", *(f"docs/{page}" for part in parts for name in set(part) & set(GUIDES) for page in _pages(part[name]))]  # fmt: skip


def _pages(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    for one in part if isinstance(part, list) else part.values() if isinstance(part, dict) else ():
        yield from _pages(one)


def blocks_of(page: str) -> list[Block]:
    """Return the code blocks of a page in order."""
    text = (ROOT / page).read_text("utf-8")
    return [Block(page, match[1], match[2], text.count("\n", 0, match.start()) + 1) for match in _BLOCK.finditer(text)]


def executed_here(page: str) -> list[Block]:
    """Return the blocks of a page that ``test_guides`` executes."""
    return [one for one in blocks_of(page) if one.language in EXECUTED and not one.check and not one.executed_by]
