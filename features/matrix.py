"""Feature matrices: rows of a panel, with the features of the families in use.

The rows are forecast origins, and the series and steps of each; those for fitting are a sample. Every block of rows belongs to
one forecast origin and is computed from a ``View`` of it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from features.family import FeatureFamily, families_in_use
from features.panel import Panel, categories
from features.panel_builder import total_settings
from features.view import Columns, View
from foundation.errors import InputError, nearest
from foundation.level_shift import LevelShifts, find_shifts
from foundation.matrix import FeatureMatrix, TotalHistory, TotalMatrix, TrainingSet
from foundation.settings import Settings
from foundation.training_budget import affordable_rows

log = logging.getLogger(__name__)

_SLAB_ROWS = 2048
VIEW_SERIES = 8192  # of one view: what it keeps is big
_TOTAL_ROWS = 60_000
_REFUSED_BY_LIGHTGBM = str.maketrans(dict.fromkeys('",:[]{}', "_"))
# Origins for fitting are 8 days apart in the last 16 weeks and 27 days before that. Both are coprime with 7, so that the step
# does not determine the weekday. Weekly data use every week.
_RECENT_DAYS = 112
_CALIBRATION_ROWS = 1_500_000
_SPACING = {1: (8, 27), 7: (1, 1)}


@dataclass(frozen=True)
class Rows:
    """Rows of one forecast origin.

    Attributes
    ----------
    origin
        Column of the origin in the panel: everything before it is known.
    series
        Series codes, int32 (n_rows).
    period
        Columns of the target periods, int32 (n_rows).

    """

    origin: int
    series: np.ndarray
    period: np.ndarray

    def head(self) -> Rows:
        """Return the first row alone."""
        return Rows(self.origin, self.series[:1], self.period[:1])


def forecast_rows(panel: Panel) -> list[Rows]:
    """Return every series × period of the horizon at ``as_of``."""
    return [every_row(panel, panel.n_history, panel.n_history + panel.horizon)]


def calibration_rows(panel: Panel, settings: Settings) -> list[Rows]:
    """Return every series × known period at the out-of-sample origins.

    The origins divide the last horizon before ``as_of``, or the later half of a history shorter than two horizons: with a
    horizon of 28 and 4 origins, they are 28, 21, 14 and 7 periods before ``as_of``, and the targets of each end there. With
    many series, there are fewer origins: beyond two, no more than 1.5 million rows need.
    """
    enough = max(2 * _CALIBRATION_ROWS // (panel.n_series * panel.horizon) - 1, 2)
    reach = min(panel.horizon, max(panel.n_history // 2, 1))
    count = min(settings.forecast.calibration_origins, reach, enough)
    back = sorted({round(reach * (k + 1) / count) for k in range(count)}, reverse=True)
    return [every_row(panel, panel.n_history - b, panel.n_history) for b in back]


def fit_rows(panel: Panel, settings: Settings, share: float) -> list[Rows]:
    """Return a random ``share`` of the known targets of the training origins, fixed by the seed.

    Rows whose target lies after a level shift that is unknown at their origin are left out.
    """
    drawn, shifts = [], find_shifts(panel.demand, panel.frequency.days)
    for origin in fit_origins(panel, settings):
        steps = min(panel.horizon, panel.n_history - origin)
        draw = np.random.default_rng([settings.forecast.seed, panel.n_history - origin])
        chosen = draw.random((panel.n_series, steps), dtype=np.float32) < share
        chosen &= np.isfinite(panel.demand[:, origin : origin + steps])
        chosen &= ~crosses(
            shifts, np.arange(panel.n_series)[:, None], origin, np.arange(origin, origin + steps)[None, :]
        )
        series, step = np.nonzero(chosen)
        drawn.append(Rows(origin, series.astype(np.int32), (origin + step).astype(np.int32)))
    return [rows for rows in drawn if len(rows.series)]


def crosses(shifts: LevelShifts, series: np.ndarray, origin: np.ndarray | int, period: np.ndarray) -> np.ndarray:
    """Return where a series shifts between an origin and a target, bool of the arguments' common shape.

    Parameters
    ----------
    shifts
        Level shifts of the series.
    series, origin, period : int array
        Series, column of the forecast origin, and column of the target; the three broadcast together.
    """
    start = shifts.start[series]
    return (start > origin) & (start <= period)


def available_rows(panel: Panel, settings: Settings) -> int:
    """Return how many rows ``fit_rows`` would give with a share of 1."""
    known = np.isfinite(panel.demand).sum(axis=0)
    horizon = panel.horizon
    return int(sum(known[origin : origin + horizon].sum() for origin in fit_origins(panel, settings)))


def fit_origins(panel: Panel, settings: Settings) -> list[int]:
    """Return the columns of the training origins, latest first."""
    dense, wide = _SPACING[panel.frequency.days]
    oldest = max(panel.n_history - panel.days(settings.forecast.history_days), 1)
    recent = max(panel.n_history - panel.days(_RECENT_DAYS), oldest)
    first = panel.n_history - max(dense // 2, 1)
    origins = list(range(first, recent, -dense))
    return origins + list(range((origins[-1] if origins else first) - wide, oldest - 1, -wide))


def every_row(panel: Panel, origin: int, end: int) -> Rows:
    """Return every series × period from the column ``origin`` to before the column ``end``."""
    series = np.repeat(np.arange(panel.n_series, dtype=np.int32), end - origin)
    return Rows(origin, series, np.tile(np.arange(origin, end, dtype=np.int32), panel.n_series))


@dataclass(frozen=True)
class _Calibration:
    """The matrices of the out-of-sample origins; each iteration builds them again, one at a time, because they are large."""

    panel: Panel
    settings: Settings
    blocks: list[Rows]

    def __iter__(self) -> Iterator[FeatureMatrix]:
        return (_whole(self.panel, self.settings, [block], True) for block in self.blocks)


@dataclass(frozen=True)
class _Fit:
    """The matrix to fit; a call builds it, because it is the largest of all."""

    panel: Panel
    settings: Settings
    blocks: list[Rows]

    def __call__(self) -> FeatureMatrix:
        matrix = _matrix(self.panel, self.settings, self.blocks)
        return replace(matrix, totals=_fit_totals(self.panel, self.settings))


@dataclass(frozen=True)
class _Named:
    names: tuple[str, ...]
    families: tuple[str, ...]
    drivers: tuple[str, ...]


def training_set(panel: Panel, settings: Settings) -> TrainingSet:
    """Return the rows to fit and to calibrate on; every target lies before the panel's ``as_of``.

    Raises ``InputError`` when the history is too short to hold a single training row.
    """
    available = available_rows(panel, settings)
    if available == 0:
        raise InputError("sales: no training row; the history is too short or nothing was ever in stock")
    rows, given_up = affordable_rows(settings.forecast, available)
    fit = fit_rows(panel, settings, rows / available)
    unknown = tuple(_unknown_features(panel, settings, fit[0]))
    for sentence in unknown:
        log.warning("%s", sentence)
    blocks = calibration_rows(panel, settings)
    start = min((rows.origin for rows in blocks), default=panel.n_history)
    return TrainingSet(
        fit=_Fit(panel, settings, fit), calibration=_Calibration(panel, settings, blocks),
        calibration_start=panel.periods[start], demand=panel.demand,
        periods=panel.periods[: panel.n_history], given_up=given_up, unknown_features=unknown,
    )  # fmt: skip


def forecast_matrix(panel: Panel, settings: Settings, *, has_values: bool = True) -> FeatureMatrix:
    """Return every series × period of the horizon, without targets; without ``has_values``, also without the values of features."""
    return _whole(panel, settings, forecast_rows(panel), has_target=False, has_values=has_values)


def part_matrix(panel: Panel, settings: Settings) -> FeatureMatrix:
    """Return every series × period of the horizon of a part of a panel, without totals."""
    return _matrix(panel, settings, forecast_rows(panel), has_target=False)


def is_by_series(settings: Settings) -> bool:
    """Return whether features can be computed for parts of a panel: no family in use reads other series, except through groups."""
    return settings.grid.days == 1 and all(family.is_by_series for family in families_in_use(settings).values())


def _whole(
    panel: Panel, settings: Settings, blocks: list[Rows], has_target: bool, has_values: bool = True
) -> FeatureMatrix:
    """Return the matrix of all rows of one origin, with the rows of the totals."""
    matrix = _matrix(panel, settings, blocks, has_target, has_values)
    matrix = replace(matrix, past=panel.demand[:, : blocks[0].origin])
    if has_target:
        shifts = find_shifts(panel.demand, panel.frequency.days)
        unknowable = crosses(shifts, blocks[0].series, blocks[0].origin, blocks[0].period)
        matrix = replace(matrix, target=np.where(unknowable, np.float32(np.nan), matrix.target))
    if panel.external is not None:
        shape = (panel.n_series, int(matrix.step.max()))
        origin = blocks[0].origin
        matrix = replace(matrix, external=panel.external.known_on(panel.periods[origin], origin, shape))
    if panel.totals is None:
        return matrix
    end = blocks[0].period.max() + 1 - panel.n_history
    totals = panel.totals.panel
    origin, end = blocks[0].origin - panel.n_history + totals.n_history, end + totals.n_history
    described = _totals(panel, settings, [every_row(totals, origin, end)], has_target)
    return replace(matrix, totals=replace(described, history=_total_history(totals, origin, end)))


def _fit_totals(panel: Panel, settings: Settings) -> TotalMatrix | None:
    """Return a sample of the totals' training rows, or None without totals."""
    if panel.totals is None or not panel.totals.is_covered.any():
        return None
    totals = panel.totals.panel
    requested = total_settings(settings, totals.hierarchy[0])
    share = min(1.0, _TOTAL_ROWS / max(available_rows(totals, requested), 1))
    return _totals(panel, settings, fit_rows(totals, requested, share), has_target=True)


