"""Forecast M5 beside mlforecast: accuracy, wall time and peak memory on the same tables.

    python benchmarks/forecast_m5.py --data DIR [--as-of 2016-03-14 …]

DIR holds the M5 tables and `weights_and_scales.csv`, the competition's weights and RMSSE scales. Every run is a
process of its own, so that wall time and peak memory are whole. mlforecast lives in an environment of its own,
made on first use. Writes ``benchmarks/results/forecast_m5.md``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
ORIGINS = ("2016-03-14", "2016-03-28", "2016-04-11", "2016-04-25")
HORIZON = 28
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
    """Train and forecast, and write the frame and what it cost."""
    started = time.perf_counter()
    sys.path.insert(0, str(HERE.parent))
    from features import build_panel, forecast_matrix, training_set
    from foundation.configuration import load_settings
    from models import forecast, train

    settings = load_settings(HERE.parent / "configs" / "m5.yaml", [])
    panel = build_panel(known_tables(folder, as_of), settings, as_of)
    model = train(training_set(panel, settings), settings, as_of)
    found = forecast(model, forecast_matrix(panel, settings), settings, as_of)["forecast"]
    found.rename(columns={"date": "ds", "mean_units": "mean"}).to_parquet(out.with_suffix(".parquet"))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "wall_s": time.perf_counter() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_gb": usage.ru_maxrss / 2**20,
    }
    out.with_suffix(".json").write_text(json.dumps(cost))


def run_peer(folder: Path, as_of: date, out: Path) -> None:
    """Run mlforecast in its own environment."""
    home = HERE / ".peers" / "mlforecast"
    if not (home / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", *PEER_PACKAGES], check=True)
    script = HERE / "peers" / "mlforecast_m5.py"
    arguments = ["--data", folder, "--as-of", str(as_of), "--horizon", str(HORIZON), "--out", out]
    subprocess.run([home / "bin" / "python", script, *arguments], check=True)


def level_keys(series: pd.DataFrame) -> list[pd.Series]:
    """Return the node of every series at each of the competition's twelve levels, spelled as in the table."""
    region, sku = series["region"], series["sku"]
    state, department = region.str[:2], sku.str.rsplit("_", n=1).str[0]
    category = department.str.rsplit("_", n=1).str[0]
    return [
        pd.Series("Total", index=series.index), state, region, category, department, state + "|" + category,
        state + "|" + department, region + "|" + category, region + "|" + department, sku, sku + "|" + state,
        sku + "_" + region,
    ]  # fmt: skip


def wrmsse(series: pd.DataFrame, error: np.ndarray, table: pd.DataFrame) -> list[float]:
    """Return Σ w √(mean e² ÷ scale) at each level (Makridakis et al. 2022); ``error`` (n_series, horizon)."""
    found = []
    for level, key in enumerate(level_keys(series), start=1):
        nodes = table[table["level"] == level].set_index("series")
        code = nodes.index.get_indexer(key)
        total = np.zeros((len(nodes), error.shape[1]))
        np.add.at(total, code, error)
        scaled = np.sqrt((total**2).mean(axis=1) / nodes["scale_d1_1941"].to_numpy())
        found.append(float((nodes["weight_evaluation"].to_numpy() * scaled).sum()))
    return found


def actuals(folder: Path, as_of: date) -> pd.DataFrame:
    """Return what was sold in the horizon, wide by date, a row per (region, sku)."""
    sales = pd.read_parquet(folder / "sales.parquet")
    today = pd.Timestamp(as_of)
    inside = sales[(sales["date"] >= today) & (sales["date"] < today + pd.Timedelta(days=HORIZON))]
    inside = inside.astype({"region": "str", "sku": "str"})
    return inside.pivot(index=["region", "sku"], columns="date", values="units_sold").fillna(0)


def score(folder: Path, as_of: date, out: Path) -> dict[str, float]:
    """Return WRMSSE over twelve levels, bias and cost of a finished run."""
    actual = actuals(folder, as_of)
    found = pd.read_parquet(out.with_suffix(".parquet")).pivot(index=["region", "sku"], columns="ds", values="mean")
    found = found.reindex(actual.index).fillna(0)
    table = pd.read_csv(folder / "weights_and_scales.csv")
    error = actual.to_numpy(float) - found.to_numpy(float)
    series = actual.index.to_frame(index=False)
    cost = json.loads(out.with_suffix(".json").read_text())
    by_level = wrmsse(series, error, table)
    return {"wrmsse": float(np.mean(by_level)), "sku_region": by_level[-1],
            "bias": float(found.to_numpy().sum() / actual.to_numpy().sum() - 1), **cost}  # fmt: skip


def main() -> None:
    """Run both on every origin and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--as-of", nargs="*", default=ORIGINS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)  # the process that is measured
    args = parser.parse_args()
    if args.run:
        run_forestock(args.data, date.fromisoformat(args.as_of[0]), args.run)
        return
    results = HERE / "results"
    (results / "runs").mkdir(parents=True, exist_ok=True)
    rows = []
    for text in args.as_of:
        day = date.fromisoformat(text)
        for name in ("forestock", "mlforecast"):
            out = results / "runs" / f"{name}_{text}"
            if name == "mlforecast":
                run_peer(args.data, day, out)
            else:
                own = [sys.executable, __file__, "--data", args.data, "--as-of", text, "--run", out]
                subprocess.run(own, check=True)
            rows.append({"as_of": text, "method": name, **score(args.data, day, out)})
            print(rows[-1])
    table = pd.DataFrame(rows).round(4)
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * len(table.columns)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in table.to_numpy()]
    (results / "forecast_m5.md").write_text("# M5 beside mlforecast\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
