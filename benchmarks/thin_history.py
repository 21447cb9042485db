"""Compare forecasts on short histories and unusual data with the best simple method.

    python -m benchmarks.thin_history --data DIR [--case NAME …] [--origins N] [--series N]

DIR contains the folders demo, m5, vn2, and fresh; other data are generated. Every case is cut to a length of history before each
of N rolling forecast origins (default 3). The last horizon ends with the development data. The benchmark computes WAPE and bias of the
mean over the horizon, on periods in stock, for the forecast, seasonal naive, recent mean, exponential smoothing, and last week. The
result is written to ``benchmarks/results/thin_history.md``, unless ``--case`` is given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from features import build_panel, forecast_matrix, training_set
from foundation.configuration import load_settings
from foundation.settings import Settings
from models import forecast, train

HERE = Path(__file__).resolve().parent
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Case:
    """One case: its tables and settings, the end of its development data (exclusive), and the days of history to keep."""

    tables: Callable[[], Tables]
    settings: Settings
    end: str
    history_days: int | None = None


@cache
def read(folder: Path, columns: tuple[str, ...] = ()) -> Tables:
    """Return the tables that forecasting reads, with all dates in one resolution."""
    result = {}
    for name in ("sales", "skus", "regions", "regional", "prices", "calendar"):
        if (folder / f"{name}.parquet").exists() and name not in columns:
            frame = pd.read_parquet(folder / f"{name}.parquet")
            for column in frame.select_dtypes("datetime"):
                frame[column] = frame[column].astype("datetime64[us]")
            result[name] = frame
    return result


def some(tables: Tables, most: int) -> Tables:
    """Return the tables with every n-th SKU, so that about ``most`` series remain."""
    pairs = tables["sales"][["region", "sku"]].drop_duplicates()
    skus = np.sort(tables["skus"]["sku"].astype(str).unique())
    kept = set(skus[:: max(round(len(pairs) / most), 1)])
    return {
        name: frame[frame["sku"].astype(str).isin(kept)] if "sku" in frame else frame for name, frame in tables.items()
    }


def weekly(tables: Tables) -> Tables:
    """Return the sales summed to whole weeks from Monday on, without prices, events and regional data."""
    sales = tables["sales"]
    week = sales["date"] - pd.to_timedelta(sales["date"].dt.day_of_week, unit="D")
    summed = (
        sales.assign(date=week).groupby(["date", "region", "sku"], as_index=False, observed=True)["units_sold"].sum()
    )
    return {"sales": summed, "skus": tables["skus"], "regions": tables["regions"]}


def world(level: np.ndarray, days: int = 500, shift: float = 1.0) -> Tables:
    """Return Poisson sales of series with mean ``level`` (n) in three regions; ``shift`` multiplies the last 20 days."""
    draw = np.random.default_rng(16)
    skus = [f"s{index:03d}" for index in range(len(level) // 3)]
    regions = ["R1", "R2", "R3"]
    dates = pd.date_range(end="2024-06-02", periods=days).as_unit("us")
    keys = pd.MultiIndex.from_product([dates, regions, skus], names=["date", "region", "sku"]).to_frame(index=False)
    mean = np.tile(level[: 3 * len(skus)], days) * np.where(keys["date"].dt.day_of_week >= 5, 1.5, 0.8)
    mean *= np.where(keys["date"] >= dates[-48], shift, 1.0)
    keys["units_sold"] = draw.poisson(mean).astype(float)
    kinds = {"department": [f"d{index % 4}" for index in range(len(skus))], "category": "c"}
    return {"sales": keys, "skus": pd.DataFrame({"sku": skus, **kinds}), "regions": pd.DataFrame({"region": regions})}


def cases(data: Path, most: int) -> dict[str, Case]:
    """Return every case by name."""
    configured = {
        name: load_settings(HERE.parent / "configs" / f"{name}.yaml") for name in ("demo", "m5", "vn2", "fresh")
    }
    plain = Settings.model_validate({"name": "world", "forecast": {"cpu_minutes": 0.3}})
    weeks = Settings.model_validate(
        {"name": "weeks", "frequency": "W-MON", "horizon": 13, "forecast": {"window_days": (7, 28), "cpu_minutes": 0.3}}
    )
    draw = np.random.default_rng(7)
    rare, few = draw.gamma(0.6, 0.1, 300), np.array([0.3, 1.0, 3.0, 0.05, 10.0] * 3)

    def m5() -> Tables:
        return some(read(data / "m5"), most)

    return {
        "demo 20 days": Case(lambda: read(data / "demo"), configured["demo"], "2016-04-25", 20),
        "demo 60 days": Case(lambda: read(data / "demo"), configured["demo"], "2016-04-25", 60),
        "demo 200 days": Case(lambda: read(data / "demo"), configured["demo"], "2016-04-25", 200),
        "demo": Case(lambda: read(data / "demo"), configured["demo"], "2016-04-25"),
        "m5": Case(m5, configured["m5"], "2016-04-25"),
        "m5 weeks 13": Case(lambda: weekly(m5()), weeks, "2016-04-25", 91),
        "m5 weeks 26": Case(lambda: weekly(m5()), weeks, "2016-04-25", 182),
        "vn2 26 weeks": Case(lambda: read(data / "vn2"), configured["vn2"], "2023-08-14", 182),
        "vn2": Case(lambda: read(data / "vn2"), configured["vn2"], "2023-08-14"),
        "fresh 30 days": Case(lambda: some(read(data / "fresh"), most), configured["fresh"], "2024-06-12", 30),
        "fresh": Case(lambda: some(read(data / "fresh"), most), configured["fresh"], "2024-06-12"),
        "spare parts": Case(lambda: world(rare), plain, "2024-06-03"),
        "fifteen series": Case(lambda: world(few, 200), plain, "2024-06-03"),
        "level shift": Case(lambda: world(few, 200, shift=5.0), plain, "2024-06-03"),
    }


def origins(case: Case, count: int) -> list[date]:
    """Return ``count`` origins, latest first, half a horizon apart; the latest one's horizon ends with the data."""
    grid, horizon = case.settings.grid, case.settings.horizon
    end = pd.Timestamp(case.end).date()
    return [grid.step(end, -horizon - index * (horizon // 2)) for index in range(count)]


def score(case: Case, tables: Tables, as_of: date) -> dict[str, tuple[float, float]]:
    """Return (WAPE, bias) of the forecast and of every simple method at one origin."""
    settings, index = case.settings, pd.Timestamp(as_of)
    sales = tables["sales"]
    known = sales[sales["date"] < index]
    if case.history_days is not None:
        known = known[known["date"] >= index - pd.Timedelta(days=case.history_days)]
    panel = build_panel(tables | {"sales": known}, settings, as_of)
    model = train(training_set(panel, settings), settings, as_of)
    result = forecast(model, forecast_matrix(panel, settings), settings, as_of)["forecast"]
    shape = (panel.n_series, settings.horizon)
    came = sales[(sales["date"] >= index)].assign(
        step=lambda frame: (frame["date"] - index).dt.days // settings.grid.days
    )
    came = came[came["step"] < settings.horizon]
    place = pd.MultiIndex.from_frame(panel.series[["region", "sku"]]).get_indexer(
        pd.MultiIndex.from_frame(came[["region", "sku"]].astype(str))
    )
    actual = np.zeros(shape)
    units = came["units_sold"].to_numpy(float)
    if "in_stock_rate" in came:
        units = np.where(came["in_stock_rate"].fillna(1) >= 1, units, np.nan)
    actual[place[place >= 0], came["step"].to_numpy()[place >= 0]] = units[place >= 0]
    means = {"forestock": result["mean_units"].to_numpy().reshape(shape)} | simple(panel.demand, settings)
    inside = np.isfinite(actual) & ~panel.is_closed[panel.n_history :][None, :]
    total = actual[inside].sum()
    return {
        name: (float(np.abs(mean - actual)[inside].sum() / total), float(mean[inside].sum() / total - 1))
        for name, mean in means.items()
    }


def simple(demand: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """Return the means (n_series, horizon) of the methods a forecast is compared with; written independently of the product."""
    horizon, week = settings.horizon, 7 // settings.grid.days
    frame = pd.DataFrame(demand.T)
    filled = frame.ffill().fillna(0.0).to_numpy().T
    last = np.pad(filled, ((0, 0), (max(week - filled.shape[1], 0), 0)), mode="edge")[:, -week:]
    year = 52 if settings.grid.days == 7 and demand.shape[1] >= 52 else week
    season = filled[:, -year:] if filled.shape[1] >= year else last
    recent = frame.tail(28 if settings.grid.days == 1 else 8).mean().fillna(0.0).to_numpy()
    smoothed = frame.ewm(alpha=0.1, ignore_na=True).mean().ffill().iloc[-1].fillna(0.0).to_numpy()
    flat = {"recent mean": recent, "exponential smoothing": smoothed, "last week": last.mean(axis=1)}
    result = {name: np.repeat(values[:, None], horizon, axis=1) for name, values in flat.items()}
    return {"seasonal naive": season[:, np.arange(horizon) % season.shape[1]], **result}


def row_of(name: str, case: Case, count: int) -> dict[str, object]:
    """Return the row of a case: WAPE and mean absolute bias over the origins, and those of the best simple method."""
    started = time.process_time()
    tables = case.tables()
    scores = [score(case, tables, as_of) for as_of in origins(case, count)]
    wape = {method: np.mean([one[method][0] for one in scores]) for method in scores[0]}
    bias = {method: np.mean([abs(one[method][1]) for one in scores]) for method in scores[0]}
    best = min((method for method in wape if method != "forestock"), key=lambda method: wape[method])
    fairest = min((method for method in bias if method != "forestock"), key=lambda method: bias[method])
    return {
        "case": name, "WAPE": f"{wape['forestock']:.4f}", "best simple": f"{wape[best]:.4f} ({best})",
        "ratio": f"{wape['forestock'] / wape[best]:.3f}", "biases": " ".join(f"{one['forestock'][1]:+.1%}" for one in scores),
        "mean abs bias": f"{bias['forestock']:.3f}", "least simple": f"{bias[fairest]:.3f} ({fairest})",
        "CPU s": f"{time.process_time() - started:.0f}",
    }  # fmt: skip


def main() -> None:
    """Score the cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--case", nargs="*", default=[])
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--series", type=int, default=1500)
    args = parser.parse_args()
    known = cases(args.data, args.series)
    rows = []
    for name in args.case or known:
        rows.append(row_of(name, known[name], args.origins))
        print(" | ".join(map(str, rows[-1].values())), flush=True)
    if not args.case:
        lines = [
            " | ".join(map(str, row)) for row in (rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows))
        ]
        text = "# Short histories and unusual data\n\n" + "\n".join(f"| {line} |" for line in lines) + "\n"
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "thin_history.md").write_text(text)


if __name__ == "__main__":
    main()
