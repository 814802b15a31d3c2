"""What kind of tool a tool is: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_server_tool(tool: Mapping[str, Any]) -> bool:
    """Tell whether a tool is one of Anthropic's own: a dated type such as ``web_search_20250305``, and a name."""
    return tool.get("type", "function") not in {"function", "custom"} and "name" in tool and "input_schema" not in tool
