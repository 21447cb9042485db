"""Measure the workspace: ``python -m benchmarks.workspace [--proposals 100000] [--planners 20] [--seconds 60]``.

The benchmark writes a plan to a temporary warehouse and starts ``forestock serve`` on a free port of this machine. One person measures the
first content, filters, and decisions. Then many planners work at once, each with pauses of one and a half to four and a half seconds. At the end,
the ledger must hold exactly the decisions that were confirmed, each once, by the person who made it.
"""

from __future__ import annotations

import argparse
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks.dispatch import HUBS, PLANNING_DATE, build
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from serve import Access
from tests.worlds.neutral_rows import neutral_row

ROOT = Path(__file__).resolve().parents[1]
_STATUS = {"approve": "approved", "reject": "rejected", "withdraw": "proposed"}
_PATIENCE_SECONDS = 120


def add_departures(settings: Settings) -> None:
    """Write the departures of the plan: one load each, 80% full."""
    warehouse = Warehouse(settings)
    lines = warehouse.read("transfer", PLANNING_DATE.date())
    columns = ["departure_id", "lane", "kind", "origin", "destination", "ship_date", "arrival_date", "decide_by"]
    frame = lines.groupby(columns, as_index=False).agg(
        units=("units", "sum"), benefit_eur=("benefit_eur", "sum"), lines=("units", "size")
    )
    parts = {"loads": 1, "volume_fill_rate": 0.8, "mass_fill_rate": 0.5, "fixed_eur": 900.0}
    neutral = {
        name: value for name, value in neutral_row("departure", PLANNING_DATE.date()).items() if name not in frame
    }
    warehouse.write("departure", frame.assign(**neutral | parts), PLANNING_DATE.date())


