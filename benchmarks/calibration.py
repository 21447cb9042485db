"""Measure the demand distribution: coverage by randomized PIT and pinball loss, on data folders and generated data.

    python -m benchmarks.calibration --data DIR [--sets demo m5 m5_totals vn2 fresh regular …] [--development] [--keep FOLDER]

DIR contains one folder of input tables per data set. A small model forecasts every set from four forecast origins; ``--development``
takes earlier ones, on which methods are chosen. M5 is cut to every tenth SKU, ``m5_totals`` are its 70 region × department series, and
``fresh`` is cut to every sixth region. The last four sets are generated. ``--keep`` stores the means and the calibration rows of each
training, so that a later call with the same folder measures a changed distribution on the same means without training. The benchmark
prints one row per set and kind of sum, each figure the mean over the origins: pinball loss ÷ mean demand, its ratio to that of the
historical quantiles of each series over the last six weeks (weekly data: 26 weeks), bias, coverage by randomized PIT at each level, the
largest error of a coverage, and the largest one in a volume class. Volume classes are thirds of the rows by mean.
"""

from __future__ import annotations

import argparse
import pickle
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.calibration_worlds import WORLDS, generated
from benchmarks.vn2_tables import read_tables
from features import build_panel, forecast_matrix, training_set
from foundation.configuration import load_settings
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings, quantile_columns
from models import train
from models.backtest.metrics import randomized_pit
from models.calibration import calibrate
from models.demand_model import DemandModel
from models.predict import forecast_around, means
from models.variance import History

HERE = Path(__file__).resolve().parent
_M5 = ("2016-03-14", "2016-03-28", "2016-04-11", "2016-04-25")
ORIGINS = {
    "demo": _M5, "m5": _M5, "m5_totals": _M5, "vn2": ("2023-09-04", "2023-10-30", "2023-12-25", "2024-02-12"),
    "fresh": ("2024-06-05", "2024-06-07", "2024-06-10", "2024-06-12"),
} | dict.fromkeys(WORLDS, ("2023-09-04", "2023-10-02", "2023-10-30", "2023-11-27"))  # fmt: skip
# No horizon of these reaches into one of the above.
DEVELOPMENT = {
    "demo": ("2015-11-23", "2016-01-18", "2016-02-15"), "m5": ("2016-02-01", "2016-02-15"),
    "m5_totals": ("2015-06-01", "2015-09-14", "2015-11-23", "2016-01-18", "2016-02-15"),
    "vn2": ("2022-10-03", "2023-01-30", "2023-05-29"), "fresh": ("2024-05-08", "2024-05-15", "2024-05-22"),
} | dict.fromkeys(WORLDS, ("2023-06-12", "2023-07-10", "2023-08-07"))  # fmt: skip
_SMALLER = [
    "forecast.lightgbm.trees=60",
    "forecast.lightgbm.num_leaves=31",
    "forecast.lightgbm.learning_rate=0.12",
    "forecast.threads=1",
]


@dataclass(frozen=True)
class Evidence:
    """Data for fitting and scoring the distribution at one forecast origin.

    Attributes
    ----------
    rows : calibration rows with `mean` and `actual`, as ``models.calibration.calibrate`` takes them.
    matrix : the forecast matrix without its values.
    mean : float (n_rows), mean units of each row of ``matrix``.
    actual : float (n_rows), units demanded, NaN where unknown.

    """

    rows: pd.DataFrame
    matrix: FeatureMatrix
    mean: np.ndarray
    actual: np.ndarray


def settings_of(name: str) -> Settings:
    """Return the settings for a data set."""
    if name in WORLDS:
        trees = {"trees": 60, "num_leaves": 15, "min_data_in_leaf": 50}
        small = {"lightgbm": trees, "window_days": (7, 14, 28), "threads": 1}
        return Settings.model_validate({"name": name, "horizon": 28, "forecast": small,
                                        "series": {"hierarchy": ("category",)}})  # fmt: skip
    if name == "m5_totals":
        return load_settings(HERE.parent / "configs" / "m5.yaml", [*_SMALLER, 'series.hierarchy=["category"]'])
    return load_settings(HERE.parent / "configs" / f"{name}.yaml", _SMALLER)


