"""Compare forecasts of M5 with mlforecast, seasonal naive, and each series' historical quantiles, on the same tables.

    python benchmarks/forecast_m5.py --data DIR [--as-of 2016-03-14 …] [--intervals]

DIR contains the M5 tables and ``weights_and_scales.csv``, the competition's weights and RMSSE scales. Every run is a separate
process, so wall time and peak memory cover everything from reading the tables to the written forecast. mlforecast runs in its
own environment, which is created on first use. ``--intervals`` adds its conformal intervals, which triple its work. The result is
written to ``benchmarks/results/forecast_m5.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import m5_scores as scores  # noqa: E402  (this folder is no package)

ORIGINS = ("2016-03-14", "2016-03-28", "2016-04-11", "2016-04-25")
PEER_PACKAGES = ("mlforecast==1.1.0", "lightgbm==4.7.0", "pandas<3", "pyarrow")
TABLES = ("sales", "skus", "regions", "regional", "calendar", "prices")


def known_tables(folder: Path, as_of: date) -> dict[str, pd.DataFrame]:
    """Return the tables as known at ``as_of``: sales before it, regional totals empty from it on."""
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    for frame in tables.values():
        for name in frame.select_dtypes("datetime"):
            frame[name] = frame[name].astype("datetime64[us]")
    today = pd.Timestamp(as_of)
    tables["sales"] = tables["sales"][tables["sales"]["date"] < today]
    regional = tables["regional"]
    observed = [name for name in regional if name not in ("date", "region", "snap")]
    tables["regional"] = regional.assign(**{name: regional[name].where(regional["date"] < today) for name in observed})
    return tables


def run_forestock(folder: Path, as_of: date, out: Path) -> None:
    """Train and forecast, and write the frames, their cost, and the part of it that LightGBM took."""
    started = time.perf_counter()
    from features import build_panel, forecast_matrix, training_set
    from foundation.configuration import load_settings
    from models import forecast, train
    from models.kinds import lightgbm_tweedie

    inside = _clocked(lightgbm_tweedie)
    settings = load_settings(HERE.parent / "configs" / "m5.yaml", [])
    panel = build_panel(known_tables(folder, as_of), settings, as_of)
    model = train(training_set(panel, settings), settings, as_of)
    result = forecast(model, forecast_matrix(panel, settings), settings, as_of)
    result["forecast"].to_parquet(out.with_suffix(".parquet"))
    result["forecast_window"].to_parquet(out.with_suffix(".window.parquet"))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"wall_s": time.perf_counter() - started, "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_gb": usage.ru_maxrss / 2**20, "lightgbm_s": sum(inside)}  # fmt: skip
    out.with_suffix(".json").write_text(json.dumps(cost))


def _clocked(lightgbm_tweedie: object) -> list[float]:
    """Return a list that collects the wall seconds spent in LightGBM: binning, training, predicting."""
    spent: list[float] = []

    def clock(owner: object, name: str) -> None:
        inner = getattr(owner, name)

        def timed(*args: object) -> object:
            began = time.perf_counter()
            result = inner(*args)
            spent.append(time.perf_counter() - began)
            return result

        setattr(owner, name, timed)

    clock(lightgbm_tweedie.Learner, "dataset")
    clock(lightgbm_tweedie.Learner, "grow")
    clock(lightgbm_tweedie, "_predicted")
    return spent


def run_peer(folder: Path, as_of: date, out: Path, intervals: bool) -> None:
    """Run mlforecast in its own environment."""
    home = HERE / ".peers" / "mlforecast"
    if not (home / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", *PEER_PACKAGES], check=True)
    script = HERE / "peers" / "mlforecast_m5.py"
    arguments = ["--data", folder, "--as-of", str(as_of), "--horizon", str(scores.HORIZON), "--out", out]
    extra = ["--intervals"] if intervals else []
    subprocess.run([home / "bin" / "python", script, *arguments, *extra], check=True)


def score_run(folder: Path, as_of: date, out: Path) -> dict[str, float]:
    """Return the scores and the cost of a finished run."""
    actual, table = scores.actuals(folder, as_of), pd.read_csv(folder / "weights_and_scales.csv")
    rows = pd.read_parquet(out.with_suffix(".parquet"))
    mean = rows.pivot(index=["region", "sku"], columns="date", values="mean_units").reindex(actual.index).fillna(0)
    result = scores.accuracy(actual, mean.to_numpy(), table)
    if "q500" in rows:
        quantiles = scores.wide_quantiles(rows, actual.index, "date")
        result["pinball"] = scores.pinball(actual.index.to_frame(index=False), actual.to_numpy(), quantiles, table)
        result |= scores.coverage(actual.to_numpy(), quantiles, "day")
    if out.with_suffix(".window.parquet").exists():
        sums = pd.read_parquet(out.with_suffix(".window.parquet"))
        for window in scores.WINDOWS:
            quantiles = scores.wide_quantiles(sums[sums["window_days"] == window], actual.index, "window_days")
            result |= scores.coverage(
                actual.iloc[:, :window].sum(axis=1).to_numpy()[:, None], quantiles, f"sum{window}"
            )
    return result | json.loads(out.with_suffix(".json").read_text())


def score_baselines(folder: Path, as_of: date) -> list[dict[str, object]]:
    """Return the rows of seasonal naive and of the historical quantiles of 56 and 112 days."""
    actual, table = scores.actuals(folder, as_of), pd.read_csv(folder / "weights_and_scales.csv")
    past = scores.history(folder, as_of, 112).reindex(actual.index)
    result: list[dict[str, object]] = [
        {"method": "seasonal naive"} | scores.accuracy(actual, scores.seasonal_naive(past), table)
    ]
    series = actual.index.to_frame(index=False)
    for days in (56, 112):
        loss = scores.pinball(series, actual.to_numpy(), scores.empirical(past, days), table)
        result.append({"method": f"own quantiles, {days} days", "pinball": loss})
    return result


def measure(folder: Path, text: str, intervals: bool) -> list[dict[str, object]]:
    """Run every method at one origin and return its rows."""
    day, runs = date.fromisoformat(text), HERE / "results" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    specified, peer, conformal = (runs / f"{name}_{text}" for name in ("forestock", "mlforecast", "conformal"))
    subprocess.run([sys.executable, __file__, "--data", folder, "--as-of", text, "--run", specified], check=True)
    run_peer(folder, day, peer, intervals=False)
    result = [
        {"method": "Forestock"} | score_run(folder, day, specified),
        {"method": "mlforecast"} | score_run(folder, day, peer),
    ]
    if intervals:
        run_peer(folder, day, conformal, intervals=True)
        result.append({"method": "mlforecast, conformal"} | score_run(folder, day, conformal))
    result += score_baselines(folder, day)
    for row in result:
        print(text, {name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()}, flush=True)
    return [{"as_of": text, **row} for row in result]


def report(rows: pd.DataFrame) -> str:
    """Return the page: every figure, means and standard deviations by method, and the reported ratios."""
    grouped = rows.drop(columns="as_of").groupby("method", sort=False)
    ours, peer = (rows[rows["method"] == name].set_index("as_of") for name in ("Forestock", "mlforecast"))
    naive = rows[rows["method"] == "seasonal naive"].set_index("as_of")
    specified = grouped["pinball"].mean()
    claims = {
        "WRMSSE to mlforecast": ours["wrmsse"].mean() / peer["wrmsse"].mean(),
        "WRMSSE to seasonal naive": ours["wrmsse"].mean() / naive["wrmsse"].mean(),
        "pinball to the better own quantiles": specified["Forestock"] / specified.filter(like="own quantiles").min(),
        "wall time to mlforecast (median)": (ours["wall_s"] / peer["wall_s"]).median(),
        "CPU time to mlforecast (median)": (ours["cpu_s"] / peer["cpu_s"]).median(),
        "peak memory to mlforecast (median)": (ours["peak_gb"] / peer["peak_gb"]).median(),
        "wall time to LightGBM alone (median)": (ours["wall_s"] / ours["lightgbm_s"]).median(),
    }
    if "mlforecast, conformal" in specified:
        both = rows[rows["method"] == "mlforecast, conformal"].set_index("as_of")["pinball"]
        claims["pinball to conformal intervals"] = ours["pinball"].reindex(both.index).mean() / both.mean()
    summary = grouped.agg(["mean", "std"]).T.round(4).reset_index(names=["figure", "over origins"])
    ratios = pd.DataFrame({"ratio": claims}).round(3).reset_index(names="claim")
    parts = ["# M5: comparison with mlforecast", _table(ratios), _table(summary), _table(rows.round(4))]
    return "\n\n".join(parts) + "\n"


def _table(frame: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(map(str, frame.columns)) + " |", "|" + " --- |" * len(frame.columns)]
    cells = frame.astype(object).where(frame.notna(), "").to_numpy()
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in cells])


def main() -> None:
    """Run every method on every origin and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the M5 tables")
    parser.add_argument("--as-of", nargs="*", default=ORIGINS, help="origins, each a date")
    parser.add_argument("--intervals", action="store_true", help="score mlforecast's conformal intervals too")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)  # the measured process
    args = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if args.run:
        run_forestock(args.data, date.fromisoformat(args.as_of[0]), args.run)
        return
    rows = [row for text in args.as_of for row in measure(args.data, text, args.intervals)]
    page = HERE / "results" / "forecast_m5.md"
    page.write_text(report(pd.DataFrame(rows)))
    print(f"written: {page}")


if __name__ == "__main__":
    main()