@contextmanager
def serving(folder: Path, planners: list[str]) -> Iterator[str]:
    """Start the workspace over the warehouse in ``folder`` and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    access = folder / "access.json"
    access.write_text(Access(dict.fromkeys(planners, ("planner", ""))).to_text(), "utf-8")
    changes = (
        f"warehouse={folder / 'warehouse'}", "serve.identity=proxy", "serve.trusted_proxies=[127.0.0.1]",
        f"serve.access_file={access}", "serve.requests_per_minute=100000",
    )  # fmt: skip
    options = [part for change in changes for part in ("--set", change)]
    command = [
        sys.executable,
        "-m",
        "forestock.cli.main",
        "serve",
        "--config",
        "demo",
        "--port",
        str(port),
        "--at",
        "2016-05-23T07:00",
    ]
    address = f"http://127.0.0.1:{port}"
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen([*command, *options], cwd=ROOT, stdout=log, stderr=log)
        try:
            _wait(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(60)


def _wait(address: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(f"{address}/login")
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("the workspace did not start")


@dataclass
class Planner:
    """One person at work.

    Attributes
    ----------
    name
        Name in the proxy's header.
    address
        Address of the workspace.
    confirmed
        Proposal id, status, and version of each confirmed decision.
    milliseconds
        Response times by kind of request.
    n_conflicts
        Number of decisions that were refused because somebody else had decided.
    """

    name: str
    address: str
    confirmed: list[tuple[str, str, str]] = field(default_factory=list)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    n_conflicts: int = 0

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.address, headers={"x-forwarded-user": self.name}, timeout=60)
        self._draw = random.Random(self.name)  # noqa: S311 - no secret
        text = self.timed("page", "GET", "/proposals").text
        self._csrf = text.partition('data-csrf="')[2].partition('"')[0]

    def timed(self, kind: str, method: str, path: str, **parts: object) -> httpx.Response:
        """Send a request and record its time."""
        begin = time.perf_counter()
        response = self.client.request(method, path, **parts)  # type: ignore[arg-type] # options of httpx
        self.milliseconds[kind].append(1000 * (time.perf_counter() - begin))
        return response

    def rows(self, **query: object) -> list[dict]:
        """Return the lines of a window of the grid."""
        content = self.timed("filter", "GET", "/proposals/rows", params=query).json()
        return [row for row in content["rows"] if row["type"] == "line"]

    def decide(self, verb: str, row: dict) -> None:
        """Decide on a line as it was seen."""
        body = {"verb": verb, "lines": {row["id"]: row["version"]}, "reason": "measured" if verb == "reject" else None}
        response = self.timed("decision", "POST", "/decisions", json=body, headers={"x-csrf-token": self._csrf})
        if response.status_code == 409:
            self.n_conflicts += 1
        else:
            self.confirmed += [
                (name, _STATUS[verb], version) for name, version in response.raise_for_status().json()["lines"].items()
            ]

    def work(self, until: float) -> None:
        """Look at lines and decide on them, with pauses; several people choose from the same few departures."""
        while time.monotonic() < until:
            departure = f"{HUBS[self._draw.randrange(2)]}-{HUBS[2 + self._draw.randrange(3)]} 2016-05-23"
            rows = self.rows(departure=departure, search=str(self._draw.randrange(10)))
            time.sleep(self._draw.uniform(0.75, 2.25))
            if rows:
                row = self._draw.choice(rows)
                verbs = ["approve", "reject"] if row["status"] == "proposed" else ["withdraw", "reject", "approve"]
                self.decide(self._draw.choice(verbs), row)
            time.sleep(self._draw.uniform(0.75, 2.25))


def alone(planner: Planner, n_times: int) -> None:
    """Measure one person: pages, filters of every kind, and decisions."""
    for number in range(n_times):
        planner.timed("page", "GET", "/proposals")
        planner.timed("window", "GET", "/proposals/rows", params={"offset": 250 * number})
        rows = planner.rows(search=f"sku{number:04d}") or planner.rows(hub=HUBS[number % 20])
        planner.rows(hub=HUBS[number % 20], status="proposed", sort="benefit_eur", descending="true")
        planner.rows(sort="sku", grouped="false", search=str(number))
        if rows:
            planner.decide("approve", rows[0])


def report(title: str, planners: list[Planner]) -> dict[str, float]:
    """Print median, 95th percentile, and maximum by kind of request; return the 95th percentiles."""
    print(title)
    every: dict[str, list[float]] = defaultdict(list)
    for planner in planners:
        for kind, values in planner.milliseconds.items():
            every[kind] += values
    result = {}
    for kind, values in every.items():
        middle, high = np.percentile(values, [50, 95])
        result[kind] = float(high)
        print(
            f"  {kind:<10} {len(values):6,} requests   median {middle:7.1f} ms   p95 {high:7.1f} ms   max {max(values):7.1f} ms"
        )
    return result


def compare_with_ledger(settings: Settings, planners: list[Planner]) -> None:
    """Exit with an error unless the ledger holds exactly the confirmed decisions."""
    ledger = Warehouse(settings).read("decision")
    micros = ledger["at"].astype("int64").astype(str)
    held = sorted(zip(ledger["proposal_id"], ledger["status"], micros, ledger["by"], strict=True))
    confirmed = sorted((*one, planner.name) for planner in planners for one in planner.confirmed)
    if held != confirmed:
        lost, extra = set(confirmed) - set(held), set(held) - set(confirmed)
        raise SystemExit(
            f"{len(lost)} decisions lost, {len(extra)} not confirmed, {len(held) - len(set(held))} doubled"
        )
    conflicts = sum(planner.n_conflicts for planner in planners)
    print(
        f"{len(held):,} decisions confirmed, each once in the ledger; {conflicts:,} refused because another person had decided"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=int, default=100_000)
    parser.add_argument("--planners", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    names = [f"planner {number:02d}" for number in range(options.planners)]
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(warehouse=str(Path(place) / "warehouse"))
        build(settings, options.proposals)
        add_departures(settings)
        begin = time.perf_counter()
        with serving(Path(place), names) as address:
            print(f"{options.proposals:,} proposals; started in {time.perf_counter() - begin:.1f} s")
            first = Planner(names[0], address)
            alone(first, 20)
            report("one person", [first])
            first.milliseconds.clear()
            people = [first, *(Planner(name, address) for name in names[1:])]
            until = time.monotonic() + options.seconds
            threads = [threading.Thread(target=planner.work, args=(until,)) for planner in people]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            report(f"{len(people)} planners for {options.seconds:g} s", people)
        compare_with_ledger(settings, people)


if __name__ == "__main__":
    main()