def _totals(panel: Panel, settings: Settings, blocks: list[Rows], has_target: bool) -> TotalMatrix:
    assert panel.totals is not None  # noqa: S101  (the callers check it)
    totals = panel.totals
    code = np.where((totals.code >= 0) & totals.is_covered[totals.code], totals.code, -1).astype(np.int32)
    requested = total_settings(settings, totals.panel.hierarchy[0])
    return TotalMatrix(_matrix(totals.panel, requested, blocks, has_target), totals.scale, code)


def _total_history(totals: Panel, origin: int, end: int) -> TotalHistory:
    """Return what is known of the panel of totals at the column ``origin`` about the periods before the column ``end``."""
    flags = [totals.regional[name][:, :end] for name in totals.known_in_advance]
    shape = (0, len(totals.regions), end)
    return TotalHistory(
        demand=totals.demand[:, :origin], periods=totals.periods[:end], event=totals.events.event[:, :end],
        flags=np.stack(flags) if flags else np.empty(shape, np.float32), region=totals.region_code,
        kind=np.unique(totals.series["sku"].to_numpy(str), return_inverse=True)[1].astype(np.int32),
    )  # fmt: skip


def _matrix(
    panel: Panel, settings: Settings, blocks: list[Rows], has_target: bool = True, has_values: bool = True
) -> FeatureMatrix:
    ends = np.cumsum([len(block.series) for block in blocks])
    named, values, history = _fill(panel, settings, blocks, ends, has_values)
    series = np.concatenate([block.series for block in blocks])
    period = np.concatenate([block.period for block in blocks])
    origin = np.repeat([block.origin for block in blocks], np.diff(ends, prepend=0))
    target = panel.demand[series, period] if has_target else np.empty(0, np.float32)
    return FeatureMatrix(
        values=values, names=named.names, families=named.families, drivers=named.drivers, categories=_categories(panel, named.names),
        series=panel.series, series_code=series, origin=panel.periods[origin], date=panel.periods[period],
        step=(period - origin + 1).astype(np.int16),
        is_sold=~panel.is_closed[period] & (period < panel.last_period[series]), history=history,
        target=target, weight=np.ones(len(target), np.float32),
    )  # fmt: skip


