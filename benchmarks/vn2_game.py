"""Play the VN2 game with Forestock: six weekly orders, each from its own run, next to the organizer's rule.

    python -m benchmarks.vn2_game --data DIR [--openings 2023-09-04 …] [--work DIR] [--command] [--set …]

Each Monday, the benchmark writes the tables as known that morning (earlier sales, stock and inbound of the simulated stores)
and plans like ``forestock run --as-of``: validate, train, forecast, rebalance. With ``--command``, it runs that command.
Orders are the ``supply`` rows of ``transfer`` that depart that day. Then goods that are due arrive, and demand is served. A
leftover unit costs 0.2 EUR per week, and a unit of unmet demand costs 1 EUR. Weeks 3 to 8 count. Demand is the units sold in
weeks in stock, and 0 in other weeks. An opening without a snapshot in ``stock`` starts with a synthetic one: 1.35 weeks of
the 13-week mean on hand, and one week due a week later. The result is written to ``benchmarks/results/vn2_game.md``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.vn2_tables import RECENT, STATIC, Weeks, markdown, read_tables, seasonal_average
from foundation.configuration import load_settings
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline import run

HERE = Path(__file__).resolve().parent
OPENINGS = ("2023-05-15", "2023-07-10", "2023-09-04", "2023-10-30", "2023-12-25", "2024-02-19")
CONFIG = HERE.parent / "configs" / "vn2.yaml"
ROUNDS, WEEKS, FIRST_COUNTED, LEAD_WEEKS = 6, 8, 2, 2
HOLDING_EUR, LOST_EUR = 0.2, 1.0
ON_HAND_WEEKS = 1.35


@dataclass(frozen=True)
class Morning:
    """State on a Monday: the date, units on hand after arrivals (n_series,), and units due by week ahead (n_series, n_weeks)."""

    day: pd.Timestamp
    on_hand: np.ndarray
    due: np.ndarray


Player = Callable[[Morning], np.ndarray]


def opening(tables: dict[str, pd.DataFrame], weeks: Weeks, day: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
    """Return units on hand, and units due a week after ``day``, from the snapshot of that day or a synthetic one."""
    stock = tables["stock"][tables["stock"]["date"] == day].rename(columns={"hub": "region"})
    if stock.empty:
        past = pd.DataFrame(weeks.demand[:, : weeks.column_of(day)][:, -RECENT:])
        mean = past.mean(axis=1).fillna(0).to_numpy()
        return np.round(ON_HAND_WEEKS * mean), np.round(mean)
    inbound = tables["inbound"][tables["inbound"]["as_of"] == day].rename(columns={"hub": "region"})
    result = np.zeros((2, len(weeks.series)))
    for row, frame, column in ((0, stock, "units_on_hand"), (1, inbound, "units")):
        np.add.at(result[row], weeks.place(frame), frame[column].to_numpy(float))
    return result[0], result[1]


def play(weeks: Weeks, day: pd.Timestamp, start: tuple[np.ndarray, np.ndarray], player: Player) -> np.ndarray:
    """Return holding cost and lost-sales cost by week, in EUR, (8, 2)."""
    on_hand, paid = start[0], np.zeros((WEEKS, 2))
    due = np.zeros((len(weeks.series), WEEKS + LEAD_WEEKS))
    due[:, 1] = start[1]
    for week in range(WEEKS):
        on_hand = on_hand + due[:, week]
        if week < ROUNDS:
            morning = Morning(day + pd.Timedelta(weeks=week), on_hand, due[:, week + 1 : week + LEAD_WEEKS])
            due[:, week + LEAD_WEEKS] += player(morning)
        demand = np.nan_to_num(weeks.demand[:, weeks.column_of(day) + week])
        sold = np.minimum(on_hand, demand)
        on_hand = on_hand - sold
        paid[week] = HOLDING_EUR * on_hand.sum(), LOST_EUR * (demand - sold).sum()
    return paid


def organizer(weeks: Weeks) -> Player:
    """Return the organizer's rule: order up to four weeks of the 13-week seasonal average, less units on hand and due."""

    def order(morning: Morning) -> np.ndarray:
        column = weeks.column_of(morning.day)
        target = seasonal_average(weeks.demand[:, :column], weeks.weeks[:column], 4).sum(axis=1)
        return np.maximum(np.round(target - morning.on_hand - morning.due.sum(axis=1)), 0.0)

    return order


