"""Replay: decisions played against what was then demanded, one policy beside the other.

Here: the network and demand as dense arrays, the rules of the game, the policies that are compared,
the bound that no policy can beat, the KPIs and the comparison. Not here: how the plan is made
(positioning), how demand is forecast (models, features), which dates are played (flows).
"""

from __future__ import annotations
