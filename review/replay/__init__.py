"""The page and the charts of a replay.

Frames in, matplotlib figures and one HTML text out. Not here: the replay and its figures (positioning), MLflow.
"""

from __future__ import annotations

from review.replay.page import ReplayPage, replay_page
from review.replay.pictures import closed_picture, course_picture, terms_picture

__all__ = ["ReplayPage", "closed_picture", "course_picture", "replay_page", "terms_picture"]
