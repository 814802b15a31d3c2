"""How a gateway tells a chat completion: whole, and in the chunks of a stream."""

from __future__ import annotations

import json
from typing import Any, Final

from portkey_gateway.chat_completions.decode import AnswerFold
from portkey_gateway.chat_completions.stream import DECODING, ChunkStream
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.info import GatewayInfo
from tests.support import gateway_model

INFO: Final = GatewayInfo(200, trace_id="trace-1")


def fold(stream: bytes) -> Answer:
    """What the chunks say, be they the whole answer or not."""
    answer = AnswerFold(INFO)
    for chunk in ChunkStream(INFO).feed(stream):
        answer.add(chunk)
    return answer.answer()


def fold_deltas(*deltas: dict[str, Any], **last: Any) -> Answer:
    """The answer of chunks with these deltas; what else the last one holds."""
    return fold(gateway_model.events(iter([*({"choices": [{"delta": delta}]} for delta in deltas), last])))


def block_chunk(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"content_blocks": [{"index": index, "delta": delta}]}


def whole(message: dict[str, Any], **rest: Any) -> Answer:
    return DECODING.decode(json.dumps({"choices": [{"message": message}], **rest}).encode(), INFO)
