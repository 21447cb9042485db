"""Mappings: how a table is read from files and queries that another system made.

Here: the section of the configuration (``section``), dates and numbers in any form (``dates``, ``numbers``), and the conversion of what was read to
a table (``conversion``). Not here: reading files and databases (``foundation.store``), proposing a mapping (``pipeline.new_project``).
"""
