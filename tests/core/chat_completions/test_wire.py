"""The typed shapes against bytes of the real gateway: every key it sends is one that a type names."""

import json
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from portkey_gateway.chat_completions.wire import ChatResponse, Chunk
from portkey_gateway.conversation.request import ChatRequest, Message

WIRE = Path(__file__).parents[2] / "wire"
STREAMS = sorted(WIRE.glob("*.sse"))
ANSWERS = [WIRE / name for name in ("mixed.json", "mixed_strict.json", "search.json", "guardrail_246.json")]

# Sent by every provider under OpenAI's schema; nobody here reads them.
UNREAD = {"object", "logprobs"}


def payloads(stream: Path) -> list[dict[str, Any]]:
    lines = stream.read_bytes().split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


def without_unread(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_unread(item) for key, item in value.items() if key not in UNREAD}
    return [without_unread(item) for item in value] if isinstance(value, list) else value


def _is_required(hint: Any, *, is_total: bool) -> bool:
    return get_origin(hint) is Required or (is_total and get_origin(hint) is not NotRequired)


def _fits_keys(value: Any, shape: Any) -> bool:
    # Annotations are text in this module, so the class itself does not know which keys it requires.
    hints = get_type_hints(shape, include_extras=True)
    required = {key for key, hint in hints.items() if _is_required(hint, is_total=shape.__total__)}
    return (
        isinstance(value, dict)
        and required <= value.keys() <= hints.keys()
        and all(fits(item, get_type_hints(shape)[key]) for key, item in value.items())
    )


def fits(value: Any, shape: Any) -> bool:
    """Tell whether a value has a type's shape, without a key that the type does not name."""
    arguments = get_args(shape)
    if shape is Any:
        return True
    if is_typeddict(shape):
        return _fits_keys(value, shape)
    origin = get_origin(shape)
    if origin is Literal:
        return value in arguments
    if origin in {Union, UnionType}:
        return any(fits(value, alternative) for alternative in arguments)
    items = list(value.values()) if isinstance(value, dict) else value
    return isinstance(value, origin or shape) and (not origin or all(fits(item, arguments[-1]) for item in items))


@pytest.mark.parametrize("stream", STREAMS, ids=lambda path: path.name)
def test_every_chunk_of_the_gateway_is_a_chunk(stream: Path) -> None:
    chunks = payloads(stream)
    assert chunks
    for chunk in chunks:
        assert fits(without_unread(chunk), Chunk), chunk


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: path.name)
def test_every_answer_of_the_gateway_is_an_answer(answer: Path) -> None:
    assert fits(without_unread(json.loads(answer.read_bytes())), ChatResponse)


def test_a_request_with_every_kind_of_block_is_a_request() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    request = {
        "model": "claude-sonnet-4-5",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": mark}]},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "file", "file": {"mime_type": "application/pdf", "file_data": "JVBERi0="}},
                ],
            },
            {
                "role": "assistant",
                "content_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "Eq=="}],
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "now", "arguments": "{}"}}],
            },
            {
                "role": "tool",
                "tool_call_id": "1",
                "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}],
            },
        ],
        "tools": [{"type": "function", "function": {"name": "now"}, "cache_control": mark}],
        "tool_choice": "auto",
    }
    assert fits(request, ChatRequest)


@pytest.mark.parametrize(
    "message",
    [
        {"content": "Hello"},
        {"role": "robot", "content": "Hello"},
        {"role": "user", "contents": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": 3}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://example.com/a.png"}]},
    ],
)
def test_what_the_gateway_would_drop_or_refuse_is_no_message(message: dict[str, Any]) -> None:
    assert not fits(message, Message)
