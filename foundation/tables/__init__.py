"""Every column once, every table once: names, kinds, units, bounds, grain and references.

Here: the definitions and what is derived from them. Not here: checks that need two tables (rooms
own those) and reading or writing (the store does).
"""

from __future__ import annotations

from foundation.tables.inputs import INPUTS
from foundation.tables.model import Column, Kind, Table
from foundation.tables.outputs import OUTPUTS

__all__ = ["INPUTS", "OUTPUTS", "Column", "Kind", "Table"]
