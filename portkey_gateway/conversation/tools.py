"""What kind of tool a tool is, and the one form in which a function is told: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

_TOOLSET: Final = re.compile(r"[a-z]+_toolset_\d{8}")
_OF_A_FLAT_ONE: Final = frozenset({"type", "name", "description", "input_schema", "parameters"})
"""What stands beside the name where no function holds it."""


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
    """Return a tool of the user's own as a function of chat completions; any other stays as it is.

    Args:
        tool: in OpenAI's form or the flat one of its Responses API (``{"type": "function", "name", "parameters"}``, the
            type of either perhaps left out), in Anthropic's (``{"name", "input_schema", …}``, perhaps of type
            ``custom``), a JSON schema with a title, or a tool of a provider's own.
    """
    schema = _schema_of(tool)
    if schema is None:
        return {**tool}
    if tool.get("type") == "object":
        return {"type": "function", "function": {"name": tool["title"], **_described(tool), "parameters": schema}}
    rest = {name: value for name, value in tool.items() if name not in _OF_A_FLAT_ONE}
    function = {"name": tool["name"], **_described(tool), "parameters": schema}
    return {"type": "function", "function": function, **rest}


def _schema_of(tool: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of a tool that is told beside its name; ``None`` of a tool in any other form."""
    kind = tool.get("type")
    if kind == "object" and isinstance(tool.get("title"), str) and isinstance(tool.get("properties"), Mapping):
        return {name: value for name, value in tool.items() if name not in {"title", "description"}}
    if "function" in tool or not isinstance(tool.get("name"), str):
        return None
    if kind in {None, "custom"} and isinstance(tool.get("input_schema"), Mapping):
        return cast("Mapping[str, Any]", tool["input_schema"])
    parameters = tool.get("parameters")
    if kind in {None, "function"} and isinstance(parameters, Mapping):
        return parameters
    return {} if kind == "function" and parameters is None else None


def _described(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": tool["description"]} if tool.get("description") else {}