@dataclass(frozen=True)
class Product:
    """Forestock as a player: writes tables, runs the pipeline, and reads orders from the warehouse."""

    tables: dict[str, pd.DataFrame]
    weeks: Weeks
    folder: Path
    overrides: tuple[str, ...]
    by_command: bool

    @property
    def settings(self) -> Settings:
        """The configuration of VN2 for this folder."""
        return load_settings(CONFIG, self.chosen)

    @property
    def chosen(self) -> list[str]:
        """The overrides of the configuration."""
        place = [f"inputs.path={self.folder / 'inputs'}", f"warehouse={self.folder / 'warehouse'}"]
        return [*self.overrides, *place]

    def __call__(self, morning: Morning) -> np.ndarray:
        """Return the units ordered that morning, (n_series,)."""
        self.write(morning)
        day = morning.day.date()
        if self.by_command:
            sets = [word for text in self.chosen for word in ("--set", text)]
            command = [
                str(Path(sys.executable).parent / "forestock"),
                "run",
                "--config",
                str(CONFIG),
                "--as-of",
                str(day),
                *sets,
            ]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        else:
            self.plan(morning)
        transfer = Warehouse(self.settings).read("transfer", day)
        lines = transfer[(transfer["kind"] == "supply") & (transfer["ship_date"] == morning.day)]
        ordered = np.zeros(len(self.weeks.series))
        np.add.at(
            ordered, self.weeks.place(lines.rename(columns={"destination": "region"})), lines["units"].to_numpy(float)
        )
        return ordered

    def plan(self, morning: Morning) -> None:
        """Run the stages in this process."""
        context = run.validate_stage(self.settings, morning.day.date(), "rebalance")
        planned = run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))
        if planned.refusals:
            raise SystemExit(f"{morning.day.date()}: refused: {'; '.join(planned.refusals)}")

    def write(self, morning: Morning) -> None:
        """Write the tables as known that morning."""
        place = self.folder / "inputs"
        place.mkdir(parents=True, exist_ok=True)
        hub, sku = (self.weeks.series.get_level_values(level) for level in (0, 1))
        stock = pd.DataFrame(
            {"date": morning.day, "hub": hub, "sku": sku, "units_on_hand": morning.on_hand.astype(int)}
        )
        lines = [
            pd.DataFrame({"hub": hub, "sku": sku, "units": units.astype(int), "arrival_date": morning.day + pd.Timedelta(weeks=ahead)})
            for ahead, units in enumerate(morning.due.T, start=1)
        ]  # fmt: skip
        inbound = pd.concat(lines, ignore_index=True).query("units > 0").assign(as_of=morning.day)
        inbound["inbound_id"] = [f"{morning.day:%Y%m%d}-{row}" for row in range(len(inbound))]
        sales = self.tables["sales"]
        known = {"sales": sales[sales["date"] < morning.day], "stock": stock, "inbound": inbound}
        for name, frame in ({name: self.tables[name] for name in STATIC} | known).items():
            frame.to_parquet(place / f"{name}.parquet", index=False)


def main() -> None:
    """Play every opening and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--openings", nargs="*", default=OPENINGS)
    parser.add_argument("--work", type=Path, help="folder of tables and warehouses; default: a temporary folder")
    parser.add_argument("--command", action="store_true", help="plan with `forestock run` instead of its stages")
    parser.add_argument("--set", nargs="*", default=[])
    args = parser.parse_args()
    tables = read_tables(args.data, (*STATIC, "sales", "stock", "inbound"))
    weeks = Weeks.of(tables["sales"])
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for text in args.openings:
            day, started = pd.Timestamp(text), time.perf_counter()
            start = opening(tables, weeks, day)
            product = Product(tables, weeks, (args.work or Path(temporary)) / text, tuple(args.set), args.command)
            paid, rule = (play(weeks, day, start, player)[FIRST_COUNTED:] for player in (product, organizer(weeks)))
            rows.append({
                "opening": text, "cost": round(paid.sum()), "holding": round(paid[:, 0].sum()), "lost": round(paid[:, 1].sum()),
                "organizer's rule": round(rule.sum()), "ratio": round(paid.sum() / rule.sum(), 4),
                "s per round": round((time.perf_counter() - started) / ROUNDS, 1),
            })  # fmt: skip
            print(rows[-1], flush=True)
    mean = float(np.mean([row["ratio"] for row in rows]))
    rows.append(dict.fromkeys(rows[0], "") | {"opening": "mean", "ratio": round(mean, 4)})
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "vn2_game.md").write_text("# The VN2 game\n\n" + markdown(rows))
    print(markdown(rows[-1:]))


if __name__ == "__main__":
    main()
