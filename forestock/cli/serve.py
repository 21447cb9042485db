"""Commands that serve a warehouse to people and assistants: ``serve``, ``grant``, ``mcp``.

Here: options, clocks, the login key, and the server. Not here: routes and pages (``serve``), use cases (``pipeline.workspace``), tools of
assistants (``forestock.mcp_server``).
"""

from __future__ import annotations

import getpass
import ipaddress
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forestock.cli.decide import DecisionTime
from forestock.cli.terminal import Config, Overrides
from foundation.errors import ConfigurationError, ForestockError

if TYPE_CHECKING:
    import pandas as pd

    from foundation.settings import Settings
    from pipeline.workspace import Workspace
    from serve.access import Access

KEY_VARIABLE = "FORESTOCK_LOGIN_KEY"  # a login key for `serve.identity: key` instead of a new one at every start
_SETTLE_SECONDS = 5.0
Port = Annotated[
    int | None, typer.Option("--port", "-p", min=1, max=65_535, metavar="PORT", help="Port; default: serve.port.")
]


def serve(config: Config, port: Port = None, decided_at: DecisionTime = None, overrides: Overrides = None) -> None:
    """Serve the planner's workspace and the REST API until interrupted, on this machine only by default.

    With --at, the clock of decisions starts at that time, for a plan of the past.

    Example:  forestock serve --config demo.yaml --at 2016-05-23T07:00
    """
    import uvicorn

    from pipeline.configuration import load_settings
    from pipeline.workspace import Workspace
    from serve.app import Clock, build_app
    from serve.identity import Identity

    settings = load_settings(config, tuple(overrides or ()))
    _refuse_open(settings)
    read_access = _access_reader(settings)
    workspace = Workspace(settings)
    if workspace.dates():
        workspace.plan(None)
    key = os.environ.get(KEY_VARIABLE) or secrets.token_urlsafe(24) if settings.serve.identity == "key" else ""
    identity = Identity(settings.serve, read_access, time.monotonic, key, getpass.getuser())
    app = build_app(workspace, identity, Clock(_clock(decided_at), time.monotonic, decided_at is not None))
    number = port or settings.serve.port
    _announce(settings, number, key)
    if workspace.dates() and decided_at is None:
        _warn_of_cutoffs(workspace)
    print("Ctrl-C stops it.", flush=True)
    stop = threading.Event()
    settling = threading.Thread(target=_settle, args=(workspace.settle, stop), daemon=True)
    settling.start()
    try:
        uvicorn.run(
            app, host=settings.serve.host, port=number, log_level="warning", server_header=False, proxy_headers=False
        )
    except KeyboardInterrupt:
        print("stopped")
    finally:
        stop.set()
        settling.join()
        workspace.settle()


def _settle(settle: Callable[[float], None], stop: threading.Event) -> None:
    """Update the tables that repeat the ledger's statuses, a few seconds after decisions."""
    import logging

    while not stop.wait(_SETTLE_SECONDS):
        try:
            settle(time.monotonic())
        except Exception:
            logging.getLogger("serve").exception(
                "the statuses were not written; they are written after the next decision"
            )


def _clock(start: datetime | None) -> Callable[[], pd.Timestamp]:
    """Return a clock in UTC; with ``start`` it runs from there."""
    import pandas as pd

    offset = (start - datetime.now(UTC)) if start else None

    def now() -> pd.Timestamp:
        moment = datetime.now(UTC)
        return pd.Timestamp(moment + offset if offset else moment).tz_convert("UTC").as_unit("us")

    return now


def _refuse_open(settings: Settings) -> None:
    """Raise ``ConfigurationError`` if other machines could reach a workspace that is meant for one person."""
    host = settings.serve.host
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback and settings.serve.identity == "key":
        raise ConfigurationError(
            f"serve.host {host} is reachable from other machines; set serve.identity to password or proxy"
        )


