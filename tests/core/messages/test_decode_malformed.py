"""What is no answer of the Messages API, and no event of one: each raises its own error."""

import json
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


NO_MESSAGE = "The body is JSON but no message that can be read: "
NO_CONTENT = "The body is JSON but no message: it has no content"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"content": [None]}, None),
        ({"content": [{"text": "no type"}]}, "'type'"),
        ({"content": [{"type": "text", "text": 5}]}, "5 where a text has to stand"),
        ({"content": [{"type": "text", "text": "a", "citations": ["b"]}]}, "citations are no list of objects"),
        ({"content": [{"type": "text", "text": "a", "citations": {"b": 1}}]}, "citations are no list of objects"),
        ({"content": [{"type": "redacted_thinking", "data": 5}]}, "5 where a text has to stand"),
        ({"content": [{"type": "thinking", "thinking": "a", "signature": [1]}]}, "[1] where a text has to stand"),
        ({"content": [{"type": "tool_use", "name": "now", "input": {}}]}, "'id'"),
        ({"content": [{"type": "tool_use", "id": 5, "name": "now"}]}, "5 where a text has to stand"),
        ({"content": [{"type": "tool_use", "id": "a", "name": "b" * 3, "input": {}, "x": 1}], "usage": [7]}, None),
        ({"content": [], "usage": {"input_tokens": "7"}}, None),
        ({"content": [], "stop_reason": 5}, "5 where a text has to stand"),
        ({"content": [], "stop_reason": ["x" * 90]}, "['" + "x" * 58 + " where a text has to stand"),
    ],
)
def test_a_message_that_cannot_be_read_says_what_of_it(more: dict[str, Any], text: str | None) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        DECODING.decode(json.dumps({"stop_reason": "end_turn", **more}).encode(), INFO)
    assert type(caught.value) is InvalidResponseError
    assert caught.value.message.startswith(NO_MESSAGE)
    assert text is None or caught.value.message == NO_MESSAGE + text
    assert caught.value.body == {"stop_reason": "end_turn", **more}
    assert isinstance(caught.value.__cause__, AttributeError | LookupError | TypeError | ValueError)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{}", NO_CONTENT),
        (b"[]", NO_CONTENT),
        (b'{"content":"Hi","stop_reason":"end_turn"}', NO_CONTENT),
        (b'{"content":[]}', "The body is a message without a stop_reason, so not whole"),
        (b'{"content":[],"stop_reason":""}', "The body is a message without a stop_reason, so not whole"),
        (b"no JSON", "The body is not JSON: 'no JSON'"),
    ],
)
def test_what_is_no_whole_message_is_told(content: bytes, text: str) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        DECODING.decode(content, INFO)
    assert caught.value.message == text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (_delta(9, {"type": "text_delta", "text": "a"}), "9"),
        (_delta(0, {"type": "thinking_delta", "thinking": "a"}), "thinking came for a block of type text"),
        (_delta(1, {"type": "text_delta", "text": "a"}), "text came for a block of type tool_use"),
        (_delta(0, {"type": "input_json_delta", "partial_json": "a"}), "an input came for a block of type text"),
        (_delta(1, {"type": "input_json_delta", "partial_json": 5}), "5 where a text has to stand"),
        ({"type": "message_delta"}, "'delta'"),
    ],
)
def test_an_event_of_another_shape_says_what_of_it(event: Any, text: str) -> None:
    answer = MessageFold(INFO)
    for index, block in enumerate(({"type": "text", "text": "Hi"}, USE)):
        answer.add({"type": "content_block_start", "index": index, "content_block": block})
    with pytest.raises(StreamDecodeError) as caught:
        answer.add(event)
    assert caught.value.message == f"an event has not the shape of a message's: {text}"
    assert caught.value.body is event


def test_half_a_character_in_an_input_is_kept_as_it_came() -> None:
    content = (
        b'{"content":[{"type":"tool_use","id":"a","name":"b","input":{"c":["\\ud83d",1]}}],"stop_reason":"tool_use"}'
    )
    [call] = DECODING.decode(content, INFO).tool_calls
    assert call.arguments == '{"c":["\\ud83d",1]}'
