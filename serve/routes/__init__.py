"""Pages and the REST API, one module per page or group of requests: what it shows, and its ``router``."""

from __future__ import annotations
