"""Reference method: one pooled recursive Tweedie model with mlforecast in its usual setup.

The script runs in its own environment, created by ``benchmarks/forecast_m5.py``, because mlforecast requires
an older pandas. It reads the tables, trains on every row before ``--as-of``, and writes mean forecasts and
the wall time, CPU time, and peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.utils import PredictionIntervals

LEVELS = (99, 95, 67, 50)  # central intervals whose ends are the eight quantiles other than the median
STATIC = ["dept", "cat", "sku", "region"]


def read(folder: Path, as_of: pd.Timestamp, horizon: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (history, future price frame) in mlforecast's long format."""
    sales = pd.read_parquet(folder / "sales.parquet")
    sales = sales[sales["date"] < as_of]
    skus = pd.read_parquet(folder / "skus.parquet").set_index("sku")
    sales["unique_id"] = pd.Categorical(sales["sku"].astype(str) + "|" + sales["region"].astype(str))
    sales["dept"] = sales["sku"].map(skus["department"]).astype("category")
    sales["cat"] = sales["sku"].map(skus["category"]).astype("category")
    for name in ("sku", "region"):
        sales[name] = sales[name].astype("category")
    keys = sales.drop_duplicates("unique_id")[["unique_id", "sku", "region"]]
    future = keys.merge(pd.DataFrame({"ds": pd.date_range(as_of, periods=horizon)}), how="cross")
    history = sales.rename(columns={"date": "ds", "units_sold": "y"})
    history = price(history, folder)
    future = price(future, folder)[["unique_id", "ds", "price"]]
    history["y"] = history["y"].astype(np.float32)
    return history[["unique_id", "ds", "y", *STATIC, "price"]], future


def price(rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Add the price that is valid on each row's date."""
    prices = pd.read_parquet(folder / "prices.parquet").sort_values("date")
    prices["unique_id"] = prices["sku"].astype(str) + "|" + prices["region"].astype(str)
    prices = prices[["unique_id", "date", "unit_price_eur"]].rename(columns={"date": "ds", "unit_price_eur": "price"})
    rows = rows.sort_values("ds")
    known = pd.Index(rows["unique_id"].unique())
    rows["code"] = known.get_indexer(rows["unique_id"]).astype(np.int32)
    prices["code"] = known.get_indexer(prices["unique_id"]).astype(np.int32)
    rows["ds"], prices["ds"] = rows["ds"].astype("datetime64[ns]"), prices["ds"].astype("datetime64[ns]")
    joined = pd.merge_asof(rows, prices.drop(columns="unique_id"), on="ds", by="code")
    joined["price"] = joined["price"].astype(np.float32)
    return joined.drop(columns="code")


def _quantile_names() -> dict[str, str]:
    """Return a mapping from mlforecast's names of interval ends to the names of quantiles."""
    ends = {f"mean-lo-{level:g}": (100 - level) / 2 for level in LEVELS}
    ends |= {f"mean-hi-{level:g}": (100 + level) / 2 for level in LEVELS}
    return {name: f"q{round(10 * rate):03d}" for name, rate in ends.items()}


def main() -> None:
    """Train, forecast, write ``<out>.parquet`` and ``<out>.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--as-of", type=pd.Timestamp, required=True)
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--intervals", action="store_true", help="conformal intervals of two earlier horizons")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    started = time.perf_counter()
    history, future = read(args.data, args.as_of, args.horizon)
    model = lgb.LGBMRegressor(
        objective="tweedie", tweedie_variance_power=1.1, n_estimators=500, num_leaves=127, learning_rate=0.06,
        min_child_samples=200, subsample=0.6, subsample_freq=1, colsample_bytree=0.6, n_jobs=args.threads,
        random_state=1, verbosity=-1, force_row_wise=True,
    )  # fmt: skip
    peer = MLForecast(
        models={"mean": model},
        freq="D",
        lags=[1, 7, 14, 21, 28],
        lag_transforms={1: [RollingMean(7), RollingMean(28), RollingMean(56)]},
        num_threads=args.threads,
    )
    intervals = PredictionIntervals(n_windows=2, h=args.horizon) if args.intervals else None
    if intervals:  # every series must cover both windows and the longest rolling mean
        known = history.groupby("unique_id", observed=True)["ds"].transform("size")
        history = history[known > 2 * args.horizon + 57]
        future = future[future["unique_id"].isin(history["unique_id"].unique())]
    peer.fit(history, static_features=STATIC, dropna=True, prediction_intervals=intervals)
    del history
    forecast = peer.predict(args.horizon, X_df=future, level=list(LEVELS) if intervals else None)
    forecast[["sku", "region"]] = forecast["unique_id"].astype(str).str.split("|", expand=True)
    forecast = forecast.rename(columns={"ds": "date", "mean": "mean_units", **_quantile_names()})
    if intervals:
        forecast["q500"] = forecast["mean_units"]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    kept = [name for name in forecast if name != "unique_id"]
    forecast[kept].to_parquet(args.out.with_suffix(".parquet"))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "wall_s": time.perf_counter() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_gb": usage.ru_maxrss / 2**20,
    }
    args.out.with_suffix(".json").write_text(json.dumps(cost))


if __name__ == "__main__":
    main()
