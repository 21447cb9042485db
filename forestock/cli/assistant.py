"""The command ``mcp``: a server of the Model Context Protocol on standard input and output.

Not here: its tools (``forestock.mcp_server``).
"""

from __future__ import annotations

from forestock.cli.terminal import Config, Overrides
from foundation.errors import ConfigurationError


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


COMMANDS = {"mcp": mcp}