def _fill(
    panel: Panel, settings: Settings, blocks: list[Rows], ends: np.ndarray, has_values: bool
) -> tuple[_Named, np.ndarray, np.ndarray]:
    """Return the names, the values (n_rows, n_features) and the known periods before each row's origin.

    Parts are filled by ``forecast.threads`` threads at once; each writes different rows, so their order does not matter.
    """
    parts = list(_parts(blocks, ends))
    if not parts:
        return _Named((), (), ()), np.empty((0, 0), np.float32), np.empty(0, np.int32)
    used = families_in_use(settings)
    named = _named(_computed(_view(panel, parts[0][0].head()), used, settings), used)
    values = np.empty((ends[-1] if has_values else 0, len(named.names)), np.float32)
    history = np.empty(ends[-1], np.int32)

    def fill(part: Rows, rows: slice) -> None:
        view = _view(panel, part)
        history[rows] = view.past.known(panel.days(364))[view.row]
        if not has_values:
            return
        result = _computed(view, used, settings)
        _interleave([column for columns in result.values() for column in columns.values()], values[rows])

    with ThreadPoolExecutor(settings.forecast.threads) as pool:
        list(pool.map(lambda part: fill(*part), parts))
    return named, values, history


def _view(panel: Panel, part: Rows) -> View:
    members, row = np.unique(part.series, return_inverse=True)
    return View(panel, part.origin, members.astype(np.int32), row.astype(np.int32), part.period)


