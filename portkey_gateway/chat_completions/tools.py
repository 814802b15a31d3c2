"""Tools of a conversation → those of a chat completion."""

from __future__ import annotations

from typing import Any, Final, cast

from portkey_gateway.chat_completions.losses import BLOCK_LOSSES
from portkey_gateway.conversation.request import Tool
from portkey_gateway.conversation.tools import is_server_tool
from portkey_gateway.errors import warn

_EXTRAS: Final = ("strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming")


def encode_tool(tool: Tool, *, for_claude: bool = False) -> Tool:
    """Encode one tool; functions are the same here as there.

    The gateway takes a server tool's name from ``type``, and its type and options from under that name.

    Args:
        tool: of the conversation.
        for_claude: whether a Claude gets it, to whom the gateway carries less of a function.

    Warns:
        PortkeyWarning: if an option of the tool does not reach Claude.
    """
    given: dict[str, Any] = {**tool}
    if is_server_tool(given):
        name = given["name"]
        options = {key: value for key, value in given.items() if key not in {"name", "type", "cache_control"}}
        mark = {"cache_control": given["cache_control"]} if given.get("cache_control") else {}
        return cast("Tool", {"type": name, name: {**options, "name": given["type"]}, **mark})
    if not for_claude or "function" not in given:
        return tool
    function = given["function"]
    lost = [name for name in _EXTRAS if function.get(name) or given.get(name)]
    if lost:
        remedy = BLOCK_LOSSES["tool_extras"].remedy
        warn(f"{', '.join(lost)} of tool {function['name']!r} does not reach Claude: {remedy}")
        given = {name: value for name, value in given.items() if name not in _EXTRAS}
        given["function"] = {name: value for name, value in function.items() if name not in _EXTRAS}
    return cast("Tool", given)
