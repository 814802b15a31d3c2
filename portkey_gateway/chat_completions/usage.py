"""Usage as chat completions tell it, of any gateway and provider, decoded by one pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portkey_gateway.conversation.usage import Usage

if TYPE_CHECKING:
    from portkey_gateway.chat_completions.wire import WireUsage


def decode_usage(wire: WireUsage) -> Usage:
    """Decode ``usage`` as the gateway sends it.

    The open-source gateway's ``prompt_tokens`` leaves cached tokens out, the hosted gateway's includes them;
    ``total_tokens`` includes everything in both (gateway 1.15.2, ``providers/anthropic/chatComplete.ts``). So the
    input is what the total leaves after the output, wherever a total is given. Two shapes differ: Gemini's
    ``completion_tokens`` leaves reasoning out, its total does not (``providers/google/chatComplete.ts``); and a stream
    made of a cached answer has a total without cached tokens (``providers/openai/chatComplete.ts``).

    Args:
        wire: the ``usage`` object of an answer or of a stream's last chunk; ``None`` figures count as absent.
    """
    output = wire.get("completion_tokens") or 0
    prompt_details = wire.get("prompt_tokens_details") or {}
    completion_details = wire.get("completion_tokens_details") or {}
    cache_read = wire.get("cache_read_input_tokens") or prompt_details.get("cached_tokens") or 0
    cache_write = wire.get("cache_creation_input_tokens") or prompt_details.get("cache_write_tokens") or 0
    reasoning = completion_details.get("reasoning_tokens") or 0
    prompt = wire.get("prompt_tokens") or 0
    total = wire.get("total_tokens") or 0
    if total == prompt + output + reasoning:
        output += reasoning
    input_tokens = total - output if total > output else prompt
    if input_tokens < cache_read + cache_write:
        input_tokens += cache_read + cache_write
    heard, spoken = prompt_details.get("audio_tokens") or 0, completion_details.get("audio_tokens") or 0
    counts = (input_tokens, output, cache_read, cache_write, reasoning, heard, spoken)
    if not {*map(type, counts)} <= {int, bool}:
        raise TypeError(f"usage counts whole tokens; got {counts}")
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        reasoning_tokens=reasoning,
        input_audio_tokens=heard,
        output_audio_tokens=spoken,
    )
