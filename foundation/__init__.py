"""The lowest layer: definitions and services that all other packages use.

Here: errors and exit codes, settings, calendar periods, definitions of tables and columns, input validation, the store (the only code
that accesses a disk or a database), and the data known at a date. Not here: features, models, optimization, pages, and the order of steps.
"""

from __future__ import annotations
