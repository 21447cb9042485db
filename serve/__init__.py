"""The planner's workspace and the REST API: a web application over one warehouse.

Here: routes, pages, identity, and protection of requests. Not here: use cases such as decisions and what-ifs; the CLI passes
them in as a ``Workspace`` (``serve.workspace``), which ``pipeline`` implements.
"""

from __future__ import annotations

from serve.access import Access, Grant
from serve.app import Clock, build_app
from serve.identity import Identity
from serve.workspace import Conflict, DecisionReply, DecisionRequest, OpenPlan, Workspace

__all__ = [
    "Access", "Clock", "Conflict", "DecisionReply", "DecisionRequest", "Grant", "Identity", "OpenPlan", "Workspace", "build_app",
]  # fmt: skip
