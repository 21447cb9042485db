"""A forecast that is right: what was demanded during the replay, told to the plan beforehand.

A plan on it bows to every capacity, pack and whole load as the others do, so what it leaves of the way to the bound is theirs,
and what the plan on the real forecast leaves beside it is the forecast's. Not here: the plan (``planned``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from positioning.replay.engine import Game
from positioning.replay.planned import Forecaster, Frames


@dataclass(frozen=True)
class Foresight:
    """The forecasts of ``forecaster``, true in every period of ``game``; later periods stay as forecast."""

    forecaster: Forecaster
    game: Game

    def __call__(self, as_of: date) -> Frames:
        """Return the frames of a night; their demand is certain."""
        frames = self.forecaster(as_of)
        forecast, start = frames["forecast"], as_timestamp(self.game.network.start)
        end = start + pd.Timedelta(days=self.game.network.periods * self.game.network.period_days)
        known = forecast.assign(mean_units=forecast["mean_units"].where(forecast["date"] >= end, 0.0))
        told = pd.concat([known, self._demanded(as_timestamp(as_of))], ignore_index=True)
        return frames | {"forecast": told, "forecast_window": frames["forecast_window"].assign(is_certain=True)}

    def _demanded(self, as_of: pd.Timestamp) -> pd.DataFrame:
        """Return what is demanded from ``as_of`` to the replay's end, a row where there is any."""
        network, ahead = self.game.network, self.game.demand.ahead
        sku, region, period = np.nonzero(ahead)
        rows = pd.DataFrame({
            "date": as_timestamp(network.start) + pd.to_timedelta(period * network.period_days, unit="D"),
            "region": np.asarray(network.delivery.regions, dtype=object)[region], "sku": network.skus.index.to_numpy()[sku],
            "mean_units": ahead[sku, region, period].astype(float),
        })  # fmt: skip
        return rows[(rows["date"] >= as_of).to_numpy()].astype({"region": "str", "sku": "str"})
