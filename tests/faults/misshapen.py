"""Answers that say everything that an answer can, by API format: whole ones, and the events of streamed ones."""

from __future__ import annotations

from typing import Any, Final

_USAGE: Final = {
    "prompt_tokens": 3,
    "completion_tokens": 2,
    "total_tokens": 5,
    "cache_read_input_tokens": 1,
    "prompt_tokens_details": {"cached_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
_CLAUDE_USAGE: Final = {
    "input_tokens": 3,
    "output_tokens": 2,
    "cache_creation": {"ephemeral_5m_input_tokens": 1},
    "server_tool_use": {"web_search_requests": 1},
    "speed": "fast",
}
_HOOKS: Final = {"after_request_hooks": [{"verdict": False, "transformed": True}]}
_SEARCH: Final = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "sky"}}
_FOUND: Final = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
_BLOCKS: Final[list[dict[str, Any]]] = [
    {"type": "text", "text": "Hi", "citations": [{"type": "char_location", "cited_text": "sky"}]},
    {"type": "thinking", "thinking": "Hm", "signature": "s"},
    {"type": "redacted_thinking", "data": "d"},
    _SEARCH,
    _FOUND,
]
_CALL: Final = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Kiel"}'}}
_SOUND: Final = {"id": "a1", "data": "AAAA", "transcript": "Hi", "expires_at": 3}
_HEAD: Final = {"id": "m1", "model": "claude-sonnet-4-5", "provider": "anthropic"}

WHOLE: Final[dict[str, Any]] = {
    "chat_completions": {
        **_HEAD,
        "service_tier": "default",
        "choices": [
            {
                "index": 0,
                "message": {
                    "content": "Hi",
                    "content_blocks": _BLOCKS,
                    "tool_calls": [_CALL],
                    "reasoning_content": "Hm",
                    "refusal": "No",
                    "audio": _SOUND,
                },
                "logprobs": {"content": [{"token": "Hi", "logprob": -1.0}]},
                "finish_reason": "tool_use",
            }
        ],
        "usage": _USAGE,
        "hook_results": _HOOKS,
    },
    "messages": {
        "id": "m1",
        "model": "claude-sonnet-4-5",
        "content": [*_BLOCKS, {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Kiel"}}],
        "stop_reason": "tool_use",
        "usage": _CLAUDE_USAGE,
        "container": {"id": "c", "expires_at": "d"},
        "hook_results": _HOOKS,
    },
}


def _chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {**_HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def _block(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


EVENTS: Final[dict[str, Any]] = {
    "chat_completions": [
        _chunk({"role": "assistant", "content": ""}, hook_results=_HOOKS),
        _chunk({"content": "H", "content_blocks": [{"index": 0, "delta": {"text": "H"}}]}),
        _chunk({"content": "i", "content_blocks": [{"index": 0, "delta": {"text": "i"}}]}),
        _chunk({"content_blocks": [{"index": 1, "delta": {"thinking": "Hm"}}]}),
        _chunk({"content_blocks": [{"index": 1, "delta": {"signature": "s"}}]}),
        _chunk({"content_blocks": [{"index": 2, "delta": {"id": "s1", "name": "web_search", "input": {}}}]}),
        _chunk({"audio": _SOUND}),
        _chunk({"tool_calls": [{"index": 0, **_CALL}]}),
        _chunk({"tool_calls": [{"index": 0, "function": {"arguments": " "}}]}),
        _chunk({}, "tool_use", usage=_USAGE, service_tier="default"),
    ],
    "messages": [
        {"type": "message_start", "message": {"id": "m1", "model": "claude-sonnet-4-5", "usage": _CLAUDE_USAGE}},
        *_block(
            0,
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": "H"},
            {"type": "text_delta", "text": "i"},
            {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "sky"}},
        ),
        *_block(
            1,
            {"type": "thinking", "thinking": ""},
            {"type": "thinking_delta", "thinking": "Hm"},
            {"type": "signature_delta", "signature": "s"},
        ),
        *_block(
            2,
            {"type": "tool_use", "id": "c1", "name": "weather", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"city": "Kiel"}'},
        ),
        *_block(3, {**_SEARCH, "input": {}}, {"type": "input_json_delta", "partial_json": '{"query": "sky"}'}),
        *_block(4, _FOUND),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "container": {"id": "c"}},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ],
}
