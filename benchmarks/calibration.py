"""Measure the demand distribution: coverage by randomized PIT and pinball loss, on data folders and generated data.

    python -m benchmarks.calibration --data DIR [--sets demo m5 vn2 fresh regular large fractional sparse] [--keep FOLDER]

DIR contains one folder of input tables per data set. A small model forecasts every set from three forecast origins. M5 is cut to every
tenth SKU, and ``fresh`` to every sixth region. The last four sets are generated. ``--keep`` stores the means and the calibration rows
of each training, so that a later call with the same folder measures a changed distribution on the same means without training. The
benchmark prints one row per set and kind of sum: mean ± standard deviation over the origins. Volume classes are thirds of the rows by
mean.
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
ORIGINS = {
    "demo": ("2016-02-29", "2016-03-28", "2016-04-25"),
    "m5": ("2016-02-29", "2016-03-28", "2016-04-25"),
    "vn2": ("2023-09-04", "2023-12-25", "2024-02-12"),
    "fresh": ("2024-05-29", "2024-06-05", "2024-06-12"),
} | dict.fromkeys(WORLDS, ("2023-10-02", "2023-10-30", "2023-11-27"))
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
    return load_settings(HERE.parent / "configs" / f"{name}.yaml", _SMALLER)


def tables_of(name: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Return the input tables of a set, cut to a size that trains in about a minute."""
    if name in WORLDS:
        return generated(name)
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
    names = quantile_columns(settings.forecast.quantiles)
    levels = settings.forecast.quantiles
    period = frames["forecast"]
    result = [{"sum": "period"} | figures(kept.actual, period["mean_units"], period[names].to_numpy(), levels)]
    by_step = kept.actual.reshape(-1, settings.horizon)
    first = kept.matrix.series.iloc[kept.matrix.series_code[:: settings.horizon]][["region", "sku"]].astype(str)
    for window in (min(settings.forecast.window_days), max(settings.forecast.window_days)):
        rows = frames["forecast_window"].query("window_days == @window").set_index(["region", "sku"])
        rows = rows.reindex(pd.MultiIndex.from_frame(first))
        total = by_step[:, : window // settings.grid.days].sum(axis=1)
        result.append({"sum": f"{window} days"} | figures(total, rows["mean_units"], rows[names].to_numpy(), levels))
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


def figures(actual: np.ndarray, mean: pd.Series, quantiles: np.ndarray, levels: tuple[float, ...]) -> dict[str, float]:
    """Return pinball loss over mean demand, randomized coverage by level and its worst error in a volume class."""
    known = np.isfinite(actual) & (mean.to_numpy() > 0)
    y, q, m = actual[known], quantiles[known], mean.to_numpy()[known]
    tau, over = np.array(levels), y[:, None] - q
    loss = np.maximum(tau * over, (tau - 1) * over).mean() / y.mean()
    pit = randomized_pit(y, q, levels, np.random.default_rng(1))
    covered = {f"{level:g}": float((pit <= level).mean()) for level in levels}
    third = np.searchsorted(np.quantile(m, [1 / 3, 2 / 3]), m, "right")
    worst = max(abs((pit[third == k] <= level).mean() - level) for k in np.unique(third) for level in levels)
    inside = float(((q[:, 1] <= m) & (m <= q[:, -2])).mean())
    return {"pinball": float(loss)} | covered | {"worst class": float(worst), "mean inside": inside}


def main() -> None:
    """Measure every set and print one row per set and kind of sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder of tables per data set")
    parser.add_argument("--sets", nargs="*", default=list(ORIGINS), choices=list(ORIGINS), help="data sets to measure")
    parser.add_argument("--as-of", nargs="*", help="forecast origins, each a date; default: three of each set")
    parser.add_argument("--keep", type=Path, help="folder that keeps means and calibration rows between calls")
    args = parser.parse_args()
    for name in args.sets:
        settings, tables, rows = settings_of(name), None, []
        for text in args.as_of or ORIGINS[name]:
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
        grouped = pd.DataFrame(rows).groupby("sum", sort=False)
        mean, sd = grouped.mean(), grouped.std()
        for kind in mean.index:
            cells = [f"{mean.loc[kind, c]:.3f}±{sd.loc[kind, c]:.3f}" for c in mean.columns]
            print("| " + " | ".join([name, str(kind), *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
