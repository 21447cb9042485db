"""What makes a table valid: types, keys, references, ranges, and what the tables say together.

Here: pure rules on frames that give faults. Not here: reading or writing (``foundation.store``).
"""

from __future__ import annotations