def _computed(view: View, used: dict[str, FeatureFamily], settings: Settings) -> dict[str, Columns]:
    """Return the features of every family in use, without those to ignore, each an array (n_rows)."""
    ignored = settings.forecast.ignored_features
    result: dict[str, Columns] = {name: family.compute(view) for name, family in used.items()}
    if not ignored:
        return result
    return {
        family: {name: column for name, column in columns.items() if name not in ignored}
        for family, columns in result.items()
    }


def _unknown_features(panel: Panel, settings: Settings, block: Rows) -> Iterator[str]:
    """Yield a sentence per ignored feature that does not exist: it is misspelled, or its table is not provided."""
    ignored = settings.forecast.ignored_features
    if not ignored:
        return
    everything = settings.forecast.model_copy(update={"ignored_features": ()})
    all_features = settings.model_copy(update={"forecast": everything})
    result = _computed(_view(panel, block.head()), families_in_use(settings), all_features)
    known = [name for columns in result.values() for name in columns]
    for name in ignored:
        if name not in known:
            yield f"forecast.ignored_features: there is no feature {name!r}{nearest(name, known)}"


def _parts(blocks: list[Rows], ends: np.ndarray) -> Iterator[tuple[Rows, slice]]:
    """Yield the blocks in parts of at most ``VIEW_SERIES`` series, each with the rows it fills."""
    for block, end in zip(blocks, ends, strict=True):
        bounds = np.searchsorted(block.series, np.arange(0, block.series[-1] + 1, VIEW_SERIES))
        first = end - len(block.series)
        for low, high in itertools.pairwise([*bounds, len(block.series)]):
            if high > low:
                part = Rows(block.origin, block.series[low:high], block.period[low:high])
                yield part, slice(first + low, first + high)


def _interleave(columns: list[np.ndarray], values: np.ndarray) -> None:
    """Write ``columns`` (n_rows) into ``values`` (n_rows, n_columns), a slab that fits the cache at a time."""
    for start in range(0, len(values), _SLAB_ROWS):
        rows = slice(start, start + _SLAB_ROWS)
        values[rows] = np.stack([column[rows] for column in columns], axis=1)


def _named(computed: dict[str, Columns], used: dict[str, FeatureFamily]) -> _Named:
    """Return the features' names; a name that an earlier family has is followed by the name of its family.

    LightGBM reads blanks as underscores and refuses some characters; names differ even after that.
    """
    pairs = [(name, family) for family, columns in computed.items() for name in columns]
    names: list[str] = []
    used_names: set[str] = set()
    for name, family in pairs:
        unique = name.translate(_REFUSED_BY_LIGHTGBM)
        while unique.replace(" ", "_") in used_names:
            unique = f"{unique} ({family})"
        used_names.add(unique.replace(" ", "_"))
        names.append(unique)
    drivers = tuple(used[family].driver_of(name) for name, family in pairs)
    return _Named(tuple(names), tuple(family for _, family in pairs), drivers)


def _categories(panel: Panel, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    texts = {name: categories(panel.series[name]) for name in ("region", *panel.hierarchy)}
    texts |= dict.fromkeys(("event", "next_event", "last_event"), panel.events.names)
    texts["event_type"] = panel.events.types
    return {name: texts[name] for name in names if name in texts}
