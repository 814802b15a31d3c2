"""Cache breakpoints: found in Anthropic's order, checked against its rules."""

import copy
from typing import Any

import pytest

from portkey_gateway.caching import CacheBreakpoint, check_breakpoints, encode_cache_control, find_breakpoints
from portkey_gateway.errors import EncodingError
from portkey_gateway.wire import CacheControl, ChatRequest, Message, TextBlock

SHORT: CacheControl = {"type": "ephemeral"}
LONG: CacheControl = {"type": "ephemeral", "ttl": "1h"}


def marked(text: str, mark: CacheControl = SHORT) -> TextBlock:
    return {"type": "text", "text": text, "cache_control": mark}


def user(*blocks: TextBlock) -> Message:
    return {"role": "user", "content": [*blocks]}


def system(*blocks: TextBlock) -> Message:
    return {"role": "system", "content": [*blocks]}


def request(*messages: Message) -> ChatRequest:
    return {"model": "claude-sonnet-4-5", "messages": [*messages]}


@pytest.mark.parametrize(
    "value", [SHORT, LONG, {"type": "ephemeral", "ttl": "5m"}], ids=["default", "an hour", "five minutes"]
)
def test_a_good_mark_passes_as_a_copy(value: CacheControl) -> None:
    encoded = encode_cache_control(value, where="a tool")
    assert encoded == value
    assert encoded is not value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "ephemeral",
        {},
        {"type": "persistent"},
        {"type": "ephemeral", "ttl": "2h"},
        {"type": "ephemeral", "ttl": ["1h"]},
        {"type": "ephemeral", "scope": "global"},
    ],
)
def test_a_bad_mark_is_an_error_that_names_its_place(value: Any) -> None:
    with pytest.raises(EncodingError, match=r"cache_control of tools\[3\] must be .*'ephemeral'"):
        encode_cache_control(value, where="tools[3]")


def test_breakpoints_come_in_the_order_tools_system_messages() -> None:
    body = request(user(marked("a")), system(marked("b", LONG)), {"role": "developer", "content": [marked("c")]})
    body["tools"] = [{"type": "function", "function": {"name": "f"}, "cache_control": LONG}]
    assert find_breakpoints(body) == [
        CacheBreakpoint("tools[0]", "1h"),
        CacheBreakpoint("messages[1].content[0]", "1h"),
        CacheBreakpoint("messages[2].content[0]", "5m"),
        CacheBreakpoint("messages[0].content[0]", "5m"),
    ]


def test_marks_on_tool_calls_and_tool_results_count() -> None:
    body = request(
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}, "cache_control": SHORT}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": [marked("sunny")]},
    )
    assert [point.path for point in find_breakpoints(body)] == ["messages[0].tool_calls[0]", "messages[1].content[0]"]


def test_content_blocks_stand_in_the_place_of_content() -> None:
    # providers/anthropic/chatComplete.ts: msg.content_blocks ?? msg.content, of assistant messages only
    assistant: Message = {"role": "assistant", "content": [marked("a")], "content_blocks": [marked("a")]}
    ignored: Message = {"role": "user", "content": [marked("b")], "content_blocks": [marked("b")]}
    assert [point.path for point in find_breakpoints(request(assistant, ignored))] == [
        "messages[0].content_blocks[0]",
        "messages[1].content[0]",
    ]


def test_four_breakpoints_pass_and_a_fifth_is_an_error_that_lists_them() -> None:
    blocks = [marked(str(number)) for number in range(5)]
    assert len(check_breakpoints(request(user(*blocks[:4])))) == 4
    with pytest.raises(EncodingError, match=r"5 blocks .*messages\[0\]\.content\[4\].* at most 4"):
        check_breakpoints(request(user(*blocks)))


def test_an_hour_after_five_minutes_is_an_error() -> None:
    with pytest.raises(EncodingError, match="'1h' must stand before"):
        check_breakpoints(request(system(marked("a")), user(marked("b", LONG))))


def test_the_order_is_anthropics_not_the_lists() -> None:
    assert check_breakpoints(request(user(marked("b")), system(marked("a", LONG))))


@pytest.mark.parametrize("mark", [True, {"type": "ephemeral", "ttl": "1d"}])
def test_a_bad_mark_in_a_request_is_an_error_that_names_its_place(mark: Any) -> None:
    with pytest.raises(EncodingError, match=r"cache_control of messages\[0\]\.content\[0\]"):
        check_breakpoints(request(user({"type": "text", "text": "a", "cache_control": mark})))


def test_a_request_without_marks_has_no_breakpoints() -> None:
    body = request({"role": "user", "content": "Hello"}, {"role": "assistant"})
    body["tools"] = [{"type": "function", "function": {"name": "f"}}]
    assert check_breakpoints(body) == []


def test_the_request_is_not_changed() -> None:
    body = request(system(marked("a", LONG)), user(marked("b")))
    before = copy.deepcopy(body)
    check_breakpoints(body)
    assert body == before
