"""What-ifs: the plan of record compared with plans on changed inputs.

Frames in, frames and one HTML text out. Not here: changing inputs and planning (positioning).
"""

from __future__ import annotations

from review.what_if.differences import line_differences, place_differences
from review.what_if.page import WhatIfPage, what_if_page, what_if_summary

__all__ = ["WhatIfPage", "line_differences", "place_differences", "what_if_page", "what_if_summary"]
