"""Tells a completion as OpenAI's stream of server-sent events.

Source of the shape: `openai.types.chat.ChatCompletionChunk` and OpenAI's guide "Streaming API responses". Each token is
a chunk of its own, arguments of tools too, and the chunks of several choices alternate: a reader that parses single
pieces, or does not look at `index`, is found out.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.openai import tokens
from portkey_gateway.sandbox.openai.answer import without_usage

DONE: Final = b"data: [DONE]\n\n"

_SOUND_PIECE: Final = 4096
_PADDING: Final = 12

_Delta = tuple[dict[str, Any], dict[str, Any] | None]
"""What a chunk adds, and the log probability of its token."""


def encode(event: Mapping[str, Any]) -> bytes:
    """Write one event as bytes."""
    return f"data: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def chunks(completion: Mapping[str, Any], options: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the chunks that tell this completion, first to last.

    Args:
        completion: The whole completion.
        options: The request's `stream_options`. Only with `include_usage` is there a usage, in a last chunk without
            choices, and then every other chunk has the key too.
    """
    options = options or {}
    frame = without_usage(completion)
    usage = {"usage": None} if options.get("include_usage") else {}
    told = [list(_tell(choice)) for choice in completion["choices"]]
    for number, choice in enumerate(each for row in itertools.zip_longest(*told) for each in row if each):
        chunk = {**frame, "choices": [choice], **usage}
        yield chunk if options.get("include_obfuscation") is False else chunk | _padding(frame["id"], number)
    if usage:
        yield {**frame, "choices": [], "usage": completion["usage"]}


def _tell(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for delta, logprob in _deltas(choice["message"], choice["logprobs"]):
        yield {"index": choice["index"], "delta": delta, "logprobs": logprob, "finish_reason": None}
    yield {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}


def _deltas(message: Mapping[str, Any], logprobs: Mapping[str, Any] | None) -> Iterator[_Delta]:
    begun: dict[str, Any] = {
        "role": "assistant",
        "content": None if message["content"] is None else "",
        "refusal": None,
    }
    calls = list(map(_call_deltas, itertools.count(), message.get("tool_calls") or ()))
    if len(calls) == 1:  # a lone call begins in the first chunk
        begun["tool_calls"] = [next(calls[0])]
    yield begun, None
    for key in ("content", "refusal"):
        likely = (logprobs or {}).get(key)
        for position, token in enumerate(tokens.split(message[key] or "")):
            yield {key: token}, {"content": None, "refusal": None, key: [likely[position]]} if likely else None
    for call in calls:
        yield from (({"tool_calls": [delta]}, None) for delta in call)
    if called := message.get("function_call"):
        yield {"function_call": {"name": called["name"], "arguments": ""}}, None
        yield from (({"function_call": {"arguments": piece}}, None) for piece in tokens.split(called["arguments"]))
    if audio := message.get("audio"):
        yield from (({"audio": delta}, None) for delta in _audio_deltas(audio))


def _call_deltas(index: int, call: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    kind = call["type"]
    body, written = ("custom", "input") if kind == "custom" else ("function", "arguments")
    named = call[body]
    yield {"index": index, "id": call["id"], "type": kind, body: {"name": named["name"], written: ""}}
    for piece in tokens.split(named[written]):
        yield {"index": index, body: {written: piece}}


def _audio_deltas(audio: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"id": audio["id"]}
    for piece in tokens.split(audio["transcript"]):
        yield {"id": audio["id"], "transcript": piece}
    for start in range(0, len(audio["data"]), _SOUND_PIECE):
        yield {"id": audio["id"], "data": audio["data"][start : start + _SOUND_PIECE]}
    yield {"id": audio["id"], "expires_at": audio["expires_at"]}


def _padding(completion_id: str, number: int) -> dict[str, str]:
    """Return characters that hide how long a token is, as OpenAI adds them unless told not to."""
    digest = hashlib.sha256(f"{completion_id}{number}".encode()).hexdigest()
    return {"obfuscation": digest[: 1 + int(digest[0], 16) % _PADDING]}
