"""Blocks that only Claude says, in Anthropic's form or in LangChain's standard one → Anthropic's, to be replayed.

The standard forms are those that ``langchain_core.messages.block_translators.anthropic`` makes of Anthropic's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic_core import from_json

from portkey_langchain.media import Block, extras_of

_OWN_KINDS: Final = frozenset({"compaction", "container_upload", "fallback", "mcp_tool_listing"})
_OWN_ENDINGS: Final = ("_tool_use", "_tool_result")
_NAMES: Final = {"code_interpreter": "code_execution"}
_MCP: Final = "remote_mcp"
# How to tell the kind of a citation, which LangChain's form does not name.
_LOCATIONS: Final = {
    "start_char_index": "char_location",
    "search_result_index": "search_result_location",
    "start_block_index": "content_block_location",
    "start_page_number": "page_location",
}
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "web_search_result_location": frozenset({"url", "encrypted_index"}),
    "char_location": frozenset({"document_index", "start_char_index", "end_char_index"}),
    "page_location": frozenset({"document_index", "start_page_number", "end_page_number"}),
    "content_block_location": frozenset({"document_index", "start_block_index", "end_block_index"}),
    "search_result_location": frozenset({"search_result_index", "source", "start_block_index", "end_block_index"}),
}
"""What a citation of each kind has to have (Anthropic, "Messages": citations of a text block)."""
_NONE: Final = frozenset({"no citation"})
_UNTITLED: Final = frozenset({"web_search_result_location", "search_result_location"})


def as_claude_block(block: Block) -> dict[str, Any] | None:
    """Return a block of tools that Claude ran by itself, or another of its own; ``None`` if it is none."""
    kind = str(block.get("type"))
    if kind == "server_tool_call":
        return _as_server_tool_use(block)
    if kind == "server_tool_result":
        return _as_server_tool_result(block)
    if kind in _OWN_KINDS or kind.endswith(_OWN_ENDINGS):
        # Of a kind that Anthropic's SDK does not know yet, ChatAnthropic stores fields of others as None. By one alone
        # something is told: that a compaction failed.
        own = {
            name: value
            for name, value in block.items()
            if name not in {"index", "partial_json"} and (value is not None or name == "content")
        }
        if not own.get("input") and (pieces := block.get("partial_json")):
            # As ChatAnthropic leaves the input of a tool that it streamed.
            own["input"] = _read(pieces)
        if kind == "fallback" and "from_" in own:
            # As ChatAnthropic stores a word that Python has kept for itself.
            own["from"] = own.pop("from_")
        return own
    return None


def citations_of(block: Block) -> list[dict[str, Any]]:
    """The citations of a text, in Anthropic's form."""
    given = block.get("citations")
    if isinstance(given, list):
        return [dict(each) for each in given if isinstance(each, Mapping) and _is_whole(each)]
    annotations = block.get("annotations")
    return [*_as_citations(annotations)] if isinstance(annotations, list) else []


def _read(pieces: Any) -> Any:
    try:
        return from_json(pieces)
    except (TypeError, ValueError):
        return {}


def _as_server_tool_use(block: Block) -> dict[str, Any]:
    extras = {name: value for name, value in extras_of(block).items() if name not in {"tool_name", "partial_json"}}
    name = str(block.get("name"))
    named = {"type": "server_tool_use", "id": block.get("id"), "name": _NAMES.get(name, name)}
    if name == _MCP:
        named |= {"type": "mcp_tool_use", "name": extras_of(block).get("tool_name")}
    return {**named, "input": block.get("args") or {}, **extras}


def _as_server_tool_result(block: Block) -> dict[str, Any] | None:
    extras = {**extras_of(block)}
    kind = extras.pop("block_type", None)
    if not kind:
        return None
    told = {"type": kind, "tool_use_id": block.get("tool_call_id"), "content": block.get("output", []), **extras}
    return {**told, "is_error": block.get("status") == "error"} if kind == "mcp_tool_result" else told


def _as_citations(annotations: list[Any]) -> Iterator[dict[str, Any]]:
    for annotation in annotations:
        if not isinstance(annotation, Mapping):
            continue
        if annotation.get("type") == "non_standard_annotation":
            if isinstance(value := annotation.get("value"), Mapping):
                yield dict(value)
        elif citation := _as_citation(annotation):
            yield citation


def _as_citation(annotation: Block) -> dict[str, Any] | None:
    extras = extras_of(annotation)
    found = next((kind for mark, kind in _LOCATIONS.items() if mark in extras), None)
    kind = "web_search_result_location" if annotation.get("url") else found
    if kind is None:
        return None
    title = "title" if kind in _UNTITLED else "document_title"
    url = {"url": annotation["url"]} if annotation.get("url") else {}
    cited = {"type": kind, "cited_text": annotation.get("cited_text", ""), title: annotation.get("title")}
    made = {**cited, **url, **extras}
    # One that another model made, or a user, has not what Anthropic wants to see again.
    return made if _is_whole(made) else None


def _is_whole(citation: Block) -> bool:
    return _FIELDS.get(str(citation.get("type")), _NONE) <= citation.keys()
