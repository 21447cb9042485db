"""Install the automations of ``automations/`` on a Prefect server: ``python -m flows.automations [FILE…]``.

The files have Prefect's format, except that deployments and notification blocks are given by name instead of id:
``deployment: flow/name`` and ``block: type/name``. An existing automation of the same name is replaced. Not here: the
events (``flows.monitor``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from foundation import plain_yaml
from foundation.errors import ConfigurationError, ForestockError, StageError, tell
from foundation.store.files import bundled_folder, read_configuration

FOLDER = bundled_folder("automations")


def read(path: Path) -> dict[str, Any]:
    """Return an automation file's content; raises ``ConfigurationError`` if it is not a mapping."""
    content = plain_yaml.parse(read_configuration(path))
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: an automation must be a mapping")
    return content


def named_in(content: Mapping[str, Any], key: str) -> list[str]:
    """Return the names of deployments (``key`` is deployment) or blocks (block) in the actions."""
    return [action[key] for action in content.get("actions", ()) if key in action]


def with_ids(content: Mapping[str, Any], ids: Mapping[str, str]) -> AutomationCore:
    """Return the automation with ``ids`` instead of names; raises ``ValidationError`` if it is not valid for Prefect."""
    actions = []
    for given in content["actions"]:
        action = dict(given)
        if "deployment" in action:
            action |= {"source": "selected", "deployment_id": ids[action.pop("deployment")]}
        if "block" in action:
            action["block_document_id"] = ids[action.pop("block")]
        actions.append(action)
    return AutomationCore.model_validate({**content, "actions": actions})


def install(paths: Sequence[Path]) -> list[str]:
    """Install the automations of the files and return a sentence for each; one whose block does not exist is skipped.

    Raises ``StageError`` if a deployment does not exist.
    """
    with get_client(sync_client=True) as client:
        return [_installed(client, path) for path in paths]


def _installed(client: SyncPrefectClient, path: Path) -> str:
    content = read(path)
    ids, missing = _ids(client, content)
    if missing:
        return (
            f"{path.name}: skipped, because block {missing[0]} does not exist; docs/production.md says how to create it"
        )
    automation = with_ids(content, ids)
    existing = client.read_automations_by_name(automation.name)
    if existing:
        client.update_automation(existing[0].id, automation)
        return f"{path.name}: {automation.name} replaced"
    client.create_automation(automation)
    return f"{path.name}: {automation.name} created"


def _ids(client: SyncPrefectClient, content: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the ids of the deployments and blocks in the actions, and the names of missing blocks."""
    ids, missing = {}, []
    for name in named_in(content, "deployment"):
        try:
            ids[name] = str(client.read_deployment_by_name(name).id)
        except ObjectNotFound:
            raise StageError(
                "automations", f"deployment {name} does not exist; run prefect deploy --all first"
            ) from None
    for name in named_in(content, "block"):
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
