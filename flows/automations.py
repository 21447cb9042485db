"""Installing the automations of ``automations/`` on a Prefect server: ``python -m flows.automations [FILE…]``.

The files are Prefect's own form, except that deployments and notification blocks are named instead of numbered:
``deployment: flow/name`` and ``block: type/name``. An automation that is there is replaced, so the files are the truth. Not here:
which events there are (``flows.monitor``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from foundation.errors import ConfigurationError, ForestockError, StageError, tell
from foundation.store.files import bundled_folder, read_configuration

FOLDER = bundled_folder("automations")


def read(path: Path) -> dict[str, Any]:
    """Return an automation file's content; raises ``ConfigurationError`` where it is no mapping."""
    parts = yaml.safe_load(read_configuration(path))
    if not isinstance(parts, dict):
        raise ConfigurationError(f"{path}: an automation is a mapping")
    return parts


def names_of(parts: Mapping[str, Any], key: str) -> list[str]:
    """Return the deployments (``key`` deployment) or blocks (block) the actions name."""
    return [action[key] for action in parts.get("actions", ()) if key in action]


def numbered(parts: Mapping[str, Any], ids: Mapping[str, str]) -> AutomationCore:
    """Return the automation with ``ids`` in place of the names; raises ``ValidationError`` where Prefect would not take it."""
    actions = []
    for given in parts["actions"]:
        action = dict(given)
        if "deployment" in action:
            action |= {"source": "selected", "deployment_id": ids[action.pop("deployment")]}
        if "block" in action:
            action["block_document_id"] = ids[action.pop("block")]
        actions.append(action)
    return AutomationCore.model_validate({**parts, "actions": actions})


def install(paths: Sequence[Path]) -> list[str]:
    """Install the automations of the files and return a sentence for each; one whose block is not there is left out.

    Raises ``StageError`` where a deployment is not there.
    """
    with get_client(sync_client=True) as client:
        return [_installed(client, path) for path in paths]


def _installed(client: SyncPrefectClient, path: Path) -> str:
    parts = read(path)
    ids, missing = _ids(client, parts)
    if missing:
        return f"{path.name}: left out, there is no block {missing[0]}; docs/production.md says how to make one"
    requested = numbered(parts, ids)
    result = client.read_automations_by_name(requested.name)
    if result:
        client.update_automation(result[0].id, requested)
        return f"{path.name}: {requested.name} renewed"
    client.create_automation(requested)
    return f"{path.name}: {requested.name} made"


def _ids(client: SyncPrefectClient, parts: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the ids of what the actions name, and the blocks that are not there."""
    ids, missing = {}, []
    for name in names_of(parts, "deployment"):
        try:
            ids[name] = str(client.read_deployment_by_name(name).id)
        except ObjectNotFound:
            raise StageError("automations", f"there is no deployment {name}; run prefect deploy --all first") from None
    for name in names_of(parts, "block"):
        kind, _, block = name.partition("/")
        try:
            ids[name] = str(client.read_block_document_by_name(block, kind).id)
        except ObjectNotFound:
            missing.append(name)
    return ids, missing


def main(names: Sequence[str]) -> int:
    """Install the named files, or all; return the exit code."""
    paths = [Path(name) for name in names] or sorted(FOLDER.glob("*.yaml"))
    try:
        for sentence in install(paths):
            print(sentence)
    except ForestockError as error:
        return tell(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
