"""The policy under test: a forecast made with what was known, and the plan on the simulated stock.

Which forecast and which planner are handed in, so that the same policy plays on any forecast. Not
here: how to forecast or plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.simulation.engine import DecisionPoint, Game
from positioning.simulation.world import Network, codes, numbers

Frames = dict[str, pd.DataFrame]
Forecaster = Callable[[date], Frames]
Planner = Callable[[Frames, Frames, Settings, date], Frames]

# What the simulation replaces, and what a plan has no use for.
_PLAYED = ("stock", "inbound", "sales")


@dataclass(frozen=True)
class Planned:
    """Plans on the forecast of each planning date, for the time until the next decision.

    Attributes
    ----------
    name
        Name of the policy in results.
    forecaster
        Returns the forecast frames of a planning date.
    planner
        Returns the frames of a plan from tables, forecasts, settings, and date.
    tables
        Input tables known at the start; stock, inbound, supply, and earlier proposals come from the replay.
    settings
        The configuration.

    """

    name: str
    forecaster: Forecaster
    planner: Planner
    tables: Frames
    settings: Settings

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return the plan's lines, most valuable first, outlook lines marked."""
        return requested_lines(self.frames(point))

    def frames(self, point: DecisionPoint) -> Frames:
        """Return the frames of the plan of that morning."""
        return self.planner(self._tables(point), self.forecaster(point.as_of), self._settings(point), point.as_of)

    def _settings(self, point: DecisionPoint) -> Settings:
        """Return the settings with the review period until the next decision, or until the end after the last one.

        If that is longer than usual and no decision follows, demand after the end counts for no policy.
        """
        specified = self.settings.positioning
        if point.review_days <= specified.review_days:
            return self.settings
        longer: dict[str, int] = {"review_days": point.review_days}
        if point.is_last:
            longer["cover_days"] = point.review_days
        return self.settings.model_copy(update={"positioning": specified.model_copy(update=longer)})

    def _tables(self, point: DecisionPoint) -> Frames:
        known = {name: frame for name, frame in self.tables.items() if name not in _PLAYED}
        known |= {"stock": stock_table(point), "inbound": inbound_table(point), "earlier": earlier_table(point)}
        if "supply" in known:
            known["supply"] = supply_table(known["supply"], point)
        return known


def requested_lines(frames: Frames) -> pd.DataFrame:
    """Return the lines of a plan as a policy requests them, most valuable first, outlook lines marked."""
    lines = frames["transfer"].sort_values("benefit_eur", ascending=False, kind="stable", ignore_index=True)
    columns = ["sku", "lane", "units", "ship_date", "is_outlook"]
    return lines[columns].astype({"units": "int64", "is_outlook": "bool"})


def stock_table(point: DecisionPoint) -> pd.DataFrame:
    """Return the `stock` snapshot of the morning of the planning date: usable units only."""
    network, on_hand = point.network, point.state.on_hand
    sku, hub = np.nonzero(on_hand)
    rows = {"hub": network.hubs.index.to_numpy()[hub], "sku": network.skus.index.to_numpy()[sku]}
    frame = pd.DataFrame({"date": as_timestamp(point.as_of), **rows, "units_on_hand": on_hand[sku, hub]})
    return frame.astype({"hub": "str", "sku": "str"})


def inbound_table(point: DecisionPoint) -> pd.DataFrame:
    """Return the `inbound` lines of the planning date: everything in transit, one line per sku, hub and day."""
    network, arriving = point.network, point.state.arriving
    sku, hub, period = np.nonzero(arriving)
    start = as_timestamp(network.start)
    frame = pd.DataFrame(
        {
            "inbound_id": [f"R{number}" for number in range(len(sku))],
            "hub": network.hubs.index.to_numpy()[hub],
            "sku": network.skus.index.to_numpy()[sku],
            "units": arriving[sku, hub, period],
            "arrival_date": start + pd.to_timedelta(period * network.period_days, unit="D"),
            "as_of": as_timestamp(point.as_of),
        }
    )
    return frame.astype({"inbound_id": "str", "hub": "str", "sku": "str"})


