"""One case: a kind and a seed, from which the attacked folder, its configuration and the command's settings follow."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from foundation.configuration import known_keys
from tests.fuzz import mutate
from tests.fuzz.world import AS_OF, QUICK, world

KINDS = ("table", "table", "table", "table", "file", "document", "setting", "setting")
_DOCUMENTS = (
    "inputs: {{path: {path}}}\nhorizon: {value}\n", "inputs: {{path: {path}}}\nforecast: {value}\n", "{value}\n", "? {value}\n: 1\n",
    "inputs:\n  path: {path}\n  drop_columns: {value}\n", "inputs: {{path: {path}}}\nwhat_if:\n- name: a\n  demand_factor: {value}\n",
    "inputs: {{path: {path}}}\nseries: {{hierarchy: {value}}}\n", "inputs: {{path: {path}}}\ndecisions: {{rules: [{{name: {value}}}]}}\n",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """The kind of mutation (one of ``KINDS``) and its seed."""

    kind: str
    seed: int


@dataclass(frozen=True)
class Prepared:
    """The arguments of a command, and a description of the changes."""

    config: Path
    overrides: tuple[str, ...]
    as_of: str
    changed: str


# The world as it is: no mutation.
UNCHANGED = Case("none", 0)


def cases(count: int, seed: int) -> list[Case]:
    """Return ``count`` cases drawn from ``seed``."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return [Case(draw.choice(KINDS), draw.randrange(10**9)) for _ in range(count)]


@cache
def _world() -> dict[str, pd.DataFrame]:
    return world()


def prepare(case: Case, folder: Path) -> Prepared:
    """Write the attacked world of ``case`` below ``folder``; its warehouse is ``folder/warehouse``."""
    draw = random.Random(case.seed)  # noqa: S311 - no secret
    inputs = folder / "inputs"
    inputs.mkdir(parents=True)
    for name, frame in _world().items():
        frame.to_parquet(inputs / f"{name}.parquet")
    config, overrides, as_of = folder / "shop.yaml", list(QUICK), AS_OF
    head = f"inputs: {{path: {inputs}}}\n"
    if case.kind == "table":
        name = draw.choice(sorted(_world()))
        data, changed = mutate.mutated_table(_world()[name], draw)
        changed = f"{name}: {changed} ({mutate.write(data, inputs, name, draw)})"
        if draw.random() < 0.3:
            overrides += ["inputs.on_fault=quarantine", "inputs.quarantine_rate=1.0"]
    elif case.kind == "none":
        changed = "nothing"
    elif case.kind == "file":
        changed = mutate.damage_file(inputs / f"{draw.choice(sorted(_world()))}.parquet", draw)
    elif case.kind == "document":
        head = draw.choice(_DOCUMENTS).format(path=inputs, value=mutate.odd_value(draw))
        changed = head[:120]
    else:
        key = draw.choice(sorted(set(known_keys()) - {"warehouse", "tracking_uri", "inputs.path"}))
        as_of = draw.choice([AS_OF, AS_OF, AS_OF, "2024-04-01", "2024-06-17", "2199-12-31", "1900-01-01"])
        overrides.append(f"{key}={mutate.odd_value(draw)}")
        changed = f"{overrides[-1][:80]} at {as_of}"
    config.write_text(head, encoding="utf-8")
    return Prepared(config, (*overrides, f"warehouse={folder / 'warehouse'}"), as_of, changed)


def parsed(text: str) -> Case:
    """Return the case written as ``kind seed``; the form of ``seeds.yaml``."""
    kind, seed = text.split()
    return Case(kind, int(seed))


def remembered() -> list[Case]:
    """Return the cases that once failed, kept in ``seeds.yaml``."""
    return [parsed(text) for text in yaml.safe_load((Path(__file__).parent / "seeds.yaml").read_text())]
