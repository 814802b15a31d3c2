"""Frames a reply as OpenAI's completion object, with its usage.

Source of the shape: `openai.types.chat.ChatCompletion` and `openai.types.CompletionUsage`.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.openai import models, tokens
from portkey_gateway.sandbox.openai.compose import count_reply
from portkey_gateway.sandbox.openai.parts import Wire
from portkey_gateway.sandbox.openai.reply import Reply, ToolCall
from portkey_gateway.sandbox.openai.sound import speak

_SOUND_LIFE_S: Final = 3600
_TIERS: Final = {"flex": "flex", "priority": "priority", "fast": "priority", "scale": "scale"}


def build_completion(reply: Reply, request: Wire, *, cached_tokens: int) -> dict[str, Any]:
    """Frame a reply as the completion that answers a request.

    Args:
        reply: What is said.
        request: The valid request.
        cached_tokens: How many tokens of the prompt were read from the cache.
    """
    count = request.get("n") or 1
    return {
        "id": f"chatcmpl-{secrets.token_hex(14)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": models.snapshot(request["model"]),
        "choices": [_choice(reply, request, index) for index in range(count)],
        "usage": _usage(reply, request, cached_tokens),
        "service_tier": _TIERS.get(str(request.get("service_tier")), "default"),
        "system_fingerprint": f"fp_{_digest(request['model'])[:10]}",
    }


def _choice(reply: Reply, request: Wire, index: int) -> dict[str, Any]:
    legacy = bool(reply.tool_calls) and "functions" in request
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.content,
        "refusal": reply.refusal,
        "annotations": [],
    }
    if legacy:
        call = reply.tool_calls[0]
        message["function_call"] = {"name": call.name, "arguments": call.arguments}
    elif reply.tool_calls:
        message["tool_calls"] = [_call(call, index) for call in reply.tool_calls]
    if "audio" in (request.get("modalities") or ()) and reply.content is not None:
        message |= {"content": None, "audio": _audio(reply.content, request)}
    reason = "function_call" if legacy and reply.finish_reason == "tool_calls" else reply.finish_reason
    return {"index": index, "message": message, "logprobs": _logprobs(reply, request), "finish_reason": reason}


def _call(call: ToolCall, choice: int) -> dict[str, Any]:
    # No two calls share an id, those of two choices neither.
    call_id = f"{call.id}_{choice}" if choice else call.id
    if call.custom:
        return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _audio(text: str, request: Wire) -> dict[str, Any]:
    return {
        "id": f"audio_{_digest(text)[:24]}",
        "data": speak(text, (request.get("audio") or {}).get("format", "wav")),
        "expires_at": int(time.time()) + _SOUND_LIFE_S,
        "transcript": text,
    }


def _usage(reply: Reply, request: Wire, cached_tokens: int) -> dict[str, Any]:
    prompt = tokens.count_prompt(request)
    completion = count_reply(reply) * (request.get("n") or 1)
    spoken = completion if "audio" in (request.get("modalities") or ()) else 0
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached_tokens, "audio_tokens": tokens.count_audio(request)},
        "completion_tokens_details": {
            "reasoning_tokens": reply.reasoning_tokens * (request.get("n") or 1),
            "audio_tokens": spoken,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    return usage | dict(reply.usage or {})


def _logprobs(reply: Reply, request: Wire) -> dict[str, Any] | None:
    if not request.get("logprobs"):
        return None
    most = request.get("top_logprobs") or 0
    return {
        "content": None if reply.content is None else [_logprob(token, most) for token in tokens.split(reply.content)],
        "refusal": None if reply.refusal is None else [_logprob(token, most) for token in tokens.split(reply.refusal)],
    }


def _logprob(token: str, most: int) -> dict[str, Any]:
    """Return how likely a token was: made up, but the same for the same token, and likelier than its alternatives."""
    chosen = -int(_digest(token)[:2], 16) / 1000
    others = [(token, chosen), *((f"{token}{'~' * rank}", chosen - rank) for rank in range(1, most))]
    return _entry(token, chosen) | {"top_logprobs": [_entry(*other) for other in others[:most]]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def without_usage(completion: Mapping[str, Any]) -> dict[str, Any]:
    """Return the frame that every chunk of a stream shares."""
    shared = ("id", "created", "model", "service_tier", "system_fingerprint")
    return {"object": "chat.completion.chunk", **{key: completion[key] for key in shared}}