def earlier_table(point: DecisionPoint) -> pd.DataFrame:
    """Return the transfers that earlier decisions sent, as executed proposals: they must not be undone."""
    network = point.network
    lanes, skus = network.lanes, network.skus.index.to_numpy()
    hubs, blocks = network.hubs.index.to_numpy(), []
    for period, sku, lane, units in point.moves:
        moved = ~lanes.is_supply[lane]
        sku, lane = sku[moved], lane[moved]
        sent = as_timestamp(network.start + timedelta(days=period * network.period_days))
        arrival = sent + pd.to_timedelta(lanes.lead_days[lane], unit="D")
        blocks.append(pd.DataFrame({
            "proposal_id": [f"{period}-{name}-{network.lanes.index[index]}" for name, index in zip(skus[sku], lane, strict=True)],
            "status": "executed", "kind": "transfer", "sku": skus[sku], "origin": hubs[lanes.origin[lane]],
            "destination": hubs[lanes.destination[lane]], "units": units[moved], "ship_date": sent,
            "arrival_date": arrival, "benefit_eur": 0.0, "as_of": sent, "decided_on": sent,
        }))  # fmt: skip
    return pd.concat(blocks, ignore_index=True) if blocks else _no_proposals()


def _no_proposals() -> pd.DataFrame:
    texts = {name: pd.Series(dtype="str") for name in ("proposal_id", "status", "kind", "sku", "origin", "destination")}
    dates = {name: pd.Series(dtype="datetime64[us]") for name in ("ship_date", "arrival_date", "as_of", "decided_on")}
    return pd.DataFrame(texts | dates | {name: pd.Series(dtype="float64") for name in ("units", "benefit_eur")})


def supply_table(supply: pd.DataFrame, point: DecisionPoint) -> pd.DataFrame:
    """Return `supply` with what suppliers have left after the orders of the replay."""
    network = point.network
    index = codes(network.supply.index, supply["supplier"]), codes(network.skus.index, supply["sku"])
    has_lane = (index[0] >= 0) & (index[1] >= 0)
    units = numbers(supply, "units_available", np.inf)
    units[has_lane] = point.state.available[index[0][has_lane], index[1][has_lane]]
    return supply.assign(units_available=pd.array(np.where(np.isfinite(units), units, np.nan), dtype="float64"))


def network_without_shared_limits(tables: Frames) -> Frames:
    """Return the tables with storage, handling and load limits lifted: what decisions alone are worth.

    Prices of loads stay; each departure may take as many as it pays for.
    """
    hubs = ["storage_l", "inbound_units_per_period", "outbound_units_per_period"]
    lifted = dict(tables)
    for name, columns in (("hubs", hubs), ("hub_capacity", hubs), ("lanes", ["loads_per_departure"])):
        if lifted.get(name) is not None:
            present = {column: np.nan for column in columns if column in lifted[name]}
            lifted[name] = lifted[name].assign(**present)
    return lifted


def mean_daily_units(forecast: pd.DataFrame, network: Network) -> np.ndarray:
    """Return (K, H): mean forecast daily units of the regions each hub is nearest to."""
    shape = (len(network.skus.index), len(network.delivery.regions))
    days = max(1, forecast["date"].nunique()) * network.period_days
    summed = forecast.groupby(["sku", "region"], observed=True)["mean_units"].sum().unstack(fill_value=0)
    summed = summed.reindex(index=network.skus.index, columns=network.delivery.regions, fill_value=0.0)
    daily = summed.to_numpy(dtype=np.float64).reshape(shape) / days
    hubs = np.arange(len(network.hubs.index))
    is_nearest = network.delivery.nearest[:, None, :] == hubs[None, :, None]
    return np.einsum("khr,kr->kh", is_nearest.astype(float), daily)


@dataclass(frozen=True)
class Foresight:
    """Forecasts that are true in every period of the replay; later periods stay as forecast.

    Attributes
    ----------
    forecaster
        The forecasts to change.
    game
        The replay.

    """

    forecaster: Forecaster
    game: Game

    def __call__(self, as_of: date) -> Frames:
        """Return the frames of a planning date; their demand is certain."""
        frames = self.forecaster(as_of)
        forecast, start = frames["forecast"], as_timestamp(self.game.network.start)
        end = start + pd.Timedelta(days=self.game.network.periods * self.game.network.period_days)
        known = forecast.assign(mean_units=forecast["mean_units"].where(forecast["date"] >= end, 0.0))
        text = pd.concat([known, self._demanded(as_timestamp(as_of))], ignore_index=True)
        return frames | {"forecast": text, "forecast_window": frames["forecast_window"].assign(is_certain=True)}

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
