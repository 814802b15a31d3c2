"""The events of a stream, in Anthropic's names and order."""

import json
from typing import Any

from portkey_gateway.sandbox.claude import sse
from portkey_gateway.sandbox.claude.answer import build_message
from portkey_gateway.sandbox.claude.cache_ledger import InputUsage
from portkey_gateway.sandbox.claude.reply import Block, Reply


def told(*content: Block, usage: InputUsage | None = None) -> list[Any]:
    message = build_message(
        Reply(content), body={"model": "claude-sonnet-4-6", "messages": []}, input_usage=usage or InputUsage(7)
    )
    return list(sse.events(message))


def test_names_and_order() -> None:
    events = told({"type": "text", "text": "two words"}, {"type": "redacted_thinking", "data": "x"})
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert [event["index"] for event in events if "index" in event] == [0, 0, 0, 0, 1, 1]


def test_the_start_holds_no_content_and_the_delta_the_whole_usage() -> None:
    events = told({"type": "thinking", "thinking": "a thought", "signature": "s"}, usage=InputUsage(7, 2000, 30, 0))
    start, delta = events[0]["message"], events[-2]
    assert (start["content"], start["stop_reason"]) == ([], None)
    assert start["usage"]["output_tokens"] == 1
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert delta["usage"] == {
        "input_tokens": 7,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 2000,
        "output_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 3},
    }


def test_the_signature_comes_after_the_thoughts() -> None:
    events = told({"type": "thinking", "thinking": "one two", "signature": "s"})
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert deltas == [
        {"type": "thinking_delta", "thinking": "one"},
        {"type": "thinking_delta", "thinking": " two"},
        {"type": "signature_delta", "signature": "s"},
    ]
    assert events[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}


def test_tool_input_is_cut_into_uneven_pieces_after_an_empty_one() -> None:
    value = {"city": "São Paulo", "days": [1, 22, 333], "note": 'a "quote"'}
    events = told({"type": "tool_use", "id": "t", "name": "f", "input": value})
    pieces = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    assert pieces[0] == ""
    assert len({len(piece) for piece in pieces}) > 3
    assert json.loads("".join(pieces)) == value
    assert events[1]["content_block"]["input"] == {}


def test_an_empty_tool_input_is_one_empty_piece() -> None:
    events = told({"type": "tool_use", "id": "t", "name": "f", "input": {}})
    assert [event["delta"] for event in events if event["type"] == "content_block_delta"] == [
        {"type": "input_json_delta", "partial_json": ""}
    ]


def test_a_cut_input_is_told_as_far_as_it_goes() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    message = build_message(
        Reply((block,), "max_tokens"), body={"model": "claude-sonnet-4-6", "messages": []}, input_usage=InputUsage(7)
    )
    events: list[Any] = list(sse.events(message, cut_json='{"city": "Par'))
    pieces = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(pieces) == '{"city": "Par'


def test_white_space_survives_the_cutting() -> None:
    text = "  a\n\n b\u2028c \t"
    events = told({"type": "text", "text": text})
    assert "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta") == text


def test_bytes_of_an_event() -> None:
    assert sse.encode({"type": "ping", "x": "é"}) == 'event: ping\ndata: {"type":"ping","x":"é"}\n\n'.encode()
