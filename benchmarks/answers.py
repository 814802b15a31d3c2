"""What the mock gateway answers: known to both sides, so that every contender can be checked.

The bytes have the shape of the open-source gateway 1.15.2 with Anthropic behind it, not strict: text stands twice in
each chunk, in ``delta.content`` and in ``delta.content_blocks``, and usage comes on the last one. On ``/messages`` they
are Anthropic's own, which the gateway passes on untouched.
"""

from __future__ import annotations

from typing import Any

_WORDS = (" The", " river", " runs", " down", " to", " the", " sea", " and", " never", " comes", " back", ".\n")
_HEAD = '"created":1795355626,"model":"claude-sonnet-4-5","provider":"anthropic"'
_USAGE = (
    '"usage":{"prompt_tokens":8,"completion_tokens":31,"total_tokens":39,"prompt_tokens_details":{"cached_tokens":0}}'
)
_MESSAGE_HEAD = '"id":"msg_c2bc96d4965d","type":"message","role":"assistant","model":"claude-sonnet-4-5"'
_MESSAGE_USAGE = (
    '{"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":31,'
    '"service_tier":"standard"}'
)
_MEGABYTE = 1_000_000


def answer_pieces(messages: int, request_bytes: int, tokens: int) -> list[str]:
    """Return an answer in pieces of one token.

    The first tells what the request held, so that a request cut short cannot pass for a quick one.
    """
    opening = f"{messages} messages, {request_bytes // _MEGABYTE} MB:"
    return [opening, *(_WORDS[index % len(_WORDS)] for index in range(tokens - 1))]


def expected_answer(prompt: list[dict[str, Any]], tokens: int) -> str:
    """Return the text that a contender must get for a prompt."""
    return "".join(answer_pieces(len(prompt), sum(_length(message["content"]) for message in prompt), tokens))


def whole_answer(pieces: list[str]) -> bytes:
    """Render the body of an answer that is not streamed."""
    text = _json_text("".join(pieces))
    message = f'{{"role":"assistant","content":{text},"content_blocks":[{{"type":"text","text":{text}}}]}}'
    choice = f'{{"message":{message},"index":0,"logprobs":null,"finish_reason":"end_turn"}}'
    return f'{{"id":"msg_c2bc96d4965d","object":"chat.completion",{_HEAD},"choices":[{choice}],{_USAGE}}}'.encode()


def events(pieces: list[str]) -> list[bytes]:
    """Render the server-sent events of a streamed answer."""
    return [
        _event('{"content":"","role":"assistant"}'),
        _event('{"content_blocks":[{"index":0,"delta":{"text":""}}]}'),
        *(_text_event(_json_text(piece)) for piece in pieces),
        _event("{}", finish_reason='"end_turn"', after=f",{_USAGE}"),
        b"data: [DONE]\n\n",
    ]


def whole_message(pieces: list[str]) -> bytes:
    """Render the body of an answer on ``/messages`` that is not streamed."""
    text = _json_text("".join(pieces))
    content = f'"content":[{{"type":"text","text":{text}}}],"stop_reason":"end_turn","stop_sequence":null'
    return f'{{{_MESSAGE_HEAD},{content},"usage":{_MESSAGE_USAGE}}}'.encode()


def message_events(pieces: list[str]) -> list[bytes]:
    """Render the server-sent events of a streamed answer on ``/messages``."""
    start = f'{{{_MESSAGE_HEAD},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{_MESSAGE_USAGE}}}'
    deltas = [
        f'{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{_json_text(piece)}}}}}'
        for piece in pieces
    ]
    stop = '{"stop_reason":"end_turn","stop_sequence":null}'
    told = [
        ("message_start", f'{{"type":"message_start","message":{start}}}'),
        ("content_block_start", '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
        *(("content_block_delta", delta) for delta in deltas),
        ("content_block_stop", '{"type":"content_block_stop","index":0}'),
        ("message_delta", f'{{"type":"message_delta","delta":{stop},"usage":{_MESSAGE_USAGE}}}'),
        ("message_stop", '{"type":"message_stop"}'),
    ]
    return [f"event: {name}\ndata: {data}\n\n".encode() for name, data in told]


def _text_event(text: str) -> bytes:
    return _event(f'{{"content":{text},"content_blocks":[{{"index":0,"delta":{{"text":{text}}}}}]}}')


def _event(delta: str, *, finish_reason: str = "null", after: str = "") -> bytes:
    choice = f'{{"delta":{delta},"index":0,"logprobs":null,"finish_reason":{finish_reason}}}'
    chunk = f'{{"id":"anthropic-1795355626164","object":"chat.completion.chunk",{_HEAD},"choices":[{choice}]{after}}}'
    return f"data: {chunk}\n\n".encode()


def _json_text(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


def _length(content: str | list[dict[str, Any]]) -> int:
    if isinstance(content, str):
        return len(content)
    return sum(len(block["image_url"]["url"] if block["type"] == "image_url" else block["text"]) for block in content)
