"""The ground floor: what every room stands on and none may redefine.

Here: errors and their exit codes, settings, the calendar of periods, the definitions of columns
and tables, the store (the only code that touches a disk or a database) and what was known at a
date. Not here: anything about features, learning, optimisation, pages or order of work.
"""

from __future__ import annotations
