"""What kind of tool a tool is: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_server_tool(tool: Mapping[str, Any]) -> bool:
    """Tell whether a tool is one of Anthropic's own.

    It has a dated type such as ``web_search_20250305`` and a name, or stands for the tools of an MCP server.
    """
    if tool.get("type", "function") in {"function", "custom"} or "input_schema" in tool:
        return False
    return "name" in tool or is_mcp_toolset(tool)


def is_mcp_toolset(tool: Mapping[str, Any]) -> bool:
    """Tell whether a tool stands for those that one of ``mcp_servers`` has."""
    return tool.get("type") == "mcp_toolset" and "mcp_server_name" in tool
