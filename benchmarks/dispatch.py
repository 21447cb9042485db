"""Measure approval, release, export, and delivery of 100,000 proposals: ``python -m benchmarks.dispatch [--proposals N]``.

The benchmark writes a plan to a temporary warehouse, approves it by rule, releases it, delivers it to a folder, a SQL table, and a local
webhook, and exports every form. It prints wall and CPU seconds; the target is 60 s in total. Then it delivers everything again to a
webhook that fails three times in ten, with a sender that is killed twice. Each proposal must arrive once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd

from dispatch.decide import Signature
from dispatch.export_form import registered_forms
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.decisions import Selection, decide_proposals
from pipeline.handover import deliver_released, export_released
from tests.worlds.neutral_rows import neutral_row

PLANNING_DATE = pd.Timestamp("2016-05-23")
HUBS = [f"H{place}" for place in range(20)]
DECISION_TIME = pd.Timestamp("2016-05-23T07:00", tz="UTC").as_unit("us")


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
        neutral_row("transfer", PLANNING_DATE.date())
        | {
            "proposal_id": [f"{place:016x}" for place in range(n_proposals)], "plan_id": "p", "kind": "transfer",
            "sku": [f"SKU{place:07d}" for place in range(n_proposals)], "origin": names[origin],
            "destination": names[destination], "lane": lane, "departure_id": np.char.add(lane, " 2016-05-23"),
            "units": packs * 6, "packs": packs, "ship_date": PLANNING_DATE, "arrival_date": PLANNING_DATE + pd.Timedelta(days=2),
            "decide_by": DECISION_TIME + pd.Timedelta(hours=9), "cost_eur": rng.uniform(1, 99, n_proposals),
            "benefit_eur": rng.uniform(1, 99, n_proposals), "loss_if_refused_eur": 1.0, "kg_co2e": 1.0,
            "reason": "r", "binding_constraints": "", "is_outlook": False, "status": "proposed",
        }
    )  # fmt: skip
    position = frame[["destination", "sku"]].rename(columns={"destination": "hub"}).assign(
        units_on_hand=9, units_inbound=0, units_out=0, units_in=6, target_units=15, expected_demand_units=9.0,
        stockout_probability=0.1, fill_rate=0.9, fill_rate_before=0.8, days_of_supply=1.0,
    )  # fmt: skip
    warehouse = Warehouse(settings)
    warehouse.write("plan", pd.DataFrame([neutral_row("plan", PLANNING_DATE.date())]), PLANNING_DATE.date())
    warehouse.write("transfer", frame, PLANNING_DATE.date())
    warehouse.write("position", position, PLANNING_DATE.date())


@dataclass
class _Accepted:
    """Documents that a webhook accepted, by key, and the number of requests; a share of the requests fails."""

    failing_rate: float = 0.0
    n_requests: int = 0
    documents: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _draw: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311 - no secret

    def accepts(self, key: str, body: bytes) -> bool:
        """Accept a document or fail; half of the failures happen after acceptance, like a lost response."""
        self.n_requests += 1
        chance = self._draw.random()
        if chance >= self.failing_rate / 2:
            self.documents[key].append(body)
        return chance >= self.failing_rate


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    accepted = _Accepted()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the sender was killed during the request
            self.close_connection = True
            return
        self.send_response(200 if self.accepted.accepts(self.headers["Idempotency-Key"], body) else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *values: object) -> None:
        """Log nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *values: object) -> None:
        """Log nothing if a client was killed."""


@contextmanager
def _webhook(accepted: _Accepted) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), type("Sink", (_Sink,), {"taken": accepted}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@contextmanager
def _timed(label: str, totals: list[tuple[float, float]]) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    totals.append((time.perf_counter() - wall, time.process_time() - processor))
    print(f"{label:<28} {totals[-1][0]:8.2f} s {totals[-1][1]:8.2f} s CPU")


def _expect(actual: int, expected: int) -> None:
    if actual != expected:
        raise SystemExit(f"{actual} proposals were processed instead of {expected}")


def _delivers_once(settings: Settings, n_proposals: int) -> None:
    """Deliver to a failing webhook with a sender that is killed after one and two thirds, and count the deliveries."""
    accepted, spawn = _Accepted(failing_rate=0.3), multiprocessing.get_context("spawn")
    with _webhook(accepted) as url:
        parts = {"target": url, "receiver": "failing", "wait_seconds": 0.01, "attempts": 20}
        to = _with_outbox(settings, parts)
        n_documents, begin = len(HUBS) * (len(HUBS) - 1), time.perf_counter()
        for share in (1 / 3, 2 / 3, 1.0):
            process = spawn.Process(target=deliver_released, args=(to, Signature(DECISION_TIME, "benchmark"), None))
            process.start()
            while process.is_alive() and (share == 1.0 or len(accepted.documents) < share * n_documents):
                time.sleep(0.005)
            if share < 1.0:
                process.kill()
            process.join()
        seconds = time.perf_counter() - begin
    arrived = Counter(
        line["proposal_id"] for bodies in accepted.documents.values() for line in json.loads(bodies[0])["lines"]
    )
    _expect(len(arrived), n_proposals)
    _expect(max(arrived.values()), 1)
    _expect(sum(len(set(bodies)) for bodies in accepted.documents.values()), len(accepted.documents))
    n_repeated = sum(len(bodies) - 1 for bodies in accepted.documents.values())
    print(
        f"{accepted.n_requests} requests, three in ten failed, sender killed twice, {seconds:.1f} s: {n_proposals:,} proposals in "
        f"{len(accepted.documents)} documents, each with one key and the same bytes; {n_repeated} repeated requests with the same key"
    )


def _with_outbox(settings: Settings, parts: dict[str, object]) -> Settings:
    outbox = settings.decisions.outbox.model_copy(update=parts)
    return settings.model_copy(update={"decisions": settings.decisions.model_copy(update={"outbox": outbox})})


def main() -> None:
    """Measure and print each step and the total, then deliver with failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=int, default=100_000)
    n_proposals = parser.parse_args().proposals
    rules = [{"name": "small", "max_cost_eur": 500, "max_cover_hours": 48}]
    with tempfile.TemporaryDirectory() as folder, _webhook(_Accepted()) as url:
        settings = Settings.model_validate({"warehouse": f"{folder}/w", "decisions": {"rules": rules}})
        build(settings, n_proposals)
        totals: list[tuple[float, float]] = []
        act = Signature(DECISION_TIME, "benchmark")
        with _timed("approve by rule", totals):
            rows = decide_proposals(settings, None, "approve", Selection(is_by_rule=True), act).rows
        _expect(len(rows), n_proposals)
        with _timed("release", totals):
            decide_proposals(settings, None, "release", Selection(is_all=True), act)
        for form in (form.name for form in registered_forms().values() if "transfer" in form.kinds):
            with _timed(f"export {form}", totals):
                exported = export_released(settings, None, form)
            _expect(exported.n_lines, n_proposals)
        targets = {"folder": str(Path(folder) / "out"), "table": f"sqlite:///{folder}/t.db", "webhook": url}
        for name, target in targets.items():
            to = _with_outbox(settings, {"target": target, "receiver": name})
            with _timed(f"deliver to a {name}", totals):
                delivery = deliver_released(to, act, None)
            _expect(0 if delivery is None else delivery.n_lines, n_proposals)
        print(f"{'total':<28} {sum(t[0] for t in totals):8.2f} s {sum(t[1] for t in totals):8.2f} s CPU")
        _delivers_once(settings, n_proposals)


if __name__ == "__main__":
    main()
