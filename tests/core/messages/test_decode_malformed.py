"""What is no answer of the Messages API, and no event of one: each raises its own error."""

from typing import Any

import pytest

from portkey_gateway.errors import (
    ErrorInBodyError,
    HTMLResponseError,
    InvalidResponseError,
    NotJSONError,
    StreamDecodeError,
)
from portkey_gateway.messages.decode import MessageFold
from portkey_gateway.messages.stream import DECODING
from tests.core.messages.told import INFO, USE, Block


@pytest.mark.parametrize(
    ("content", "error_class"),
    [
        (b"", NotJSONError),
        (b'{"id": "msg_1", "con', NotJSONError),
        (b"<html>", HTMLResponseError),
        (b'{"type":"error","error":{"type":"api_error","message":"no"}}', ErrorInBodyError),
        (b"{}", InvalidResponseError),
        (b"[]", InvalidResponseError),
        (b'"content"', NotJSONError),
        (b'{"content":"Hi"}', InvalidResponseError),
        (b'{"content":null}', InvalidResponseError),
        (b'{"choices":[{"message":{"content":"Hi"}}]}', InvalidResponseError),
        (b'{"content":[null]}', InvalidResponseError),
        (b'{"content":[{"text":"no type"}]}', InvalidResponseError),
        (b'{"content":[{"type":"text","text":5}]}', InvalidResponseError),
        (b'{"content":[{"type":"text","text":"a","citations":["b"]}]}', InvalidResponseError),
        (b'{"content":[{"type":"redacted_thinking","data":5}]}', InvalidResponseError),
        (b'{"content":[{"type":"tool_use","name":"now","input":{}}]}', InvalidResponseError),
        (b'{"content":[{"type":"tool_use","id":5,"name":"now","input":{}}]}', InvalidResponseError),
        (b'{"content":[],"usage":{"input_tokens":"7"}}', InvalidResponseError),
        (b'{"content":[],"usage":[7]}', InvalidResponseError),
        (b'{"content":[],"stop_reason":5}', InvalidResponseError),
        (b'{"content":[],"hook_results":[1]}', InvalidResponseError),
    ],
)
def test_what_is_no_answer_raises(content: bytes, error_class: type[InvalidResponseError]) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        DECODING.decode(content, INFO)
    assert type(caught.value) is error_class
    assert caught.value.info is INFO


def _delta(index: Any, delta: Any) -> Block:
    return {"type": "content_block_delta", "index": index, "delta": delta}


@pytest.mark.parametrize(
    "event",
    [
        {"type": ["message_start"]},
        {"type": "message_start"},
        {"type": "message_start", "message": "no"},
        {"type": "message_start", "message": {"usage": "no"}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 2, "content_block": {"text": ""}},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "fallback", "to": "no"}},
        _delta(9, {"type": "text_delta", "text": "of no block"}),
        _delta(0, {"text": "of no type"}),
        _delta(0, {"type": "text_delta", "text": 5}),
        _delta(0, {"type": "text_delta", "text": None}),
        _delta(0, {"type": "citations_delta", "citation": "no"}),
        _delta(0, {"type": "thinking_delta", "thinking": "in a text"}),
        _delta(0, {"type": "input_json_delta", "partial_json": "in a text"}),
        _delta(1, {"type": "text_delta", "text": "in a call"}),
        _delta(1, {"type": "input_json_delta", "partial_json": 5}),
        _delta(1, {"type": "input_json_delta"}),
        {"type": "content_block_stop"},
        {"type": "message_delta"},
        {"type": "message_delta", "delta": {"stop_reason": 5}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 1.5}},
        {"type": "ping", "hook_results": "no"},
    ],
)
def test_an_event_of_another_shape_raises_and_nothing_of_it_stays(event: Any) -> None:
    answer = MessageFold(INFO)
    text, call = {"type": "text", "text": "Hi"}, USE | {"input": {}}
    for index, block in enumerate((text, call)):
        answer.add({"type": "content_block_start", "index": index, "content_block": block})
    before = answer.answer()
    with pytest.raises(StreamDecodeError) as caught:
        answer.add(event)
    assert caught.value.info is INFO
    assert "has not the shape" in caught.value.message
    assert answer.answer() == before
