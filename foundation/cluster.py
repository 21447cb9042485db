"""Workers of a Dask cluster: on this machine, or behind the address of a scheduler.

Here: connecting, the check of versions, states that live on workers, and lost workers. Not here: what workers compute, and the
settings (``cluster_section``). Nothing else imports ``distributed``, and this module imports it only to connect.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foundation.cluster_section import ClusterSection
from foundation.errors import ConfigurationError
from foundation.store.code_version import code_version

if TYPE_CHECKING:
    from distributed import Client, LocalCluster
    from distributed.actor import ActorFuture

log = logging.getLogger(__name__)

_CODE = ("features", "foundation", "models", "pipeline", "positioning")
_CHECKED = ("dask", "distributed", "numpy", "scipy", "pandas", "pyarrow", "numba", "lightgbm", "highspy")
_CONNECT_SECONDS = 30
_LOOK_SECONDS = 2.0  # between two looks at whether all workers are still there

Arguments = (
    tuple[Any, ...] | Callable[[], tuple[Any, ...]]
)  # a function where they are big: it is called when they are sent
Call = tuple[int, Callable[..., Any], Arguments]


class LostClusterError(Exception):
    """A worker or the scheduler is gone or cannot be reached; the message is a clause for a sentence."""


class Cluster:
    """Connected workers of one cluster."""

    def __init__(self, client: Client, local: LocalCluster | None = None) -> None:
        """Use all workers that ``client`` knows now; ``local`` is closed with it."""
        self._client, self._local = client, local
        self.addresses = tuple(sorted(client.nthreads()))

    def __len__(self) -> int:
        """Return the number of workers."""
        return len(self.addresses)

    def is_current(self) -> bool:
        """Return whether the connection works and the scheduler has these workers and no others."""
        try:
            return self._client.status == "running" and set(self._client.nthreads()) == set(self.addresses)
        except (OSError, RuntimeError):
            return False

    def states(self, build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> WorkerStates:
        """Keep ``build(*arguments[i])`` on worker i, for one entry of ``arguments`` for each of the first workers."""
        return WorkerStates(self, build, arguments)

    def holders(self, count: int) -> list[Any]:
        """Return an empty holder of a state on each of the first ``count`` workers.

        Raises
        ------
        LostClusterError
            If a worker is gone.

        """
        try:
            futures = [
                self._client.submit(_Holder, actor=True, workers=[place], allow_other_workers=False, pure=False)
                for place in self.addresses[:count]
            ]
            return [self.result(future) for future in futures]
        except RuntimeError as error:  # the client was closed in the meantime
            raise LostClusterError(_reason(error)) from error

    def result(self, future: ActorFuture[Any]) -> Any:
        """Wait for ``future`` as long as all workers are there.

        Raises
        ------
        LostClusterError
            If a worker or the scheduler is gone.

        """
        from distributed import CancelledError
        from distributed import TimeoutError as DaskTimeoutError

        while True:
            try:
                return future.result(timeout=_LOOK_SECONDS)
            except (TimeoutError, DaskTimeoutError):
                self._check()
            except (OSError, CancelledError) as error:
                raise LostClusterError("a worker of the cluster was lost or cannot be reached") from error

    def first_done(self, futures: Mapping[int, ActorFuture[Any]]) -> list[int]:
        """Wait until one of ``futures`` is done, and return the names of all that are.

        Raises
        ------
        LostClusterError
            If a worker or the scheduler is gone.

        """
        pause, waited = 0.0005, 0.0
        while not (done := [name for name, future in futures.items() if future.done()]):
            time.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, 0.01)
            if waited > _LOOK_SECONDS:
                self._check()
                waited = 0.0
        return done

    def run_everywhere(self, function: Callable[[], Any]) -> dict[str, Any]:
        """Return ``function()`` of every worker by its address."""
        return dict(self._client.run(function))

    def _check(self) -> None:
        if self._client.status != "running":
            raise LostClusterError("the connection to the scheduler was lost")
        try:
            present = self._client.nthreads()
        except (OSError, RuntimeError) as error:
            raise LostClusterError("the connection to the scheduler was lost") from error
        if missing := set(self.addresses) - set(present):
            raise LostClusterError(f"the worker {min(missing)} is gone")

    def close(self) -> None:
        """Disconnect, and end workers of this machine; errors of a cluster that is gone are of no interest."""
        for part in (self._client, self._local):
            if part is not None:
                try:
                    part.close(timeout=5)
                except Exception as error:
                    log.debug("closing the cluster: %s", error)


class WorkerStates:
    """One state on each of the first workers of a cluster, and calls of functions on them."""

    def __init__(self, cluster: Cluster, build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        self._cluster = cluster
        self._holders = cluster.holders(len(arguments))
        loading = [self._send(index, "load", build, parts) for index, parts in enumerate(arguments)]
        for future in loading:
            cluster.result(future)

    def run(self, calls: Sequence[Call], per_message: int = 8) -> list[Any]:
        """Return ``function(state of worker, *arguments)`` of every call ``(worker, function, arguments)``, in order.

        Each worker receives ``per_message`` calls at a time.

        Raises
        ------
        LostClusterError
            If a worker or the scheduler is gone.

        """
        waiting: dict[int, list[list[int]]] = {}
        for worker in sorted({call[0] for call in calls}):
            indices = [index for index, call in enumerate(calls) if call[0] == worker]
            waiting[worker] = [indices[start : start + per_message] for start in range(0, len(indices), per_message)]
        running: dict[int, tuple[list[int], ActorFuture[Any]]] = {}
        answers: dict[int, Any] = {}
        while waiting or running:
            for worker in (
                waiting.keys() - running.keys()
            ):  # one message at a time: a run that is killed leaves little behind
                part = waiting[worker].pop(0)
                running[worker] = part, self._send(worker, "run", [_to_send(calls[index]) for index in part])
            waiting = {worker: parts for worker, parts in waiting.items() if parts}
            for worker in self._cluster.first_done({worker: future for worker, (_, future) in running.items()}):
                part, future = running.pop(worker)
                answers.update(zip(part, self._cluster.result(future), strict=True))
        return [answers[index] for index in range(len(calls))]

    def close(self) -> None:
        """Let the workers forget their states."""
        self._holders = []

    def _send(self, worker: int, method: str, *arguments: Any) -> ActorFuture[Any]:
        try:
            future: ActorFuture[Any] = getattr(self._holders[worker], method)(*arguments)
        except RuntimeError as error:  # what Dask says of an actor whose worker is gone
            raise LostClusterError("a worker of the cluster was lost") from error
        return future


def _to_send(call: Call) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    _, function, arguments = call
    return function, arguments() if callable(arguments) else arguments


class _Holder:
    """An actor with one state; Dask runs its methods one after another."""

    def __init__(self) -> None:
        self._state: Any = None

    def load(self, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._state = build(*arguments)

    def run(self, calls: list[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
        return [function(self._state, *arguments) for function, arguments in calls]


_lock = threading.Lock()
_connected: dict[ClusterSection, Cluster] = {}


def connected(section: ClusterSection) -> Cluster:
    """Return the workers of ``section``; this process disconnects when it ends.

    A connection is used again as long as the workers are the same.

    Raises
    ------
    ConfigurationError
        If the extra ``cluster`` is not installed, or a worker has other versions or other code.
    LostClusterError
        If there is no scheduler or no worker.

    """
    with _lock:
        cluster = _connected.get(section)
        if cluster is not None and not cluster.is_current():
            _connected.pop(section).close()
            cluster = None
        if cluster is None:
            cluster = _connected[section] = _connect(section)
        return cluster


def disconnect(section: ClusterSection) -> None:
    """Close the connection of ``section``, if there is one; the next use connects again."""
    with _lock:
        if cluster := _connected.pop(section, None):
            cluster.close()


def _disconnect_all() -> None:
    for section in list(_connected):
        disconnect(section)


def _connect(section: ClusterSection) -> Cluster:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "cluster: the package distributed is not installed; install Forestock with its extra, forestock[cluster]"
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost worker is reported in one sentence
    atexit.register(_disconnect_all)
    if section.address is None:
        local = _local_cluster(section.workers)
        return Cluster(Client(local, direct_to_workers=True), local)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions, which are checked below
            client = Client(
                section.address, timeout=_CONNECT_SECONDS, security=_security(section), direct_to_workers=True
            )
    except (OSError, ValueError) as error:
        raise LostClusterError(f"no scheduler answers at {section.address} ({_reason(error)})") from error
    if not client.nthreads():
        client.close()
        raise LostClusterError(f"the scheduler {section.address} has no workers")
    try:
        _check_versions(client)
    except BaseException:
        client.close()
        raise
    return Cluster(client)


def _local_cluster(workers: int) -> LocalCluster:
    """Start workers that only this machine reaches; the scheduler is part of this process."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
        memory_limit=0, silence_logs=logging.CRITICAL,
    )  # fmt: skip


