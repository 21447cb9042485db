"""The section of a configuration about the workers of a Dask cluster.

Not here: connecting to them (``cluster``) and the other sections (``sections``, ``decision_sections``).
"""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from foundation.sections import Section

TLS = "tls"


class ClusterSection(Section):
    """Workers of a Dask cluster (extra `cluster`). The rows are the same for any number of them."""

    address: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Address of a Dask scheduler, `tls://scheduler:8786` or `tcp://127.0.0.1:8786`; null: this machine. See docs/how-to/run-on-a-cluster.md.",
    )
    workers: Annotated[int, Field(ge=0, le=256)] = Field(
        0,
        description="Number of Dask workers on this machine if `address` is null; 0: the worker processes of `positioning.processes`.",
    )
    tls_ca: str | None = Field(
        None,
        min_length=1,
        description="File with the certificate of the authority that signed the cluster's certificates (PEM). A `tls://` address needs it.",
    )
    tls_cert: str | None = Field(
        None, min_length=1, description="File with this machine's certificate (PEM). A `tls://` address needs it."
    )
    tls_key: str | None = Field(
        None, min_length=1, description="File with the key of `tls_cert` (PEM); null: it is in the same file."
    )

    @property
    def is_used(self) -> bool:
        """Whether a cluster is configured."""
        return self.address is not None or self.workers > 0

    @property
    def is_encrypted(self) -> bool:
        """Whether the address requires TLS."""
        return self.address is not None and urlsplit(self.address).scheme == TLS

    @field_validator("address")
    @classmethod
    def _reachable_by_few(cls, address: str | None) -> str | None:
        if address is None:
            return None
        try:
            parts = urlsplit(address)
            is_address = parts.scheme in ("tcp", TLS) and bool(parts.hostname) and parts.port is not None
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError("must be tcp://host:port or tls://host:port")
        if parts.scheme == "tcp" and _is_public(str(parts.hostname)):
            raise ValueError("a scheduler runs the code of anyone who reaches it; use tls:// for a public address")
        return address

    @model_validator(mode="after")
    def _complete(self) -> ClusterSection:
        if self.address is not None and self.workers:
            raise ValueError("cluster: give either an address or workers of this machine, not both")
        if self.is_encrypted and not (self.tls_ca and self.tls_cert):
            raise ValueError("cluster: a tls:// address needs tls_ca and tls_cert")
        return self


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False
