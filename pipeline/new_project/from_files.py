"""``forestock init NAME --from DIR``: a project whose configuration reads the files of a folder.

Not here: recognizing files (``recognition``), the proposal (``proposal``, ``trial``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from foundation.errors import ConfigurationError
from foundation.store import files
from pipeline.new_project.configuration_text import Choices
from pipeline.new_project.mapping_text import mapping_lines
from pipeline.new_project.profile import profiles
from pipeline.new_project.project import NewProject, new_project, pipeline_name, refuse_existing
from pipeline.new_project.proposal import proposal_for
from pipeline.new_project.proposed_table import Proposal
from pipeline.new_project.trial import tried

_MOST_PARENTS = 3


@dataclass(frozen=True)
class MappedProject:
    """A project that reads the files of a folder.

    Attributes
    ----------
    project : NewProject
        Its folder and files.
    proposal : Proposal
        What was recognized, concluded, and asked.
    choices : Choices
        What the configuration says.
    """

    project: NewProject
    proposal: Proposal
    choices: Choices


def project_from_files(name: str, folder: str) -> MappedProject:
    """Make a project in the folder ``name`` whose configuration reads the files in ``folder``.

    Raises ``ConfigurationError`` if there is no such folder, or no file in it that can be a table.
    """
    refuse_existing(name)
    if not files.is_folder(folder):
        raise ConfigurationError(f"--from {folder}: is not a folder; name the folder of your exports")
    place = folder.rstrip("/") if files.is_url(folder) else str(Path(folder).resolve())
    read, unread = profiles(place)
    proposal = proposal_for(read, unread)
    if not proposal.tables:
        reasons = [f"{file}: {reason}" for file, reason in proposal.unused]
        raise ConfigurationError(f"--from {folder}: no file was recognized as a table", *reasons)
    choices = tried(proposal, Choices(pipeline_name(name)))
    for table in proposal.tables.values():
        table.keys["file"] = _relative(str(table.keys["file"]), name)
    choices = replace(choices, mapping="\n".join(mapping_lines(proposal)), questions=tuple(proposal.questions))
    project = new_project(name, choices)
    for path, text in proposal.written.items():
        files.write_text(files.joined(name, path), text)
    return MappedProject(project, proposal, choices)


def _relative(path: str, name: str) -> str:
    """Return the path from the project's folder, or as it is if that is far away."""
    if files.is_url(path):
        return path
    relative = Path(os.path.relpath(path, Path(name).resolve())).as_posix()
    return path if relative.count("../") > _MOST_PARENTS else relative
