"""Compare forecasts of VN2 with seasonal naive and the game's 13-week seasonal average, on weeks in stock.

    python -m benchmarks.forecast_vn2 --data DIR [--as-of 2023-09-04 …] [--set forecast.lightgbm.trees=60 …]

DIR contains the VN2 tables. The benchmark computes WAPE, bias, and pinball loss over the horizon of ``configs/vn2.yaml``, and the
coverage of sums from ``forecast_window``. The quantiles of seasonal naive are its value plus quantiles of each series' errors in
the last 52 weeks. The result is written to ``benchmarks/results/forecast_vn2.md``.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.vn2_tables import SEASON, Weeks, markdown, read_tables, seasonal_average, seasonal_naive
from features import build_panel, forecast_matrix, training_set
from foundation.configuration import load_settings
from foundation.settings import Settings, quantile_columns
from models import forecast, train

HERE = Path(__file__).resolve().parent
ORIGINS = ("2023-09-04", "2023-10-30", "2023-12-25", "2024-02-19")


def forecast_frames(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> dict[str, pd.DataFrame]:
    """Return the forecast frames of a model trained on what was known at ``as_of``."""
    known = tables | {"sales": tables["sales"][tables["sales"]["date"] < pd.Timestamp(as_of)]}
    panel = build_panel(known, settings, as_of)
    model = train(training_set(panel, settings), settings, as_of)
    return forecast(model, forecast_matrix(panel, settings), settings, as_of)


def pinball(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> float:
    """Return the mean pinball loss over known ``actual`` (…) and the levels (last axis of ``quantiles``)."""
    known = np.isfinite(actual)
    error = actual[known][:, None] - quantiles[known]
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def naive_quantiles(demand: np.ndarray, mean: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return (n_series, horizon, n_levels): ``mean`` plus quantiles of the series' errors of the last 52 weeks."""
    before = demand[:, -2 * SEASON : -SEASON]
    error = demand[:, -before.shape[1] :] - before if demand.shape[1] >= 2 * SEASON else demand[:, SEASON:] - demand[:, :-SEASON]  # fmt: skip
    error = np.where(np.isfinite(error).any(axis=1, keepdims=True), error, 0.0)
    spread = np.nanquantile(error, levels, axis=1).T
    return np.maximum(mean[:, :, None] + spread[:, None, :], 0.0)


def score(weeks: Weeks, frames: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> dict[str, object]:
    """Return the figures of one origin."""
    levels = np.array(settings.forecast.quantiles)
    index, horizon = weeks.column_of(pd.Timestamp(as_of)), settings.horizon
    actual = weeks.demand[:, index : index + horizon]
    past = weeks.demand[:, :index]
    naive, average = seasonal_naive(past, horizon), seasonal_average(past, weeks.weeks[:index], horizon)
    result = frames["forecast"]
    row = weeks.place(result)
    step = weeks.weeks.searchsorted(result["date"].to_numpy()) - index
    mean, quantiles = np.zeros(actual.shape), np.zeros((*actual.shape, len(levels)))
    mean[row, step] = result["mean_units"]
    quantiles[row, step] = result[quantile_columns(settings.forecast.quantiles)].to_numpy()
    known = np.isfinite(actual)
    sold = actual[known].sum()
    figures: dict[str, object] = {"as of": as_of}
    for name, values in (("WAPE", mean), ("seasonal naive", naive), ("13-week seasonal average", average)):
        figures[name] = round(float(np.abs(values - actual)[known].sum() / sold), 4)
    figures["bias %"] = round(100 * float(mean[known].sum() / sold - 1), 1)
    figures["pinball"] = round(pinball(actual, quantiles, levels), 4)
    figures["naive's pinball"] = round(pinball(actual, naive_quantiles(past, naive, levels), levels), 4)
    return figures | coverage(weeks, frames["forecast_window"], index, settings)


def coverage(weeks: Weeks, window: pd.DataFrame, column: int, settings: Settings) -> dict[str, object]:
    """Return per window the shares of sums at or below .5, .75, .835, .975; only series in stock throughout count."""
    result: dict[str, object] = {}
    for days in sorted(settings.forecast.window_days):
        rows = window[window["window_days"] == days]
        total = weeks.demand[:, column : column + days // settings.grid.days].sum(axis=1)[weeks.place(rows)]
        known = np.isfinite(total)
        shares = [(total[known] <= rows[name].to_numpy()[known]).mean() for name in ("q500", "q750", "q835", "q975")]
        result[f"{days} days"] = " ".join(f"{share:.3f}" for share in shares)
    return result


def main() -> None:
    """Score every origin and write the table with mean and deviation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--as-of", nargs="*", default=ORIGINS)
    parser.add_argument("--set", nargs="*", default=[])
    args = parser.parse_args()
    settings = load_settings(HERE.parent / "configs" / "vn2.yaml", args.set)
    tables = read_tables(args.data, ("sales", "skus", "regions"))
    weeks = Weeks.of(tables["sales"])
    rows = []
    for text in args.as_of:
        started = time.process_time()
        frames = forecast_frames(tables, settings, date.fromisoformat(text))
        rows.append(
            score(weeks, frames, settings, date.fromisoformat(text))
            | {"CPU s": round(time.process_time() - started, 1)}
        )
        print(rows[-1], flush=True)
    for name, how in (("mean", np.mean), ("sd", lambda values: np.std(values, ddof=1) if len(values) > 1 else 0.0)):
        lines = {key: round(float(how([row[key] for row in rows])), 4) for key in list(rows[0])[1:7]}
        blank: dict[str, object] = dict.fromkeys(rows[0], "")
        rows.append(blank | {"as of": name} | lines)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "forecast_vn2.md").write_text(
        "# VN2: comparison with two simple forecasts\n\n" + markdown(rows)
    )
    print(markdown(rows[-2:]))


if __name__ == "__main__":
    main()
