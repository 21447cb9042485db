"""Take the screenshots of README and docs from the running workspace: ``python -m tools.screenshots``.

Needs the plan of ``forestock demo`` in the demo's warehouse, the extra ``pages``, and Chromium. Writes ``docs/images/*.png``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SERVE = "serve --config demo.yaml --at 2016-05-23T07:00 --port 8099"
PAGES = {"proposals": "proposals", "sku": "sku?sku=FOODS_3_080"}
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Serve the demo's plan and take a picture of every page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], dest="changes", help="as of `forestock serve`")
    changes = [word for change in parser.parse_args().changes for word in ("--set", change)]
    command = [sys.executable, "-m", "forestock.cli.main", *SERVE.split(), *changes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own command
        try:
            photograph(address_of(server))
        finally:
            server.terminate()


def address_of(server: subprocess.Popen[str]) -> str:
    """Return the address with the login key that the command prints; raises ``SystemExit`` if it ends instead."""
    for line in server.stdout or ():
        if match := re.search(r"http\S+key=\S+", line):
            return match[0]
    raise SystemExit("forestock serve ended; run forestock demo first")


def photograph(address: str) -> None:
    """Write the picture of every page of the workspace at ``address``."""
    IMAGES.mkdir(exist_ok=True)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(address)
        for name, path in PAGES.items():
            page.goto(address.partition("login")[0] + path, wait_until="networkidle")
            page.wait_for_timeout(500)
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
