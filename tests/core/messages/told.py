"""How Claude tells a message: whole, and as the events of a stream that is cut anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from portkey_gateway.conversation.answer import Answer
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.decode import MessageFold
from portkey_gateway.messages.stream import DECODING, MessageEvents

Block = dict[str, Any]

INFO: Final = GatewayInfo(200, trace_id="trace-1")
USE: Final[Block] = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}}
USAGE: Final = {"input_tokens": 7, "output_tokens": 3}


def message(blocks: list[Block], stop_reason: str | None = "end_turn", **rest: Any) -> dict[str, Any]:
    """The body of a whole answer."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": USAGE,
        **rest,
    }


def whole(blocks: list[Block], stop_reason: str | None = "end_turn", **rest: Any) -> Answer:
    return DECODING.decode(json.dumps(message(blocks, stop_reason, **rest)).encode(), INFO)


def fold(events: Iterable[Any]) -> Answer:
    """The answer of a stream of these events, through its bytes; half a surrogate pair is escaped in them.

    One that says no reason to stop ends its turn.
    """
    decoder, answer = MessageEvents(INFO), MessageFold(INFO)
    told = list(events)
    if not any((event.get("delta") or {}).get("stop_reason") for event in told):
        told.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in [*told, {"type": "message_stop"}]).encode()
    for part in (decoder.feed(stream), decoder.close()):
        for event in part:
            answer.add(event)
    return answer.answer()


def streamed(told: dict[str, Any], cuts: list[int], *, whole_inputs: bool = False) -> Iterator[Any]:
    """The events of an answer, in the names and the order of Anthropic's reference, "Streaming messages".

    Args:
        told: the whole answer.
        cuts: the lengths of the pieces that texts and inputs are cut into, in turn, in UTF-16 units.
        whole_inputs: whether inputs come whole with the start of their block.
    """
    at_the_end = {"stop_reason", "stop_sequence", "stop_details", "container"}
    begun = {name: value for name, value in told.items() if name != "context_management"} | {"content": []}
    used = {**told["usage"], "output_tokens": 1}
    yield {"type": "message_start", "message": begun | dict.fromkeys(at_the_end) | {"usage": used}}
    yield {"type": "ping"}
    for index, block in enumerate(told["content"]):
        yield from block_events(index, *told_block(block, cuts, whole_inputs=whole_inputs))
    yield {
        "type": "message_delta",
        "delta": {name: told.get(name) for name in at_the_end},
        "usage": {name: value for name, value in told["usage"].items() if name != "cache_creation"},
        "context_management": told.get("context_management"),
    }


def block_events(index: int, start: Block, deltas: Iterable[Block]) -> Iterator[Any]:
    yield {"type": "content_block_start", "index": index, "content_block": start}
    yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
    yield {"type": "content_block_stop", "index": index}


def told_block(block: Block, cuts: list[int], *, whole_inputs: bool) -> tuple[Block, list[Block]]:
    """How a block starts, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        texts = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"], cuts)]
        citations = [{"type": "citations_delta", "citation": one} for one in block.get("citations") or ()]
        return {"type": "text", "text": ""} | ({"citations": []} if citations else {}), [*texts, *citations]
    if kind == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], cuts)]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return block | {"thinking": "", "signature": ""}, [*thoughts, signature]
    if "input" in block and not whole_inputs:
        written = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
        pieces = ["", *_pieces(written, cuts)]
        return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    if kind == "compaction":
        summary = block["content"]
        contents: list[str | None] = [None] if summary is None else [*_characters(summary, cuts)]
        return block | {"content": None}, [{"type": "compaction_delta", "content": piece} for piece in contents]
    return block, []


def _pieces(text: str, cuts: list[int]) -> Iterator[str]:
    """Cut as JavaScript does, inside an emoji too."""
    units = text.encode("utf-16-le")
    for piece in _characters(
        [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)], cuts
    ):
        yield "".join(piece)


def _characters(text: Any, cuts: list[int]) -> Iterator[Any]:
    start = turn = 0
    while start < len(text):
        end = start + cuts[turn % len(cuts)]
        yield text[start:end]
        start, turn = end, turn + 1
