"""Sales that look incomplete: a thin last period, regions, SKUs and series that fell silent, holes, regions without a row.

No rule is broken, so these are warnings. Not here: periods without a row of any series (``time``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, InputWarning, counted_noun, listed
from foundation.periods import as_timestamp, closed_periods
from foundation.validation.input_table import ValidInputs

_MOST_SHARE = 0.8  # of the usual rows: with more rows there is no warning
_DEVIATIONS = 4.5  # of a count, after its square root has been taken; more where many groups are looked at
_BROKEN_FROM = 8
_WEEKS_BACK = 8
# By the length of a period in days: periods a rate is taken from, and periods looked back (silent for longer: it has closed).
_BASELINE = {1: 56, 7: 26}
_LOOKED_BACK = {1: 182, 7: 52}
_RARITY = 1e4  # a silence is reported where chance would bring it once in so many runs
_HOLES_BACK = {1: 364, 7: 52}  # periods looked back for holes that have ended
_HOLE_REPORTED = {1: 91, 7: 13}  # periods after its end for which a hole is reported
_SHORTEST_HOLE = {1: 7, 7: 3}  # periods, of a single SKU or series
_FEWEST_KNOWN = 14  # periods outside of a hole
_MOST_PRESENT = 0.8  # share of periods with a row from which a group has one nearly always
_ENDED_AFTER = 14  # periods after which a SKU or a series is taken to have ended
_CLOSED = "where it was closed, give rows with units_sold 0 and in_stock_rate 0"
_NO_LONGER_SOLD = {
    "sku": "it is no longer sold, give skus.delist_date",
    "series": "it is no longer sold there, give a row with 0, or skus.delist_date if it is sold nowhere",
}


@dataclass(frozen=True)
class _Counts:
    """Rows of sales by group and period: ``rows`` (n_groups, n_periods), the last period last, open ones only."""

    names: tuple[str, ...]
    periods: pd.DatetimeIndex
    rows: np.ndarray
    n_groups: int  # groups looked at, of which ``names`` may be a part
    is_sold: np.ndarray  # (n_periods,) bool: whether the period has any row, of whatever group


@dataclass(frozen=True)
class _Recent:
    """Sales from some periods back: ``period`` (n_rows,) of each row, and which of ``periods`` were open."""

    sales: pd.DataFrame
    period: np.ndarray
    periods: pd.DatetimeIndex
    is_open: np.ndarray


def sales_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield what looks missing from the sales before ``as_of``; nothing where missing sales are unknown."""
    if not inputs.has("sales", "date", "region", "sku") or inputs.settings.series.missing_sales != "zero":
        return
    days = inputs.settings.grid.days
    recent = _recent(inputs, _LOOKED_BACK[days])
    counts = _counted(inputs, recent)
    silent = {kind: _silent(counted, _BASELINE[days]) for kind, counted in counts.items() if counted}
    yield from _thin(counts, silent)
    for kind, result in silent.items():
        if result and not (kind != "region" and silent["region"]):
            yield _silence(kind, result, days, "one has closed, remove it from the tables or delist its SKUs")
    if not any(silent.values()):
        yield from _ended(inputs, recent)
    yield from _hole_warnings(inputs, _recent(inputs, _HOLES_BACK[days]))