def tables_of(name: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Return the input tables of a set, cut to a size that trains in about a minute."""
    if name in WORLDS:
        return generated(name)
    if name == "m5_totals":
        return _totals(folder / "m5")
    have = [path.stem for path in sorted((folder / name).glob("*.parquet"))]
    requested = ("sales", "skus", "regions", "regional", "calendar", "prices")
    tables = read_tables(folder / name, tuple(table for table in requested if table in have))
    if name == "m5":
        tables = _only(tables, "sku", sorted(tables["skus"]["sku"])[::10])
        regional = tables["regional"]
        tables["regional"] = regional[[column for column in regional if not column.startswith("units_")]]
    if name == "fresh":
        tables = _only(tables, "region", sorted(tables["regions"]["region"])[::6])
    return tables


def _totals(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of the totals of region × department as series, with all their history."""
    tables = read_tables(folder, ("regions", "regional", "calendar"))
    regional = tables["regional"]
    units = [column for column in regional if column.startswith("units_")]
    sales = regional.melt(["date", "region"], units, "sku", "units_sold").dropna()
    sales["sku"] = sales["sku"].str.removeprefix("units_")
    skus = pd.DataFrame({"sku": sorted(sales["sku"].unique())})
    skus["category"] = skus["sku"].str.rsplit("_", n=1).str[0]
    return tables | {"sales": sales, "skus": skus, "regional": regional.drop(columns=units)}


def _only(tables: dict[str, pd.DataFrame], column: str, keys: list[str]) -> dict[str, pd.DataFrame]:
    return {name: frame[frame[column].isin(keys)] if column in frame else frame for name, frame in tables.items()}


def evidence(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> Evidence:
    """Train at ``as_of`` and return the data for fitting and scoring the distribution."""
    today = pd.Timestamp(as_of)
    known = tables | {"sales": tables["sales"][tables["sales"]["date"] < today]}
    if "regional" in tables:
        regional, ahead = tables["regional"], ("date", "region", *settings.series.known_in_advance)
        observed = [name for name in regional if name not in ahead]
        known["regional"] = regional.assign(
            **{name: regional[name].where(regional["date"] < today) for name in observed}
        )
    rows: list[pd.DataFrame] = []

    def keep(given: pd.DataFrame, *rest: Any) -> dict[str, Any]:
        rows.append(given.copy())
        return calibrate(given, *rest)

    panel = build_panel(known, settings, as_of)
    with mock.patch("models.training.calibrate", keep):
        model = train(training_set(panel, settings), settings, as_of)
    matrix = forecast_matrix(panel, settings)
    mean = means(model, matrix, settings.forecast.threads)
    return Evidence(
        rows[-1], replace(matrix.without_values(), totals=None), mean, _actual(tables, settings, as_of, matrix)
    )


def _actual(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date, matrix: FeatureMatrix) -> np.ndarray:
    """Return the actual demand of the rows of ``matrix``, from the panel one horizon later."""
    later = as_of + timedelta(days=settings.horizon * settings.grid.days)
    known = {name: tables[name] for name in ("skus", "regions")}
    known["sales"] = tables["sales"][tables["sales"]["date"] < pd.Timestamp(later)]
    panel = build_panel(known, settings, later)
    place = pd.MultiIndex.from_frame(panel.series[["region", "sku"]].astype(str)).get_indexer(
        pd.MultiIndex.from_frame(matrix.series[["region", "sku"]].astype(str))
    )
    ahead = np.append(panel.demand[:, panel.n_history - settings.horizon : panel.n_history],
                      np.full((1, settings.horizon), np.nan, np.float32), axis=0)  # fmt: skip
    return ahead[place][matrix.series_code, matrix.step - 1].astype(float)


def judge(kept: Evidence, settings: Settings, as_of: date) -> list[dict[str, Any]]:
    """Return one row of figures per kind of sum: periods and the shortest and longest window."""
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    calibration = calibrate(kept.rows, settings, _histories(kept, settings, as_of))
    facts = {"kind": "law", "category": category, "calibration": calibration}
    frames = forecast_around(DemandModel("law", as_of, (), facts), kept.matrix, kept.mean, settings, as_of)
    levels, days, past = settings.forecast.quantiles, settings.grid.days, kept.matrix.past
    assert past is not None  # noqa: S101  (forecast matrices have it)
    reference = historical_quantiles(past, 1, levels, days)[kept.matrix.series_code]
    result = [{"sum": "period"} | figures(kept.actual, frames["forecast"], reference, levels)]
    by_step = kept.actual.reshape(-1, settings.horizon)
    code = kept.matrix.series_code[:: settings.horizon]
    first = kept.matrix.series.iloc[code][["region", "sku"]].astype(str)
    for window in (min(settings.forecast.window_days), max(settings.forecast.window_days)):
        rows = frames["forecast_window"].query("window_days == @window").set_index(["region", "sku"])
        total = by_step[:, : window // days].sum(axis=1)
        reference = historical_quantiles(past, window // days, levels, days)[code]
        ours = rows.reindex(pd.MultiIndex.from_frame(first))
        result.append({"sum": f"{window} days"} | figures(total, ours, reference, levels))
    return result


def _histories(kept: Evidence, settings: Settings, as_of: date) -> dict[pd.Timestamp, History]:
    """Return the figures of the series' demand before each calibration origin."""
    past, days = kept.matrix.past, settings.grid.days
    if past is None:
        return {}
    length = {
        pd.Timestamp(origin): (pd.Timestamp(as_of) - origin).days // days for origin in kept.rows["origin"].unique()
    }
    return {origin: History.of(past[:, : past.shape[1] - periods], days) for origin, periods in length.items()}


def figures(
    actual: np.ndarray, forecast: pd.DataFrame, reference: np.ndarray, levels: tuple[float, ...]
) -> dict[str, float]:
    """Return pinball loss over mean demand, that of ``reference`` quantiles, bias, and randomized coverage by level and volume class.

    ``forecast`` has the mean and quantiles of each row of ``actual`` (n_rows, NaN where unknown), ``reference`` is (n_rows, n_levels).
    """
    mean = forecast["mean_units"].to_numpy()
    known = np.isfinite(actual) & (mean > 0)
    y, m, q = actual[known], mean[known], forecast[quantile_columns(levels)].to_numpy()[known]
    result = {
        "pinball": pinball(y, q, levels),
        "reference": pinball(y, reference[known], levels),
        "bias": float(m.sum() / y.sum() - 1),
    }
    pit = randomized_pit(y, q, levels, np.random.default_rng(1))
    third = np.searchsorted(np.quantile(m, [1 / 3, 2 / 3]), m, "right")
    for level in levels:
        result[f"{level:g}"] = float((pit <= level).mean())
        result |= {f"{level:g} class {k}": float((pit[third == k] <= level).mean()) for k in np.unique(third)}
    return result


def pinball(actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> float:
    """Return the mean pinball loss of ``quantiles`` (n_rows, n_levels) ÷ mean of ``actual`` (n_rows)."""
    tau, over = np.array(levels), actual[:, None] - quantiles
    return float(np.maximum(tau * over, (tau - 1) * over).mean() / actual.mean())


def historical_quantiles(past: np.ndarray, periods: int, levels: tuple[float, ...], days: int) -> np.ndarray:
    """Return the quantiles (n_series, n_levels) of each series' sums of ``periods`` in its last six (weekly data: 26) weeks."""
    recent = past[:, -(42 if days == 1 else 26) :].astype(float)
    sums = np.lib.stride_tricks.sliding_window_view(recent, min(periods, recent.shape[1]), axis=1).sum(axis=2)
    sums = np.where(np.isfinite(sums).any(axis=1, keepdims=True), sums, 0.0)
    return np.asarray(np.nanquantile(sums, levels, axis=1).T)


def summary(rows: pd.DataFrame, levels: tuple[float, ...]) -> dict[str, str]:
    """Return the figures of one kind of sum over its origins, one row each."""
    mean = rows.drop(columns="sum").mean()
    off = {level: [mean[c] - level for c in mean.index if c.startswith(f"{level:g} class")] for level in levels}
    worst = max(abs(one) for values in off.values() for one in values)
    cells = {"pinball": f"{mean['pinball']:.4f}", "to historical quantiles": f"{mean['pinball'] / mean['reference'] - 1:+.1%}",
             "bias": f"{mean['bias']:+.1%} ± {rows['bias'].std():.1%}"}  # fmt: skip
    cells |= {f"{level:g}": f"{mean[f'{level:g}']:.3f}" for level in levels}
    off_most = max(abs(mean[f"{level:g}"] - level) for level in levels)
    return cells | {"largest error": f"{off_most:.3f}", "in a class": f"{worst:.3f}"}


def main() -> None:
    """Measure every set and print one row per set and kind of sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder of tables per data set")
    parser.add_argument("--sets", nargs="*", default=list(ORIGINS), choices=list(ORIGINS), help="data sets to measure")
    parser.add_argument("--as-of", nargs="*", help="forecast origins, each a date; default: four of each set")
    parser.add_argument(
        "--development", action="store_true", help="take the earlier origins, on which methods are chosen"
    )
    parser.add_argument("--keep", type=Path, help="folder that keeps means and calibration rows between calls")
    args = parser.parse_args()
    for name in args.sets:
        settings, tables, rows = settings_of(name), None, []
        for text in args.as_of or (DEVELOPMENT if args.development else ORIGINS)[name]:
            path = args.keep / f"{name}_{text}.pickle" if args.keep else None
            if path is not None and path.exists():
                kept = pickle.loads(path.read_bytes())  # noqa: S301 - written by this script
            else:
                tables = tables or tables_of(name, args.data)
                kept = evidence(tables, settings, date.fromisoformat(text))
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(pickle.dumps(kept))
            rows += judge(kept, settings, date.fromisoformat(text))
        for kind, of_kind in pd.DataFrame(rows).groupby("sum", sort=False):
            cells = {"set": name, "sum": str(kind)} | summary(of_kind, settings.forecast.quantiles)
            if kind == "period":
                print("| " + " | ".join(cells) + " |", flush=True)
            print("| " + " | ".join(cells.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
