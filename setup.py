"""Put configurations, automations and the bundled data into the wheel, so that ``forestock demo`` works from it alone.

Everything else about the package is in ``pyproject.toml``. An editable install reads these folders from the checkout.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLED = ("automations", "configs", "samples")


class BuildWithData(build_py):
    """Copy the bundled folders below ``forestock/_bundled`` of the build."""

    def run(self) -> None:
        """Build the packages, then copy what they read at run time."""
        super().run()
        if self.editable_mode:
            return
        for name in BUNDLED:
            shutil.copytree(name, Path(self.build_lib) / "forestock" / "_bundled" / name, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
