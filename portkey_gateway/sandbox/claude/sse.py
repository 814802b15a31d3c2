"""Tells a message as Anthropic's stream of server-sent events.

Source of names and order: Anthropic's API reference, "Streaming messages". Tool input is cut into uneven pieces, as
the real one is, so that a reader that parses single pieces is found out.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.answer import Message, delta_usage

Event = Mapping[str, Any]
"""The data of one event; its `type` is the event's name."""

# Short and odd, so that keys, numbers and escapes are cut in two.
_JSON_PIECE_SIZES: Final = (1, 5, 2, 9, 3, 14)
_TOLD_LAST: Final = ("stop_details", "container", "context_management")
_WORD: Final = re.compile(r"\s*\S+\s*$|\s*\S+|\s+$")


def encode(event: Event) -> bytes:
    """Write one event as bytes."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def events(
    message: Message, *, opening: Mapping[str, Any] | None = None, cut_json: str | None = None
) -> Iterator[Event]:
    """Yield the events that tell this message, first to last.

    Args:
        message: The whole message.
        opening: The usage that the first event tells; by default the message's own, with one token of output.
        cut_json: What to tell of the last tool call's input instead of all of it.
    """
    last = len(message["content"]) - 1
    known = {key: value for key, value in message["usage"].items() if key != "output_tokens_details"}
    begun = {
        **{key: value for key, value in message.items() if key not in _TOLD_LAST},
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": opening or {**known, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(message["content"]):
        start, deltas = _told(block, cut_json if index == last else None)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended: dict[str, Any] = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    if "stop_details" in message:
        ended["stop_details"] = message["stop_details"]
    if "container" in message:
        ended["container"] = message["container"]
    last_event = {"type": "message_delta", "delta": ended, "usage": delta_usage(message["usage"])}
    if "context_management" in message:
        last_event["context_management"] = message["context_management"]
    yield last_event
    yield {"type": "message_stop"}


def _told(block: dict[str, Any], cut_json: str | None) -> tuple[Event, Iterator[Event]]:
    """Return how a block starts and the deltas that complete it."""
    match block["type"]:
        case "text":
            # A cited text begins with its citations, as Anthropic's do.
            citations = block.get("citations") or ()
            words = [{"type": "text_delta", "text": word} for word in _WORD.findall(block["text"])]
            told = [*({"type": "citations_delta", "citation": citation} for citation in citations), *words]
            return block | {"text": ""} | ({"citations": []} if citations else {}), iter(told)
        case "compaction":
            summary = {"type": "compaction_delta", "content": block["content"]}
            return block | {"content": None}, iter([summary])
        case "tool_use" if _is_from_code(block):
            return block, iter(())  # code writes its calls at once
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            written = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            pieces = _json_pieces(written if cut_json is None else cut_json)
            return block | {"input": {}}, ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in _WORD.findall(block["thinking"])]
            signature = {"type": "signature_delta", "signature": block["signature"]}
            return block | {"thinking": "", "signature": ""}, iter([*thoughts, signature])
        case _:
            return block, iter(())


def _is_from_code(block: Mapping[str, Any]) -> bool:
    return bool((block.get("caller") or {"type": "direct"})["type"] != "direct")


def _json_pieces(text: str) -> Iterator[str]:
    """Yield a tool's input in pieces, an empty one first; nothing but that for an empty input, as Claude does."""
    yield ""
    sizes = itertools.cycle(_JSON_PIECE_SIZES)
    start = 0
    while start < len(text):
        end = start + next(sizes)
        yield text[start:end]
        start = end
