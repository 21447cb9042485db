"""A workspace over a small plan, and clients of every role."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.workspace import Workspace
from serve import Access, Clock, Identity, build_app
from serve.access import hashed_password
from tests.flows.conftest import _planned_once, planned_settings
from tests.worlds.proposal_world import MORNING, proposal, warehouse_with

assert _planned_once
assert planned_settings
HOST = "http://127.0.0.1"
PASSWORD = "correct horse"  # noqa: S105 - of the tests
LINES = (
    proposal("aaaa1111", "tea", "A-B"),
    proposal("bbbb2222", "milk", "A-B", benefit_eur=-25.0),
    proposal("cccc3333", "tea", "B-C", decide_by=pd.Timestamp("2016-05-23T05:00", tz="UTC")),
    proposal("dddd4444", "<img src=x onerror=alert(1)>", "C-A"),
)


@dataclass
class Site:
    """A running workspace.

    Attributes
    ----------
    settings
        Its settings.
    app
        The application.
    access
        The content of its access file; a test may replace it.
    now
        Time of decisions; a test may change it.
    """

    settings: Settings
    access: Access = field(default_factory=Access)
    now: pd.Timestamp = MORNING
    app: Callable | None = None

    def build(self, **options: object) -> Site:
        """Build the application with changed options of ``serve``."""
        serve = self.settings.serve.model_copy(update=options)
        self.settings = self.settings.model_copy(update={"serve": serve})
        ticks = itertools.count()
        clock = Clock(lambda: self.now, lambda: next(ticks) * 0.001, is_set=True)
        identity = Identity(serve, lambda: self.access, clock.seconds, key="the-login-key", owner="Grace")
        self.app = build_app(Workspace(self.settings), identity, clock)
        return self

    def client(self, address: str = "127.0.0.1", **options: object) -> TestClient:
        """Return a client that is not logged in."""
        assert self.app is not None
        return TestClient(self.app, base_url=HOST, follow_redirects=False, client=(address, 5000), **options)  # type: ignore[arg-type] # options of the client

    def logged_in(self, name: str) -> Browser:
        """Return a browser in which a person has logged in."""
        client = self.client()
        assert client.post("/login", data={"name": name, "secret": PASSWORD}).status_code == 303
        return Browser(client)

    def ledger(self) -> pd.DataFrame:
        """Return the ledger, in the order of the decisions."""
        return Warehouse(self.settings).read("decision").sort_values("at", ignore_index=True)


class Browser:
    """A client that sends the page's token with every change."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        text = client.get("/proposals").text
        self.csrf = text.partition('data-csrf="')[2].partition('"')[0]

    def get(self, path: str, **parts: object) -> object:
        """Return the JSON content of an address."""
        response = self.client.get(path, params=parts)  # type: ignore[arg-type] # values of an address
        assert response.status_code == 200, response.text
        return response.json()

    def rows(self, **parts: object) -> list[dict]:
        """Return rows of the grid."""
        return self.get("/proposals/rows", **parts)["rows"]  # type: ignore[index] # an object

    def versions(self) -> dict[str, str]:
        """Return the version of every line and departure that the person sees."""
        return {row["id"]: row["version"] for row in self.rows()}

    def post(self, path: str, content: object, **headers: str) -> object:
        """Send a change as the page does, and return the response."""
        return self.client.post(path, json=content, headers={"x-csrf-token": self.csrf, **headers})

    def decide(self, verb: str, *names: str, **parts: object) -> object:
        """Decide on lines as the person sees them now."""
        seen = self.versions()
        body = {"verb": verb, "lines": {name: seen[name] for name in names}, **parts}
        return self.post("/decisions", body)


@pytest.fixture(scope="session")
def people() -> Access:
    """Return three people, one per role, whose password is the same."""
    roles = {"Vera": "viewer", "Paul": "planner", "Rita": "releaser", "Petra": "planner"}
    kept = hashed_password(PASSWORD, cost=2)  # the cost of a real one is a tenth of a second
    return Access({name: (role, kept) for name, role in roles.items()})  # type: ignore[misc] # the role is one of three


@pytest.fixture
def site(tmp_path: Path, people: Access) -> Site:
    """Return a workspace over four lines, in which people log in with a password."""
    return Site(warehouse_with(tmp_path, *LINES), people).build(identity="password")


@pytest.fixture
def planned_site(planned_settings: Callable[..., Settings], people: Access) -> Site:
    """Return a workspace over the planned warehouse that tests of the flows share."""
    return Site(planned_settings(), people, pd.Timestamp("2016-05-16T07:00", tz="UTC").as_unit("us")).build(
        identity="password"
    )
