"""Tells which of a request's tools Claude may call now: some are loaded later, or come and go amid the conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portkey_gateway.sandbox.claude.blocks import message_blocks

Tool = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of a request.

    Attributes:
        ready: Those Claude can call.
        deferred: Those it must search for first.
    """

    ready: tuple[Tool, ...]
    deferred: tuple[Tool, ...]


def open_toolbox(body: Mapping[str, Any]) -> Toolbox:
    """Follow the tools through the conversation: what was found, what system messages added and took away."""
    tools = list(body.get("tools") or ())
    loaded: set[str] = set()
    removed: set[str] = set()
    for located in message_blocks(body["messages"]):
        block = located.block
        if located.type == "tool_reference":
            loaded.add(block["tool_name"])
        elif located.type == "tool_search_tool_result":
            loaded |= {reference["tool_name"] for reference in block["content"].get("tool_references", ())}
        elif located.type == "tool_removal":
            removed.add(block["tool"].get("name"))
        elif located.type == "tool_addition":
            added = block["tool"].get("definition") or {}
            tools += [added] if added else []
            name = added.get("name") or block["tool"].get("name")
            loaded.add(name)
            removed.discard(name)
    present = [tool for tool in tools if tool.get("name") not in removed]
    waiting = [tool for tool in present if tool.get("defer_loading") and tool.get("name") not in loaded]
    return Toolbox(tuple(tool for tool in present if tool not in waiting), tuple(waiting))
