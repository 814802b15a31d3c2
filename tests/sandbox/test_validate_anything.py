"""Whatever arrives is either taken or refused with an error a client can read: nothing makes the judge fall over."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.sandbox.claude.answer import build_message
from portkey_gateway.sandbox.claude.brain import think
from portkey_gateway.sandbox.claude.cache_ledger import CacheLedger
from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_gateway.sandbox.claude.validate import validate

CACHED = {"type": "ephemeral", "ttl": "1h"}
GOOD: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 4000,
    "temperature": 1,
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "system": [{"type": "text", "text": "Be brief.", "cache_control": CACHED}],
    "tools": [
        {
            "name": "add",
            "description": "Adds",
            "input_schema": {
                "type": "object",
                "properties": {
                    "a": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]},
                    "b": {"items": {"enum": [1]}},
                },
                "required": ["a"],
                "$defs": {"N": {"type": "number", "minimum": 0}},
            },
        },
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.com"]},
    ],
    "tool_choice": {"type": "auto"},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Once"}]}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Once"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")},
                {"type": "redacted_thinking", "data": seal("Hm.")},
                {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "42"}]},
                {"type": "text", "text": "Go on", "cache_control": CACHED},
            ],
        },
    ],
}

BETAS = ("inline-tools-2026-09-15", "mcp-client-2025-11-20", "compact-2026-01-12")
NEWEST: dict[str, Any] = {
    "model": "claude-opus-5",
    "max_tokens": 4000,
    "output_config": {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"type": "array", "items": {"anyOf": [{"const": 1}]}}},
                "required": ["a"],
                "additionalProperties": False,
                "$defs": {"A": {"type": "string", "enum": ["x"]}},
            },
        },
    },
    "context_management": {
        "edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 60_000}}]
    },
    "mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "docs"}],
    "container": {"id": "container_1", "skills": [{"type": "anthropic", "skill_id": "xlsx"}]},
    "tools": [
        {"name": "add", "input_schema": {"type": "object"}, "allowed_callers": ["code_execution_20250825"]},
        {"name": "sub", "input_schema": {"type": "object"}, "defer_loading": True},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 1},
        {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        {"type": "mcp_toolset", "mcp_server_name": "docs", "configs": {"ask": {"enabled": True}}},
    ],
    "messages": [
        {"role": "user", "content": "Search the web, ask docs, run code and sub"},
        {
            "role": "assistant",
            "content": [
                {"type": "compaction", "content": "They talked."},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": [
                        {"type": "web_search_result", "title": "t", "url": "u", "encrypted_content": seal("e")}
                    ],
                },
                {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "ask", "input": {}, "server_name": "docs"},
                {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [{"type": "text", "text": "a"}]},
                {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": {"code": "c"}},
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "add",
                    "input": {},
                    "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_2"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [
                        {
                            "type": "search_result",
                            "source": "s",
                            "title": "t",
                            "content": [{"type": "text", "text": "words"}],
                        }
                    ],
                }
            ],
        },
        {
            "role": "system",
            "content": [
                {
                    "type": "tool_addition",
                    "tool": {
                        "type": "tool_definition",
                        "definition": {"name": "mul", "input_schema": {"type": "object"}},
                    },
                },
                {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "sub"}},
            ],
        },
    ],
}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a body."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


WORDS = st.sampled_from(
    ["text", "image", "document", "tool_use", "base64", "url", "content", "object", "auto", "any", "", "compaction"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(["type", "$ref"]), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("body", [GOOD, NEWEST], ids=["good", "newest"])
def test_the_unchanged_body_is_taken(body: dict[str, Any]) -> None:
    assert validate(body, betas=BETAS) is None  # type: ignore[func-returns-value]  # that it returns is the point


@given(place=st.sampled_from(list(places(GOOD))), replacement=JSON, remove=st.booleans())
def test_any_change_is_answered_or_refused_in_words(place: tuple[Any, ...], replacement: Any, remove: bool) -> None:
    check_changed(GOOD, place, replacement, remove=remove)


@given(place=st.sampled_from(list(places(NEWEST))), replacement=JSON, remove=st.booleans())
def test_any_change_of_the_newest_is_answered_or_refused_in_words(
    place: tuple[Any, ...], replacement: Any, remove: bool
) -> None:
    check_changed(NEWEST, place, replacement, remove=remove)


def check_changed(good: dict[str, Any], place: tuple[Any, ...], replacement: Any, *, remove: bool) -> None:
    body = deepcopy(good)
    *way, last = place
    parent: Any = body
    for key in way:
        parent = parent[key]
    if remove:
        del parent[last]
    else:
        parent[last] = replacement

    refusal = refusal_of(body)

    assert refusal is None or (refusal.status in (400, 404) and refusal.message)
    if refusal is None:
        assert build_message(think(body), body=body, input_usage=CacheLedger().account("key", body))["stop_reason"]


@given(JSON)
def test_any_json_is_refused_in_words(body: Any) -> None:
    refusal = refusal_of(body)

    assert refusal is not None
    assert refusal.status == 400


def refusal_of(body: Any) -> ClaudeError | None:
    try:
        validate(body, betas=BETAS)
    except ClaudeError as error:
        return error
    return None
