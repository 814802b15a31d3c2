"""What kind of block a streamed block of Claude's is: in streams the gateway deletes its ``type`` (1.15.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CALL: Final = frozenset({"id", "name"})
# Fields that no other block has (Anthropic's SDK 2.12, `BetaContentBlock`).
_BY_FIELDS: Final = {
    "mcp_tool_listing": frozenset({"mcp_server_name", "tools"}),
    "fallback": frozenset({"from", "to"}),
}
_OF_A_COMPACTION: Final = frozenset({"content", "encrypted_content", "signature", "tool_changes"})
SERVER_CALLS: Final = frozenset({"server_tool_use", "mcp_tool_use"})
_TOOL_SEARCH: Final = "tool_search_tool"


class ServerToolKinds:
    """Tells the kinds of blocks around tools that the provider runs by itself; a result is known by its call."""

    __slots__ = ("_result_kinds",)

    def __init__(self) -> None:
        self._result_kinds: dict[str, str] = {}

    def named(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return a block with its ``type``, where it can be told; what has one keeps it."""
        kind = raw.get("type") or self._kind(raw)
        if not isinstance(kind, str):
            return raw
        if raw.keys() >= _CALL:
            self._result_kinds[str(raw["id"])] = _result_kind(kind, str(raw["name"]))
        return raw if "type" in raw else {"type": kind, **raw}

    def _kind(self, raw: Mapping[str, Any]) -> str | None:
        if raw.keys() >= _CALL:
            return "mcp_tool_use" if "server_name" in raw else "server_tool_use"
        if "tool_use_id" in raw:
            return self._result_kinds.get(str(raw["tool_use_id"]))
        if raw.keys() == {"file_id"}:
            return "container_upload"
        if "content" in raw and raw.keys() <= _OF_A_COMPACTION:
            return "compaction"
        return next((kind for kind, fields in _BY_FIELDS.items() if fields <= raw.keys()), None)


def _result_kind(call_kind: str, name: str) -> str:
    """The kind of a tool's result: Anthropic names it after the tool, in whichever variant."""
    if call_kind == "mcp_tool_use":
        return "mcp_tool_result"
    return f"{_TOOL_SEARCH if name.startswith(_TOOL_SEARCH) else f'{name}_tool'}_result"