def _security(section: ClusterSection) -> Any:
    if not section.is_encrypted:
        return None
    from distributed.security import Security

    return Security(
        tls_ca_file=section.tls_ca,
        tls_client_cert=section.tls_cert,
        tls_client_key=section.tls_key or section.tls_cert,
        require_encryption=True,
    )


def _check_versions(client: Client) -> None:
    """Raise ``ConfigurationError`` in one line where a worker runs other packages or other code than this process.

    ``Client.get_versions(check=True)`` only warns.
    """
    versions = client.get_versions(packages=list(_CHECKED))
    here = versions["client"]["packages"]
    for place, worker in sorted(versions["workers"].items()):
        for name in ("python", *_CHECKED):
            ours, theirs = _short(name, here.get(name)), _short(name, worker["packages"].get(name))
            if ours != theirs:
                raise ConfigurationError(
                    f"cluster: the worker {place} has {name} {theirs or 'not installed'} and this machine {ours}; install the same versions on both"
                )
    ours = code_version(*_CODE)
    for place, theirs in sorted(_code_versions(client).items()):
        if theirs != ours:
            raise ConfigurationError(
                f"cluster: the worker {place} runs other code of Forestock ({theirs}) than this machine ({ours}); install the same version on both"
            )


def _code_versions(client: Client) -> dict[str, str]:
    result: dict[str, Any] = client.run(code_version, *_CODE, on_error="return")
    return {place: value if isinstance(value, str) else _reason(value) for place, value in result.items()}


def _short(name: str, version: str | None) -> str:
    """Return the version as far as it must agree: of Python, the first two numbers."""
    return ".".join((version or "").split(".")[:2]) if name == "python" else version or ""


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
