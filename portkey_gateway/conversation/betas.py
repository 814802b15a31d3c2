"""Anthropic's beta features that a request needs by what it asks for, so that nobody has to name them. Pure.

Sources: ``langchain-anthropic`` 1.7.10, which adds the same (``_TOOL_TYPE_TO_BETA``, ``_get_request_payload``), and the
beta types of Anthropic's SDK 2.12. What has become general since is named too, as it is there: it does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from portkey_gateway.conversation.plain import beside_plain
from portkey_gateway.conversation.request import TOOL_CHANGES

_OF_TOOLSETS: Final = "mcp-client-2025-11-20"
# It offers all tools of its servers; the newer one wants a toolset for each.
_OF_SERVERS_ALONE: Final = "mcp-client-2025-04-04"
_OF_EXAMPLES: Final = "advanced-tool-use-2025-11-20"
_OF_TOOLS: Final = {
    "web_fetch_20250910": "web-fetch-2025-09-10",
    "code_execution_20250522": "code-execution-2025-05-22",
    "mcp_toolset": _OF_TOOLSETS,
    "memory_20250818": "context-management-2025-06-27",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "tool_search_tool_regex_20251119": "advanced-tool-use-2025-11-20",
    "tool_search_tool_bm25_20251119": "advanced-tool-use-2025-11-20",
    "advisor_20260301": "advisor-tool-2026-03-01",
}
_OF_PARAMETERS: Final = {
    "compaction": "compact-2026-09-04",
    "fallback_credit_token": "fallback-credit-2026-07-01",
    "fallbacks": "server-side-fallback-2026-07-01",
    "speed": "fast-mode-2026-02-01",
    "thread": "message-threads-2026-08-12",
    "user_profile_id": "user-profiles-2026-03-24",
}
_ASKING: Final = frozenset({"tools", "mcp_servers", "context_management", "output_config", "thinking", *_OF_PARAMETERS})
"""The parameters that may need one."""
_OF_EDITS: Final = {"compact_20260112": "compact-2026-01-12"}
_OF_OTHER_EDITS: Final = "context-management-2025-06-27"
_OF_BLOCKS: Final = {
    "compaction": _OF_EDITS["compact_20260112"],
    "fallback": _OF_PARAMETERS["fallbacks"],
    "mcp_tool_listing": "mcp-client-2026-09-15",
    "advisor_tool_result": _OF_TOOLS["advisor_20260301"],
}
"""Of what Claude said before, and is told again also where nothing of the kind is asked for any more."""
_OF_MCP_BLOCKS: Final = frozenset({"mcp_tool_use", "mcp_tool_result"})
_OF_TOOL_CHANGES: Final = "mid-conversation-tool-changes-2026-07-01"
_OF_NEW_TOOLS: Final = "inline-tools-2026-09-15"


def needed_betas(request: Mapping[str, Any]) -> Iterator[str]:
    """Name the beta features that a request to Claude makes use of; some perhaps more than once.

    Args:
        request: with its messages, tools and parameters.
    """
    said = [message for _, message in beside_plain(request.get("messages") or ())]
    if not said and _ASKING.isdisjoint(request):
        return
    tools = [_as_anthropics(tool) for tool in request.get("tools") or ()]
    for tool in tools:
        if beta := _OF_TOOLS.get(str(tool.get("type"))):
            yield beta
        if tool.get("input_examples"):
            yield _OF_EXAMPLES
    if request.get("mcp_servers") and not any(tool.get("type") == "mcp_toolset" for tool in tools):
        yield _OF_SERVERS_ALONE
    for edit in (request.get("context_management") or {}).get("edits") or ():
        yield _OF_EDITS.get(str(edit.get("type")), _OF_OTHER_EDITS)
    if (request.get("output_config") or {}).get("task_budget"):
        yield "task-budgets-2026-03-13"
    if (request.get("thinking") or {}).get("display") == "updates":
        yield "thinking-display-updates-2026-08-18"
    yield from (beta for name, beta in _OF_PARAMETERS.items() if request.get(name))
    yield from _of_what_was_said(said, request)
    yield from _of_tool_changes(said)


def _of_what_was_said(messages: Iterable[Mapping[str, Any]], request: Mapping[str, Any]) -> Iterator[str]:
    for block in _blocks(messages):
        if beta := _OF_BLOCKS.get(block["type"]):
            yield beta
        elif block["type"] in _OF_MCP_BLOCKS and not request.get("mcp_servers"):
            yield _OF_TOOLSETS


def _as_anthropics(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic's tools name their type below the name in the gateway's form, and a function says all of itself."""
    kind = tool.get("type")
    options = tool.get(str(kind))
    if not isinstance(options, Mapping):
        return dict(tool)
    return {**tool, **options, "type": kind if kind == "function" else options.get("name")}


def _of_tool_changes(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for block in _blocks(message for message in messages if message["role"] == "system"):
        if block["type"] in TOOL_CHANGES:
            is_new = (block.get("tool") or {}).get("type") == "tool_definition"
            yield _OF_NEW_TOOLS if is_new else _OF_TOOL_CHANGES


def _blocks(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if isinstance(message.get("content"), list):
            yield from message["content"]