def _announce(settings: Settings, port: int, key: str) -> None:
    host = f"[{settings.serve.host}]" if ":" in settings.serve.host else settings.serve.host
    address = f"http://{host}:{port}/"
    print(f"workspace  {address}login?key={key}" if key else f"workspace  {address}")
    print(f"REST API   {address}api/openapi.json")


def _warn_of_cutoffs(workspace: Workspace) -> None:
    """Print how to decide as of a plan of the past, if no departure of the newest plan can be decided any more."""
    import pandas as pd

    from foundation.commands import DECIDED_AT, command

    plan = workspace.plan(None)
    if len(plan.departures) and (plan.departures["decide_by"] < pd.Timestamp.now("UTC")).all():
        print(
            f"All cut-offs of the plan of {plan.as_of} have passed, so no line can be approved. To decide as of that morning:\n"
            f"  {command(workspace.settings, 'serve')} --at {plan.as_of}{DECIDED_AT}"
        )


def _access_place(settings: Settings) -> str:
    from foundation.store import files

    return settings.serve.access_file or files.joined(settings.warehouse, "access.json")


def _read_access(settings: Settings) -> Access:
    from foundation.store import files
    from serve.access import Access as Content

    place = _access_place(settings)
    if not files.exists(place):
        return Content()
    try:
        text = files.read_text(place)
    except UnicodeDecodeError:
        raise ConfigurationError(f"{place} is not an access file (no text); write it with forestock grant") from None
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be read: {error.strerror or error}") from None
    return Content.from_text(text, place)


def _access_reader(settings: Settings) -> Callable[[], Access]:
    """Return a function that reads the access file at most once a second; while it cannot be read, no person or client has access.

    Raises ``ConfigurationError`` if it cannot be read now.
    """
    import logging

    from serve.access import Access as Content

    known = [(time.monotonic(), _read_access(settings))]

    def read() -> Access:
        now = time.monotonic()
        if now - known[0][0] > 1:
            try:
                known[:] = [(now, _read_access(settings))]
            except ForestockError as error:
                logging.getLogger("serve").error("%s; no person or client has access until it can be read", error)
                known[:] = [(now, Content())]
        return known[0][1]

    return read


def grant(
    config: Config,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the person or API client.")],
    role: Annotated[
        Literal["viewer", "planner", "releaser"],
        typer.Option("--role", help="viewer reads, planner also decides, releaser also releases."),
    ] = "viewer",
    token: Annotated[bool, typer.Option("--token", help="A client of the REST API: print a new token, once.")] = False,
    proxy: Annotated[
        bool, typer.Option("--proxy", help="A person whom a trusted proxy identifies: no password.")
    ] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Remove the access of the person or client.")] = False,
    overrides: Overrides = None,
) -> None:
    """Give a person or an API client access to the workspace; the password is read from the terminal or standard input.

    Example:  forestock grant --config demo.yaml ada --role planner
    """
    from foundation.store import files
    from pipeline.configuration import load_settings

    settings = load_settings(config, tuple(overrides or ()))
    access, shown = _read_access(settings), ""
    if revoke:
        access = access.without(name)
    elif token:
        access, shown = access.with_client(name, role)
    else:
        access = access.with_person(name, role, None if proxy else _password())
    place = files.write_private(_access_place(settings), access.to_text())
    print(shown or f"{name}: {'no access' if revoke else role}, in {place}")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ConfigurationError("the two passwords differ")
    return first


def mcp(config: Config, overrides: Overrides = None) -> None:
    """Serve plans, tables, explanations, and what-ifs to an assistant over the Model Context Protocol; read-only.

    The assistant starts the command and speaks with it on standard input and output. It needs the extra `mcp`.

    Example:  forestock mcp --config demo.yaml
    """
    from pipeline.configuration import load_settings

    settings = load_settings(config, tuple(overrides or ()))
    try:
        from forestock.mcp_server import mcp_server
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise ConfigurationError("forestock mcp needs the package mcp; run pip install 'forestock[mcp]'") from None
    mcp_server(settings).run("stdio")


COMMANDS = {"serve": serve, "grant": grant, "mcp": mcp}
