"""Routes, one module per page or group of requests, each with a ``router``."""

from __future__ import annotations
