"""How long 100,000 proposals take from a rule's approval to every form and the outbox.

``python -m benchmarks.dispatch [--proposals N]``: makes a plan in a temporary warehouse, approves it by
rule, releases it, delivers it to a folder, a table and a webhook of this machine, and writes every form.
Processor seconds beside wall-clock ones: the machine may be busy. The target is 60 s in all.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd

from dispatch.decide import Act
from dispatch.forms import FORMS
from flows.desk import Selection, decide_proposals
from flows.handing_out import deliver_released, export_released
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from foundation.tables import OUTPUTS, Kind

NIGHT = pd.Timestamp("2016-05-23")
HUBS = [f"H{place}" for place in range(20)]
AT = pd.Timestamp("2016-05-23T07:00", tz="UTC").as_unit("us")


def build(settings: Settings, n_proposals: int) -> None:
    """Write a plan of ``n_proposals`` over all pairs of 20 hubs into the warehouse."""
    rng = np.random.default_rng(7)
    pair = np.arange(n_proposals) % (len(HUBS) * (len(HUBS) - 1))
    origin = pair // (len(HUBS) - 1)
    step = pair % (len(HUBS) - 1)
    destination = step + (step >= origin)
    names = np.array(HUBS)
    lane = np.char.add(np.char.add(names[origin], "-"), names[destination])
    packs = rng.integers(1, 9, n_proposals)
    frame = pd.DataFrame(
        {
            "proposal_id": [f"{place:016x}" for place in range(n_proposals)], "plan_id": "p", "kind": "transfer",
            "sku": [f"SKU{place:07d}" for place in range(n_proposals)], "origin": names[origin],
            "destination": names[destination], "lane": lane, "departure_id": np.char.add(lane, " 2016-05-23"),
            "units": packs * 6, "packs": packs, "ship_date": NIGHT, "arrival_date": NIGHT + pd.Timedelta(days=2),
            "decide_by": AT + pd.Timedelta(hours=9), "cost_eur": rng.uniform(1, 99, n_proposals),
            "benefit_eur": rng.uniform(1, 99, n_proposals), "loss_if_refused_eur": 1.0, "kg_co2e": 1.0,
            "reason": "r", "binding_constraints": "", "is_outlook": False, "status": "proposed",
        }
    )  # fmt: skip
    position = frame[["destination", "sku"]].rename(columns={"destination": "hub"}).assign(
        units_on_hand=9, units_inbound=0, units_out=0, units_in=6, target_units=15, expected_demand_units=9.0,
        stockout_probability=0.1, days_of_supply=1.0,
    )  # fmt: skip
    plan = {
        c.name: 0 if c.kind in (Kind.NUMBER, Kind.WHOLE) else "x" for c in OUTPUTS["plan"].columns if c.name != "as_of"
    }
    warehouse = Warehouse(settings)
    warehouse.write("plan", pd.DataFrame([plan]), NIGHT.date())
    warehouse.write("transfer", frame, NIGHT.date())
    warehouse.write("position", position, NIGHT.date())


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *values: object) -> None:
        """Stay quiet."""


@contextmanager
def _webhook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@contextmanager
def _timed(what: str, totals: list[tuple[float, float]]) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    totals.append((time.perf_counter() - wall, time.process_time() - processor))
    print(f"{what:<28} {totals[-1][0]:8.2f} s {totals[-1][1]:8.2f} s processor")


def _expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise SystemExit(f"{found} proposals came through instead of {wanted}")


def main() -> None:
    """Measure and print each step and the sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=int, default=100_000)
    n_proposals = parser.parse_args().proposals
    rules = [{"name": "small", "max_cost_eur": 500, "max_cover_hours": 48}]
    with tempfile.TemporaryDirectory() as folder, _webhook() as url:
        settings = Settings.model_validate({"warehouse": f"{folder}/w", "decisions": {"rules": rules}})
        build(settings, n_proposals)
        totals: list[tuple[float, float]] = []
        act = Act(AT, "benchmark")
        with _timed("approve by rule", totals):
            rows = decide_proposals(settings, None, "approve", Selection(is_by_rule=True), act).rows
        _expect(len(rows), n_proposals)
        with _timed("release", totals):
            decide_proposals(settings, None, "release", Selection(is_all=True), act)
        for form in FORMS:
            with _timed(f"export {form}", totals):
                exported = export_released(settings, None, form)
            _expect(exported.n_lines, n_proposals)
        targets = {"folder": str(Path(folder) / "out"), "table": f"sqlite:///{folder}/t.db", "webhook": url}
        for name, target in targets.items():
            outbox = settings.decisions.outbox.model_copy(update={"target": target, "receiver": name})
            decisions = settings.decisions.model_copy(update={"outbox": outbox})
            with _timed(f"deliver to a {name}", totals):
                delivery = deliver_released(settings.model_copy(update={"decisions": decisions}), act, None)
            _expect(0 if delivery is None else delivery.n_lines, n_proposals)
        print(f"{'all':<28} {sum(t[0] for t in totals):8.2f} s {sum(t[1] for t in totals):8.2f} s processor")


if __name__ == "__main__":
    main()
