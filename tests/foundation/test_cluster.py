"""Settings of a cluster, and what connecting refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foundation.cluster import LostClusterError, connected
from foundation.cluster_section import ClusterSection
from foundation.configuration import load_settings, settings_from
from foundation.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
_WITHOUT = """
import sys
from foundation.settings import Settings
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.workers import worker_pool
from tests.worlds.positioning_world import random_world
with worker_pool(random_world(1, n_skus=2).problem(), 2, Parameters()) as workers:
    assert workers.run(lambda _, skus: skus, [([0, 1],)]) == [0, 1]
import pipeline.run
print(sorted(name for name in sys.modules if name.split(".")[0] in ("dask", "distributed")))
"""


def test_without_a_cluster_distributed_is_not_imported() -> None:
    script = [sys.executable, "-c", _WITHOUT]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 (our own)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"address": "scheduler:8786"}, "must be tcp://host:port or tls://host:port"),
        ({"address": "tcp://scheduler"}, "must be tcp://host:port or tls://host:port"),
        ({"address": "http://127.0.0.1:8786"}, "must be tcp://host:port or tls://host:port"),
        ({"address": "tcp://8.8.8.8:8786"}, "use tls:// for a public address"),
        ({"address": "tls://scheduler:8786"}, "needs tls_ca and tls_cert"),
        ({"address": "tcp://127.0.0.1:8786", "workers": 2}, "not both"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings_from({"cluster": given}, "test.yaml")


def test_certificates_are_next_to_the_configuration(tmp_path: Path) -> None:
    lines = ["cluster:", "  address: tls://scheduler:8786", "  tls_ca: ca.pem", "  tls_cert: /etc/own.pem"]
    config = tmp_path / "cluster.yaml"
    config.write_text("\n".join(lines))
    cluster = load_settings(config).cluster
    assert (cluster.tls_ca, cluster.tls_cert, cluster.tls_key) == (str(tmp_path / "ca.pem"), "/etc/own.pem", None)


def test_a_scheduler_that_does_not_answer_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foundation.cluster._CONNECT_SECONDS", 0.3)
    with pytest.raises(LostClusterError, match=r"^no scheduler answers at tcp://127\.0\.0\.1:1 \(.*\)$"):
        connected(ClusterSection(address="tcp://127.0.0.1:1"))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r"forestock\[cluster\]"):
        connected(ClusterSection(workers=1))
