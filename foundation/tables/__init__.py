"""Definitions of all tables and columns: names, kinds, units, bounds, grain, and references."""

from __future__ import annotations

from foundation.tables.inputs import EXTERNAL_INPUTS, INPUTS, tables_in_use
from foundation.tables.model import Column, Kind, Table
from foundation.tables.outputs import OUTPUTS

__all__ = ["EXTERNAL_INPUTS", "INPUTS", "OUTPUTS", "Column", "Kind", "Table", "tables_in_use"]
