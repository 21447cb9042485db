"""Hooks of the documentation site: files outside ``docs/`` that a page links to become part of the site.

The pages link to source files and configurations by relative paths, which work in a checkout. ``make docs`` copies each linked
file to ``source/`` on the site and points the link there. A link to a file that does not exist stays as it is, so that the strict
build reports it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")
FOLDER = "source"


def outside(link: str, page: str) -> str | None:
    """Return the path from the repository's root of what ``link`` on ``page`` names, None where it is part of ``docs/``.

    Parameters
    ----------
    link
        Relative link without anchor, such as ``../pipeline/run.py``.
    page
        The page's path below ``docs/``.

    """
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    is_ours = not path.startswith(("docs/", "..")) and (ROOT / path).is_file()
    return path if is_ours else None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside ``docs/`` that pages link to."""
    linked = {
        path
        for page in files.documentation_pages()
        for link in LINK.findall(page.content_string)
        if (path := outside(link, page.src_uri))
    }
    for path in sorted(linked):
        files.append(File.generated(config, f"{FOLDER}/{path}.txt", content=(ROOT / path).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to files outside ``docs/`` at their copies."""
    here = posixpath.dirname(page.file.src_uri) or "."

    def pointed(match: re.Match[str]) -> str:
        path = outside(match[1], page.file.src_uri)
        return match[1] if path is None else posixpath.relpath(f"{FOLDER}/{path}.txt", here)

    return LINK.sub(pointed, markdown)
