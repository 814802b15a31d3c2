"""What kind of tool a tool is, and the one form in which a function is told: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_TOOLSET: Final = re.compile(r"[a-z]+_toolset_\d{8}")
_OF_THE_FUNCTION: Final = ("name", "description")


def is_server_tool(tool: Mapping[str, Any]) -> bool:
    """Tell whether a tool is one of Anthropic's own.

    It has a dated type such as ``web_search_20250305`` and a name, or stands for several tools at once.
    """
    if tool.get("type", "function") in {"function", "custom"} or "input_schema" in tool:
        return False
    return "name" in tool or is_toolset(tool)


def is_toolset(tool: Mapping[str, Any]) -> bool:
    """Tell whether a tool stands for several: those that one of ``mcp_servers`` has, or those of Anthropic's toolsets.

    It has no name, or one that its tools are not called by.
    """
    kind = str(tool.get("type"))
    return (kind == "mcp_toolset" and "mcp_server_name" in tool) or _TOOLSET.fullmatch(kind) is not None


def as_function(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool of the user's own as a function, also one in Anthropic's form; any other stays as it is.

    Args:
        tool: in OpenAI's form, Anthropic's (``{"name", "input_schema", …}``, perhaps of type ``custom``), or a tool of
            a provider's own.
    """
    if not isinstance(tool.get("input_schema"), Mapping) or tool.get("type", "custom") != "custom":
        return {**tool}
    function = {name: tool[name] for name in _OF_THE_FUNCTION if name in tool}
    rest = {name: value for name, value in tool.items() if name not in {*_OF_THE_FUNCTION, "type", "input_schema"}}
    return {"type": "function", "function": {**function, "parameters": tool["input_schema"]}, **rest}
