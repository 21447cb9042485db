"""The section of a configuration about the planner's workspace.

Not here: the other sections (``sections``, ``decision_sections``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from foundation.sections import Names, Section


class Serve(Section):
    """Planner's workspace and REST API (`forestock serve`)."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        max_length=255,
        description="Address to listen on; the default is reachable from this machine only.",
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(8050, description="Port to listen on.")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+/?$",
        description="Address under which people open the workspace, for links in Prefect; default: `http://` with `host` and `port`.",
    )
    allowed_hosts: Names = Field(
        (),
        description="Names under which browsers reach the workspace, in addition to `host` and `localhost`. Requests with another Host header are refused.",
    )
    identity: Literal["key", "password", "proxy"] = Field(
        "key",
        description="How people are identified: `key` is one login key, printed at the start, for one person on this machine; `password` is the access file; `proxy` is the header of a trusted proxy.",
    )
    access_file: str | None = Field(
        None,
        min_length=1,
        description="File with people, roles, password hashes, and hashed tokens, written by `forestock grant`; default: `access.json` in the warehouse.",
    )
    proxy_header: str = Field(
        "X-Forwarded-User",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="Header in which a trusted proxy names the person.",
    )
    trusted_proxies: Names = Field(
        (),
        description="Addresses or networks of proxies, for example 10.0.0.0/8. A request from another address that has the header is refused.",
    )
    default_role: Literal["viewer", "planner", "releaser"] | None = Field(
        None, description="Role of people whom the proxy names and the access file does not; null: they have no access."
    )
    session_hours: Annotated[float, Field(ge=0.1, le=720)] = Field(12.0, description="Hours until a login ends.")
    max_body_kb: Annotated[int, Field(ge=1, le=100_000)] = Field(
        1_024, description="Maximum size of a request in kilobytes."
    )
    requests_per_minute: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        1_200, description="Maximum requests per minute of one person, client, or address."
    )
    trend_runs: Annotated[int, Field(ge=2, le=400)] = Field(
        30, description="Number of runs in the trends of the page Today."
    )

    def address(self, path: str = "/") -> str:
        """Return the address of a page under which people open the workspace; ``path`` begins with a slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{(self.public_url or f'http://{host}:{self.port}').rstrip('/')}{path}"
