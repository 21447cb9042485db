"""Plans on a Dask cluster: the same rows as in this process, and a clean end where a worker or the scheduler is lost."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import positioning
from foundation.cluster import connected, disconnect
from foundation.cluster_section import ClusterSection
from foundation.errors import ConfigurationError, StageError
from foundation.settings import Settings
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.workers import worker_pool
from tests.worlds.dask_cluster import DaskCluster, dask_cluster
from tests.worlds.positioning_world import AS_OF, Frames, World, random_world

N_SKUS = 2 * Parameters().chunk_skus + 1
QUICK = {"scenarios": 3, "out_of_sample_scenarios": 6, "effort": 0.05}


@pytest.fixture(scope="module")
def world() -> World:
    return random_world(1, n_skus=N_SKUS).but(positioning=QUICK)


@pytest.fixture(scope="module")
def expected(world: World) -> Frames:
    return world.plan()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running
        disconnect(ClusterSection(address=running.address))


def on(world: World, cluster: ClusterSection) -> Settings:
    return world.settings.model_copy(update={"cluster": cluster})


def planned(world: World, cluster: ClusterSection) -> Frames:
    """Return the plan of shuffled inputs on ``cluster``."""
    tables = {name: frame.sample(frac=1.0, random_state=5) for name, frame in world.tables().items()}
    forecasts = {name: frame.sample(frac=1.0, random_state=6) for name, frame in world.forecasts().items()}
    return positioning.plan(tables, forecasts, on(world, cluster), AS_OF)


def assert_same(frames: Frames, expected: Frames) -> None:
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(frame, frames[name], check_exact=True)


def leave(_: object, skus: list[int]) -> list[int]:
    """End the worker as the system ends a process, if it is the one of the first chunk."""
    if skus == [0]:
        os._exit(9)
    return skus


def work(_: object, skus: list[int]) -> list[int]:
    """Work for a minute."""
    time.sleep(60)
    return skus


def run_on(world: World, section: ClusterSection, task: Any) -> None:
    settings = on(world, section)
    problem = positioning.inputs.problem.build_problem(world.tables(), world.forecasts(), settings, AS_OF, None)
    with worker_pool(problem, N_SKUS, Parameters()) as workers:
        workers.run(task, [([0],), ([Parameters().chunk_skus],)])


def test_workers_of_a_cluster_plan_the_same_rows(world: World, expected: Frames, dask: DaskCluster) -> None:
    assert_same(planned(world, ClusterSection(address=dask.address)), expected)


def test_a_worker_with_other_code_is_refused(dask: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    disconnect(ClusterSection(address=dask.address))
    monkeypatch.setattr("foundation.cluster._code_versions", lambda _: {"tcp://10.0.0.7:1": "0123456789ab"})
    with pytest.raises(ConfigurationError, match=r"the worker tcp://10.0.0.7:1 runs other code of Forestock"):
        connected(ClusterSection(address=dask.address))


def test_a_worker_with_another_version_is_refused(dask: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def versions(self: object, **_: object) -> dict[str, Any]:
        return {"client": {"packages": {"pandas": "3.1.0"}}, "workers": {"w": {"packages": {"pandas": "3.0.0"}}}}

    section = ClusterSection(address=dask.address)
    disconnect(section)  # versions are checked once per connection
    monkeypatch.setattr("distributed.Client.get_versions", versions)
    with pytest.raises(ConfigurationError, match=r"the worker w has pandas 3.0.0 and this machine 3.1.0"):
        connected(section)


def test_a_killed_worker_ends_the_stage_and_the_rest_plans_the_same_rows(
    world: World, expected: Frames, dask: DaskCluster
) -> None:
    section = ClusterSection(address=dask.address)
    with pytest.raises(StageError, match=r"^stage rebalance failed: .*; run again to continue$"):
        run_on(world, section, leave)
    assert_same(planned(world, section), expected)


def test_a_new_worker_is_used_from_the_next_plan_on(dask: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    section = ClusterSection(address=dask.address)
    before = connected(section)
    assert connected(section) is before
    monkeypatch.setattr(before, "addresses", (*before.addresses, "tcp://127.0.0.1:1"))
    assert connected(section) is not before


def test_a_killed_scheduler_ends_the_stage(world: World, dask: DaskCluster) -> None:
    killing = threading.Timer(1.0, dask.scheduler.kill)
    killing.start()
    with pytest.raises(StageError, match=r"^stage rebalance failed: .*; run again to continue$"):
        run_on(world, ClusterSection(address=dask.address), work)
    killing.join()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(7))
def test_three_kills_at_random_moments_end_cleanly(world: World, expected: Frames, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (no secret)
    with dask_cluster(tmp_path, n_workers=3) as running:
        section = ClusterSection(address=running.address)
        begin = time.monotonic()
        assert_same(planned(world, section), expected)
        seconds = time.monotonic() - begin
        for victim in (*running.workers[:2], running.scheduler):
            killing = threading.Timer(draw.uniform(0.0, seconds), victim.kill)
            killing.start()
            try:
                assert_same(planned(world, section), expected)
            except StageError as error:
                assert str(error).startswith("stage rebalance failed: ")  # noqa: PT017 (a late kill raises nothing)
                assert str(error).endswith("; run again to continue")  # noqa: PT017 (as above, in full)
            killing.join()
            victim.wait()
            if victim is not running.scheduler:
                assert_same(planned(world, section), expected)
        disconnect(section)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_of_this_machine_plan_the_same_rows(workers: int) -> None:
    world, section = random_world(2, n_skus=100), ClusterSection(workers=workers)
    assert_same(planned(world, section), world.plan())
    disconnect(section)


@pytest.mark.slow
def test_a_cluster_with_tls_is_used_and_refuses_a_plain_connection(
    world: World, expected: Frames, tmp_path: Path
) -> None:
    from distributed import Client
    from distributed.security import Security

    certificate, key = self_signed(tmp_path)
    names = {"tls_ca": certificate, "tls_cert": certificate, "tls_key": key}
    options = ["--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key]
    security = Security(
        tls_ca_file=certificate, tls_client_cert=certificate, tls_client_key=key, require_encryption=True
    )
    with dask_cluster(tmp_path, host="tls://127.0.0.1", certificates=options, security=security) as running:
        section = ClusterSection(address=running.address, **names)
        assert section.is_encrypted
        assert_same(planned(world, section), expected)
        disconnect(section)
        with pytest.raises(OSError):  # noqa: PT011 (a reset or a time-out)
            Client(running.address.replace("tls://", "tcp://"), timeout=2)


def self_signed(folder: Path) -> tuple[str, str]:
    """Write a certificate that is its own authority, and its key; return both places."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forestock test")])
    start = datetime(2024, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(form))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(form, serialization.PrivateFormat.PKCS8, plain))
    return str(folder / "certificate.pem"), str(folder / "key.pem")
