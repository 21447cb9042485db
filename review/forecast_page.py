"""The page of a forecast: totals by hierarchy, the best and worst series, and fan charts.

A series is judged by the error of an earlier forecast where the warehouse has one, else by the width of its prediction interval.
Not here: reading and writing (``pipeline.reports``), colors (``templates``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings, quantile_columns
from foundation.wording import number, rate
from review.plan.page import environment
from review.plan.proposals import band_names, interval_levels

_SERIES_SHOWN = 6
_GROUPS_SHOWN = 12
_KEYS = ["region", "sku"]
WIDTH, HEIGHT = 280.0, 120.0
_LEFT, _BOTTOM, _TOP = 34.0, 16.0, 6.0


@dataclass(frozen=True)
class ForecastContents:
    """The data of the page.

    Attributes
    ----------
    settings : Settings
        The settings of the run.
    as_of : date
        The planning date.
    forecast, window : DataFrame
        The output tables ``forecast`` and ``forecast_window`` of that date.
    sales, skus : DataFrame
        The input tables as known at that date.
    earlier : DataFrame
        Rows of ``forecast`` of an earlier planning date whose dates are known by now; may be empty.
    notes : sequence of str
        Sentences of the run.
    """

    settings: Settings
    as_of: date
    forecast: pd.DataFrame
    window: pd.DataFrame
    sales: pd.DataFrame
    skus: pd.DataFrame
    earlier: pd.DataFrame
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Total:
    """A row of the totals: units of the last horizon, of the same periods a year earlier, and of the next horizon.

    ``last_year`` is None if the sales do not reach back so far.
    """

    level: str
    name: str
    recent: float
    last_year: float | None
    expected: float

    @property
    def change(self) -> float | None:
        """Expected units compared with the recent ones, as a share; None without recent units."""
        return None if self.recent <= 0 else self.expected / self.recent - 1


@dataclass(frozen=True)
class Judged:
    """Series in order of quality: ``measure`` names what judges them, ``best`` and ``worst`` are charts."""

    measure: str
    best: tuple[FanChart, ...]
    worst: tuple[FanChart, ...]


def forecast_page(contents: ForecastContents) -> str:
    """Return the page as one HTML text that makes no request."""
    windows = contents.window.groupby("window_days")["mean_units"].sum()
    tiers = contents.forecast.drop_duplicates(_KEYS)["tier"].astype("str").value_counts()
    return environment().get_template("forecast.html.j2").render(
        settings=contents.settings, as_of=contents.as_of, windows=windows.to_dict(), notes=contents.notes,
        tiers=tiers.to_dict(), n_series=int(tiers.sum()), totals=totals(contents), judged=judged(contents),
        bands=band_names(contents.settings), total_chart=_total_chart(contents),
    )  # fmt: skip


def totals(contents: ForecastContents) -> list[Total]:
    """Return the total, then the largest regions and groups of each level of the hierarchy, coarsest level first."""
    grid, horizon = contents.settings.grid, contents.settings.horizon
    hierarchy = [name for name in contents.settings.series.hierarchy if name in contents.skus]
    columns = ["region", *reversed(hierarchy)]
    groups = contents.skus.set_index("sku")[hierarchy].astype("object")
    sold = contents.sales[["date", *_KEYS, "units_sold"]].astype(dict.fromkeys(_KEYS, "object")).join(groups, on="sku")
    ahead = contents.forecast[[*_KEYS, "mean_units"]].astype(dict.fromkeys(_KEYS, "object")).join(groups, on="sku")
    end, start = as_timestamp(contents.as_of), as_timestamp(grid.step(contents.as_of, -horizon))
    year = pd.Timedelta(days=364)
    is_known = len(sold) > 0 and sold["date"].min() <= end - year
    recent = sold[(sold["date"] >= start) & (sold["date"] < end)]
    until = end - year + pd.Timedelta(days=horizon * grid.days)
    before = sold[(sold["date"] >= end - year) & (sold["date"] < until)]
    whole = before["units_sold"].sum() if is_known else None
    result = [Total("total", "all series", recent["units_sold"].sum(), whole, ahead["mean_units"].sum())]
    for column in columns:
        expected = ahead.groupby(column)["mean_units"].sum().sort_values(ascending=False).head(_GROUPS_SHOWN)
        past, year_ago = (frame.groupby(column)["units_sold"].sum() for frame in (recent, before))
        result += [
            Total(
                column,
                str(name),
                float(past.get(name, 0.0)),
                float(year_ago.get(name, 0.0)) if is_known else None,
                value,
            )
            for name, value in expected.items()
        ]
    return result


def judged(contents: ForecastContents) -> Judged:
    """Return the best and the worst series among those that are expected to sell at least one unit, at most six of each."""
    errors = _errors(contents)
    measure = "error of an earlier forecast (WAPE)" if len(errors) else f"width of the {_widest(contents)}"
    values = errors if len(errors) else _widths(contents)
    mean = contents.forecast.groupby(_KEYS, observed=True)["mean_units"].sum()
    values = values[(mean.reindex(values.index) >= 1.0).to_numpy()].sort_values(kind="stable")
    n_shown = min(_SERIES_SHOWN, len(values) // 2)
    names = [*values.index[:n_shown], *values.index[::-1][:n_shown]]
    is_error = len(errors) > 0
    charts = _charts(contents, names, [_note(values[name], is_error) for name in names])
    return Judged(measure, tuple(charts[:n_shown]), tuple(charts[n_shown:]))


def _widest(contents: ForecastContents) -> str:
    """Return the name of the interval whose width judges a series."""
    name = next(iter(band_names(contents.settings)), "")
    return f"{name} interval of the sum over {contents.window['window_days'].max()} days"


def _note(value: float, is_error: bool) -> str:
    return f"WAPE {rate(value, 0)}" if is_error else f"±{rate(value / 2, 0)} of the mean"


def _errors(contents: ForecastContents) -> pd.Series:
    """Return the WAPE by series of the earlier forecast on the dates that are known by now; series without demand are left out."""
    earlier = contents.earlier
    if earlier.empty:
        return pd.Series(dtype="float64")
    keys = ["date", *_KEYS]
    plain = dict.fromkeys(_KEYS, "object")
    sold = contents.sales.astype(plain).groupby(keys)["units_sold"].sum()
    rows = earlier[[*keys, "mean_units"]].astype(plain).set_index(keys)["mean_units"]
    actual = sold.reindex(rows.index).fillna(0.0)
    frame = pd.DataFrame({"error": (rows - actual).abs(), "actual": actual}).groupby(_KEYS).sum()
    return frame.loc[frame["actual"] > 0, "error"] / frame.loc[frame["actual"] > 0, "actual"]


def _widths(contents: ForecastContents) -> pd.Series:
    """Return the width of the widest interval of the longest window, divided by its mean, by series."""
    levels = interval_levels(contents.settings)
    if not levels:
        return pd.Series(dtype="float64")
    longest = contents.window[contents.window["window_days"] == contents.window["window_days"].max()]
    low, high = quantile_columns(levels[0])
    rows = longest[longest["mean_units"] > 0].astype(dict.fromkeys(_KEYS, "object")).set_index(_KEYS)
    return (rows[high] - rows[low]) / rows["mean_units"]


def _charts(contents: ForecastContents, names: Sequence[tuple[str, str]], notes: Sequence[str]) -> list[FanChart]:
    """Return one chart per series, in the order of ``names`` (region, SKU)."""
    plain = dict.fromkeys(_KEYS, "object")
    bands = [quantile_columns(pair) for pair in interval_levels(contents.settings)]
    ahead = dict(tuple(_only(contents.forecast, names).astype(plain).groupby(_KEYS)))
    sold = dict(tuple(_only(contents.sales, names).astype(plain).groupby(_KEYS)))
    result = []
    for name, note in zip(names, notes, strict=True):
        rows = ahead[name].sort_values("date")
        areas = [(rows[low].to_numpy(dtype="float64"), rows[high].to_numpy(dtype="float64")) for low, high in bands]
        mean = rows["mean_units"].to_numpy(dtype="float64")
        result.append(fan_chart(f"{name[1]} in {name[0]}", note, _past(contents, sold.get(name)), mean, areas))
    return result


def _only(frame: pd.DataFrame, names: Sequence[tuple[str, str]]) -> pd.DataFrame:
    regions, skus = {region for region, _ in names}, {sku for _, sku in names}
    return frame[(frame["region"].isin(regions) & frame["sku"].isin(skus)).to_numpy()]


def _past(contents: ForecastContents, rows: pd.DataFrame | None) -> np.ndarray:
    """Return the units of one series by period before ``as_of``, oldest first; NaN before its first sale."""
    periods = _periods(contents)
    if rows is None:
        return np.full(len(periods), np.nan)
    missing = 0.0 if contents.settings.series.missing_sales == "zero" else np.nan
    sold = rows.groupby("date")["units_sold"].sum()
    known = sold.reindex(periods).fillna(missing).to_numpy(dtype="float64")
    return np.where(periods < sold.index.min(), np.nan, known)


def _periods(contents: ForecastContents) -> pd.DatetimeIndex:
    """Return the periods before ``as_of`` that charts show: two horizons, at most 56 periods."""
    grid = contents.settings.grid
    count = min(2 * contents.settings.horizon, 56)
    return grid.range(grid.step(contents.as_of, -count), count)


def _total_chart(contents: ForecastContents) -> FanChart:
    sold = contents.sales.groupby("date")["units_sold"].sum().reindex(_periods(contents))
    mean = contents.forecast.groupby("date")["mean_units"].sum().sort_index()
    missing = 0.0 if contents.settings.series.missing_sales == "zero" else np.nan
    return fan_chart(
        "All series", "", sold.fillna(missing).to_numpy(dtype="float64"), mean.to_numpy(dtype="float64"), []
    )


@dataclass(frozen=True)
class FanChart:
    """One chart.

    Attributes
    ----------
    title, note, label : str
        Name of the series, a line below the chart, and the text for readers who do not see it.
    past, mean : str
        Points of the lines.
    areas : tuple of str
        Points of the intervals, the widest first.
    now : float
        Horizontal position at which the forecast starts.
    largest : str
        Value at the top.
    """

    title: str
    note: str
    label: str
    past: str
    mean: str
    areas: tuple[str, ...]
    now: float
    largest: str

    @property
    def floor(self) -> float:
        """Vertical position of zero."""
        return HEIGHT - _BOTTOM


def fan_chart(
    title: str, note: str, past: np.ndarray, mean: np.ndarray, bands: Sequence[tuple[np.ndarray, np.ndarray]]
) -> FanChart:
    """Return the chart of one series.

    Parameters
    ----------
    title, note : str
        Name of the series and a line below the chart.
    past : float64 array (n_past)
        Units sold per period, oldest first; NaN where unknown.
    mean : float64 array (n_ahead)
        Expected units per period.
    bands : sequence of (float64 array (n_ahead), float64 array (n_ahead))
        Lower and upper bound of each interval, the widest first.
    """
    count = len(past) + len(mean)
    values = np.concatenate([past, mean, *(bound for band in bands for bound in band)])
    largest = max(1.0, float(np.nanmax(values, initial=0.0)))

    def line(points: np.ndarray, first: int, is_reversed: bool = False) -> str:
        steps = np.arange(len(points))
        x = _LEFT + (first + steps + 0.5) * (WIDTH - _LEFT) / count
        y = _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - points / largest)
        order = steps[::-1] if is_reversed else steps
        return " ".join(f"{x[step]:.1f},{y[step]:.1f}" for step in order if np.isfinite(y[step]))

    ahead = len(past)
    areas = tuple(f"{line(low, ahead)} {line(high, ahead, is_reversed=True)}" for low, high in bands)
    label = f"{title}: {number(float(np.nansum(past)))} units sold in the last {len(past)} periods, {number(float(mean.sum()), 1)} expected in the next {len(mean)}"
    now = _LEFT + ahead * (WIDTH - _LEFT) / count
    return FanChart(title, note, label, line(past, 0), line(mean, ahead), areas, round(now, 1), _short(largest))


def _short(value: float) -> str:
    """Return a value in at most five characters: 12,345 is ``12k``."""
    for least, divisor, unit in ((1e7, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= least:
            return f"{number(value / divisor)}{unit}"
    return number(value, 1 if value < 10 else 0)