def absent_regions(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield the regions that never had a sales row, and no price from four weeks back or more."""
    if not inputs.has("sales", "region", "date") or not inputs.has("regions", "region"):
        return
    known = set(inputs.tables["sales"]["region"].unique().astype(str))
    if inputs.has("prices", "region", "date"):
        prices = inputs.tables["prices"]
        recent = prices.groupby("region", observed=True)["date"].min() > as_timestamp(inputs.as_of) - pd.Timedelta(
            days=28
        )
        known |= set(recent.index[recent].astype(str))
    regions = sorted(set(inputs.tables["regions"]["region"].astype(str)))
    absent = [region for region in regions if region not in known]
    if absent:
        kind = f"{len(absent)} of {counted_noun(len(regions), 'region')} never had a row in sales, {listed(absent)}; nothing is planned for their demand"
        yield InputWarning(
            "regions", "region", kind, "load their sales, or remove them from regions", is_incomplete=True
        )


def usually(past: np.ndarray) -> np.ndarray:
    """Return the usual count of each group, float64 (n_groups): the median of its counts.

    Parameters
    ----------
    past : float array (n_groups, n_periods)
        Counts of earlier periods.
    """
    return np.asarray(np.median(past, axis=1))


def too_few(counts: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Return for each group whether its count is far below its earlier counts, bool (n_groups).

    Far is below four fifths of the median, and below it by 4.5 deviations, more where there are many groups. The
    deviation is that of the counts themselves: zero where they never vary, that of a Poisson count for order lines.

    Parameters
    ----------
    counts : float array (n_groups)
        Counts to judge.
    past : float array (n_groups, n_periods)
        Counts of earlier periods.
    """
    usual = usually(past)
    is_broken = (past < usual[:, None] / 2) & (
        usual[:, None] >= _BROKEN_FROM
    )  # an earlier cut must not excuse this one
    past = np.where(is_broken, usual[:, None], past)
    freedom = max(past.shape[1] - 1, 1)
    spread = ((past - past.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / freedom
    pooled = spread.sum() / max(past.mean(axis=1).sum(), 1e-9)
    dispersion = np.maximum(spread / np.maximum(past.mean(axis=1), 1e-9), pooled)
    distance = 2.0 * (np.sqrt(usual) - np.sqrt(counts + 0.375 * (dispersion > 0)))
    needed = np.sqrt((_DEVIATIONS**2 + 2 * np.log(max(len(counts), 1))) * dispersion)
    return np.asarray((counts < _MOST_SHARE * usual) & (distance > needed))


def _coded(keys: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return the code of each row (−1 for null) and the names of the codes."""
    if isinstance(keys.dtype, pd.CategoricalDtype):
        return keys.cat.codes.to_numpy(), keys.cat.categories.astype(str).tolist()
    codes, names = pd.factorize(keys, sort=True)
    return codes, [str(name) for name in names]


def _sku_groups(inputs: ValidInputs, sku: pd.Series) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Return the coarsest hierarchy column of each row of ``sku``, coded, by its name; empty without a hierarchy."""
    hierarchy = inputs.settings.series.hierarchy
    if not hierarchy or not inputs.has("skus", "sku", hierarchy[-1]):
        return {}
    group = dict(zip(inputs.texts("skus", "sku"), inputs.texts("skus", hierarchy[-1]), strict=True))
    names = sorted(set(group.values()) - {""})
    if len(names) < 2:
        return {}
    codes, skus = _coded(sku)
    place = {name: index for index, name in enumerate(names)}
    of_sku = np.array([*(place.get(group.get(name, ""), -1) for name in skus), -1])
    return {hierarchy[-1]: (of_sku[codes], names)}


def _recent(inputs: ValidInputs, n_back: int) -> _Recent:
    """Return the sales of the last ``n_back`` periods."""
    grid, sales = inputs.settings.grid, inputs.tables["sales"]
    first = max(as_timestamp(grid.step(inputs.as_of, -n_back)), sales["date"].min())
    recent = sales.loc[(sales["date"] >= first).to_numpy(), ["date", "region", "sku"]]
    period = ((recent["date"] - first).dt.days // grid.days).to_numpy()
    periods = pd.date_range(first, as_timestamp(grid.step(inputs.as_of, -1)), freq=f"{grid.days}D").as_unit("us")
    return _Recent(recent, period, periods, ~closed_periods(periods, inputs.settings.series.closed_days, grid))


def _counted(inputs: ValidInputs, recent: _Recent) -> dict[str, _Counts | None]:
    """Return rows by region, and by the coarsest group of SKUs.

    None instead of either where fewer than three periods were open, or the last one was not.
    """
    groups = {"region": _coded(recent.sales["region"])} | _sku_groups(inputs, recent.sales["sku"])
    return {kind: _counts(codes, names, recent) for kind, (codes, names) in groups.items()}


def _counts(codes: np.ndarray, names: list[str], recent: _Recent, n_groups: int | None = None) -> _Counts | None:
    """Return the rows of each group that has any; ``codes`` holds a group (−1: none) per sales row."""
    periods, is_open, period = recent.periods, recent.is_open, recent.period
    if is_open.sum() < 3 or not is_open[-1] or not names:
        return None
    known = codes >= 0
    place = codes[known].astype("int64") * len(periods) + period[known]
    rows = np.bincount(place, minlength=len(names) * len(periods)).reshape(len(names), len(periods)).astype("float64")
    has_any = np.asarray(rows.sum(axis=1) > 0)
    if not has_any.any():
        return None
    kept = tuple(name for name, is_there in zip(names, has_any, strict=True) if is_there)
    is_sold = np.bincount(period, minlength=len(periods))[is_open] > 0
    return _Counts(kept, periods[is_open], rows[has_any][:, is_open], n_groups or len(kept), is_sold)


def _comparable(counted: _Counts) -> np.ndarray:
    """Return the positions of the periods the last one is compared with: the same weekday up to eight weeks back."""
    back = (counted.periods[-1] - counted.periods).days.to_numpy()
    return np.flatnonzero((back > 0) & (back % 7 == 0) & (back <= 7 * _WEEKS_BACK))


def _thin(counts: dict[str, _Counts | None], silent: dict[str, list[tuple[str, int, str]]]) -> Iterator[InputWarning]:
    """Yield at most one warning about the last period: of some regions, else of all, else of groups of SKUs."""
    regions = counts["region"]
    if regions is None or len(_comparable(regions)) < 2:
        return
    past, last = _comparable(regions), regions.rows[:, -1]
    is_thin = too_few(last, regions.rows[:, past])
    is_heard = ~np.isin(regions.names, [name for name, _, _ in silent.get("region", ())])
    is_thin &= is_heard
    total = regions.rows[is_heard].sum(axis=0, keepdims=True)
    if too_few(total[:, -1], total[:, past])[0] and not 0 < is_thin.sum() <= len(is_thin) / 2:
        yield _thin_period(regions, "", total[:, -1].sum(), usually(total[:, past]).sum())
    elif is_thin.any():
        names = [name for name, thin in zip(regions.names, is_thin, strict=True) if thin]
        yield _thin_period(
            regions, _named("region", names), last[is_thin].sum(), usually(regions.rows[is_thin][:, past]).sum()
        )
    elif is_heard.all():
        for kind, counted in counts.items():
            if kind == "region" or counted is None or silent.get(kind):
                continue
            is_thin = too_few(counted.rows[:, -1], counted.rows[:, past])
            names = [name for name, thin in zip(counted.names, is_thin, strict=True) if thin]
            if names:
                usual = usually(counted.rows[is_thin][:, past]).sum()
                yield _thin_period(counted, _named(kind, names), counted.rows[is_thin, -1].sum(), usual)


def _thin_period(counted: _Counts, of: str, rows: float, usual: float) -> InputWarning:
    problem = (
        f"{counted.periods[-1]:%Y-%m-%d} has {counted_noun(rows, 'row')}{of}, usually there are {usual:,.0f}; "
        "what is missing counts as nothing sold"
    )
    closed = _CLOSED if of else "where it was closed everywhere, name it in series.closed_days"
    return InputWarning("sales", "date", problem, f"load the period again; {closed}", is_incomplete=True)


def _named(kind: str, names: list[str]) -> str:
    return f" of {kind} {names[0]}" if len(names) == 1 else f" of {len(names)} {kind} values ({listed(names)})"


def _silent(
    counted: _Counts, n_baseline: int, fewest: int = 2, least_present: float = 0.0
) -> list[tuple[str, int, str]]:
    """Return (group, silent periods, day of its last row) of groups whose silence is no chance, longest silence first."""
    result = []
    for name, there in zip(counted.names, counted.rows > 0, strict=True):
        last = int(np.flatnonzero(there)[-1]) if there.any() else -1
        silence = len(there) - 1 - last
        holes = _holes(there, counted.n_groups)
        known = np.delete(there[: last + 1], [index for first, end in holes for index in range(first, end)])
        baseline = known[-n_baseline:]  # an earlier hole must not excuse this silence
        if silence < fewest or len(baseline) < max(4, n_baseline // 4):
            continue
        rate = min(baseline.mean(), 1 - 1 / (len(baseline) + 2))
        is_rare = -silence * np.log1p(-rate) > np.log(_RARITY * counted.n_groups)
        if is_rare and baseline.mean() >= least_present and silence > 1.5 * max(_longest_gap(known), 1):
            result.append((name, silence, f"{counted.periods[last]:%Y-%m-%d}"))
    return sorted(result, key=lambda row: (-row[1], row[0]))


def _longest_gap(there: np.ndarray) -> int:
    """Return the most periods in a row without a row, between two that have one."""
    index = np.flatnonzero(there)
    return int(np.diff(index).max()) - 1 if len(index) > 1 else 0


def _holes(there: np.ndarray, n_groups: int, least_present: float = 0.0) -> list[tuple[int, int]]:
    """Return (first, end) of gaps between rows that would hardly come by chance, given the periods outside of each gap."""
    index = np.flatnonzero(there)
    if len(index) < 2:
        return []
    gaps = np.diff(index) - 1
    n_other = index[-1] - index[0] + 1 - gaps
    present = len(index) / n_other
    rate = np.minimum(present, 1 - 1 / (n_other + 2))
    is_rare = -gaps * np.log1p(-rate) > np.log(_RARITY * n_groups * len(there))
    is_hole = is_rare & (n_other >= _FEWEST_KNOWN) & (present >= least_present)
    return [(int(index[place]) + 1, int(index[place + 1])) for place in np.flatnonzero(is_hole)]


def _hole_warnings(inputs: ValidInputs, recent: _Recent) -> Iterator[InputWarning]:
    """Yield a warning about holes that ended lately: of regions, else of groups of SKUs, else of SKUs, else of series.

    A period without any row is no hole. Regions and groups need rows in most periods outside of the hole, and so do SKUs and
    series, which also need a longer hole.
    """
    days = inputs.settings.grid.days
    for kind, counted in _counted(inputs, recent).items():
        if counted and (rows := _holes_of(counted, days, 1)):
            yield _missing(kind, rows, f"load them again; {_CLOSED}")
            return
    for kind, counted in _interrupted(recent, _SHORTEST_HOLE[days]):
        if rows := _holes_of(counted, days, _SHORTEST_HOLE[days]):
            yield _missing(kind, rows, "load them again; where it was not on sale, give rows with in_stock_rate 0")
            return


def _holes_of(counted: _Counts, period_days: int, shortest: int) -> list[str]:
    """Return a clause for each hole of at least ``shortest`` periods, longest first, that ended lately."""
    is_sold = np.asarray(counted.is_sold)
    days = counted.periods[is_sold]
    holes = [
        (first - end, name, f"{days[first]:%Y-%m-%d} to {days[end - 1]:%Y-%m-%d}")
        for name, there in zip(counted.names, counted.rows[:, is_sold] > 0, strict=True)
        for first, end in _holes(there, counted.n_groups, _MOST_PRESENT)
        if end - first >= shortest and len(days) - end <= _HOLE_REPORTED[period_days]
    ]
    return [f"{name} has no row for {_long(-length, period_days)}, {span}" for length, name, span in sorted(holes)]


def _interrupted(recent: _Recent, shortest: int) -> Iterator[tuple[str, _Counts]]:
    """Yield the rows of the SKUs, and of the series, that lack at least ``shortest`` periods between their first and last row."""
    for kind, codes, names in _skus_and_series(recent):
        n_codes = len(names)
        known = codes >= 0
        first, last = np.full(n_codes, len(recent.periods)), np.full(n_codes, -1)
        np.minimum.at(first, codes[known], recent.period[known])
        np.maximum.at(last, codes[known], recent.period[known])
        present = np.bincount(codes[known], minlength=n_codes)
        if kind == "sku":  # a SKU has a row per region: count its periods
            pairs = np.unique(codes[known] * len(recent.periods) + recent.period[known])
            present = np.bincount(pairs // len(recent.periods), minlength=n_codes)
        lacking = np.flatnonzero((last - first + 1 - present >= shortest) & (last >= 0))
        counted = _counts(*_only(lacking, codes, names), recent, int((last >= 0).sum()))
        if counted:
            yield kind, counted


def _only(kept: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return the codes of the groups ``kept``, counted from 0 (−1: none of them), and their names."""
    place = np.full(len(names) + 1, -1)
    place[kept] = np.arange(len(kept))
    return place[codes], [names[index] for index in kept]


class _SeriesNames(Sequence[str]):
    """Names of the series by code, built on demand: there may be millions."""

    def __init__(self, skus: list[str], regions: list[str]) -> None:
        self.skus, self.regions = skus, regions

    def __len__(self) -> int:
        return len(self.skus) * len(self.regions)

    def __getitem__(self, code: Any) -> Any:
        sku, region = divmod(int(code), len(self.regions))
        return f"{self.skus[sku]} in {self.regions[region]}"


def _skus_and_series(
    recent: _Recent, left_out: Set[str] = frozenset()
) -> Iterator[tuple[str, np.ndarray, Sequence[str]]]:
    """Yield ``sku`` and ``series`` with the code of each row (−1: null, or a SKU ``left_out``) and the names of the codes."""
    (region, regions), (sku, skus) = _coded(recent.sales["region"]), _coded(recent.sales["sku"])
    sku = np.where(np.array([*(name in left_out for name in skus), True])[sku], -1, sku).astype("int64")
    yield "sku", sku, skus
    series = np.where((sku >= 0) & (region >= 0), sku * len(regions) + region, -1)
    yield "series", series, _SeriesNames(skus, regions)


def _ended(inputs: ValidInputs, recent: _Recent) -> Iterator[InputWarning]:
    """Yield a warning about SKUs, else about dense series, that ended although ``skus`` does not say so."""
    days = inputs.settings.grid.days
    for kind, codes, names in _skus_and_series(recent, _announced_ends(inputs)):
        last = np.full(len(names), -1)
        np.maximum.at(last, codes[codes >= 0], recent.period[codes >= 0])
        ended = np.flatnonzero((last >= 0) & (last < len(recent.periods) - _ENDED_AFTER))
        counted = _counts(*_only(ended, codes, names), recent, int((last >= 0).sum()))
        least = _MOST_PRESENT if kind == "series" else 0.0
        result = _silent(counted, _BASELINE[days], _ENDED_AFTER, least) if counted else []
        if result:
            yield _silence(kind, result, days, _NO_LONGER_SOLD[kind])
            return


def _announced_ends(inputs: ValidInputs) -> set[str]:
    """Return the SKUs that ``skus`` says end: delisted, or replaced by another."""
    if not inputs.has("skus", "sku"):
        return set()
    return {*inputs.texts("skus", "sku")[~inputs.empty("skus", "delist_date")], *inputs.texts("skus", "replaces")}


def _long(n_periods: int, period_days: int) -> str:
    return counted_noun(n_periods, "day" if period_days == 1 else "week")


def _silence(kind: str, counts: list[tuple[str, int, str]], period_days: int, otherwise: str) -> InputWarning:
    rows = [f"{name} has no row for {_long(silence, period_days)}, since {day}" for name, silence, day in counts]
    return _missing(kind, rows, f"load their sales; where {otherwise}")


def _missing(kind: str, rows: list[str], remedy: str) -> InputWarning:
    parts = ", ".join(rows[:KEYS_SHOWN]) + (f" and {len(rows) - KEYS_SHOWN:,} more" if len(rows) > KEYS_SHOWN else "")
    text = f"{kind} {parts}; what is missing counts as nothing sold"
    return InputWarning("sales", "region" if kind == "region" else "sku", text, remedy, is_incomplete=True)
