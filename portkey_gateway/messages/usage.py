"""Usage as the Messages API tells it, decoded by one pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portkey_gateway.conversation.usage import Usage

if TYPE_CHECKING:
    from portkey_gateway.messages.wire import WireUsage


def decode_usage(wire: WireUsage) -> Usage:
    """Decode ``usage``: Anthropic's ``input_tokens`` leaves out what was read from the cache or written to it.

    Args:
        wire: the ``usage`` object of an answer, or that of a stream's last event over that of its first; ``None``
            figures count as absent.

    Raises:
        TypeError: if a figure is no whole number.
    """
    written = wire.get("cache_creation") or {}
    hour = written.get("ephemeral_1h_input_tokens") or 0
    write = wire.get("cache_creation_input_tokens")
    if write is None:
        write = hour + (written.get("ephemeral_5m_input_tokens") or 0)
    read = wire.get("cache_read_input_tokens") or 0
    fresh, output = wire.get("input_tokens") or 0, wire.get("output_tokens") or 0
    thinking = (wire.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    searches = (wire.get("server_tool_use") or {}).get("web_search_requests") or 0
    counts = (fresh, output, read, write, hour, thinking, searches)
    if not {*map(type, counts)} <= {int, bool}:
        raise TypeError(f"usage counts whole tokens; got {counts}")
    return Usage(
        input_tokens=fresh + read + write,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=write,
        # A stream tells the parts at its start only, the sum again at its end.
        cache_write_1h_tokens=min(hour, write),
        reasoning_tokens=thinking,
        web_searches=searches,
    )
