"""Cache breakpoints: found in Anthropic's order, checked against its rules."""

import copy
import json
from typing import Any

import pytest

from portkey_gateway.caching.breakpoints import (
    CacheBreakpoint,
    check_breakpoints,
    encode_cache_control,
    find_breakpoints,
    mark_last_block,
)
from portkey_gateway.chat_completions import encode as chat_completions
from portkey_gateway.conversation.request import CacheControl, ChatRequest, Message, TextBlock
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.messages import encode as messages
from portkey_gateway.routing import Route

SHORT: CacheControl = {"type": "ephemeral"}
LONG: CacheControl = {"type": "ephemeral", "ttl": "1h"}
ROUTE = Route(is_claude=True)


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
    four = request(user(*blocks[:4]))
    check_breakpoints(four)
    assert len(find_breakpoints(four)) == 4
    with pytest.raises(EncodingError, match=r"5 blocks .*messages\[0\]\.content\[4\].* at most 4"):
        check_breakpoints(request(user(*blocks)))


def test_an_hour_after_five_minutes_is_an_error() -> None:
    with pytest.raises(EncodingError, match="'1h' must stand before"):
        check_breakpoints(request(system(marked("a")), user(marked("b", LONG))))


def test_the_order_is_anthropics_not_the_lists() -> None:
    body = request(user(marked("b")), system(marked("a", LONG)))
    check_breakpoints(body)
    assert [point.ttl for point in find_breakpoints(body)] == ["1h", "5m"]


@pytest.mark.parametrize("mark", [True, {"type": "ephemeral", "ttl": "1d"}])
def test_a_bad_mark_in_a_request_is_an_error_that_names_its_place(mark: Any) -> None:
    with pytest.raises(EncodingError, match=r"cache_control of messages\[0\]\.content\[0\]"):
        check_breakpoints(request(user({"type": "text", "text": "a", "cache_control": mark})))


def test_a_request_without_marks_has_no_breakpoints() -> None:
    body = request({"role": "user", "content": "Hello"}, {"role": "assistant"})
    body["tools"] = [{"type": "function", "function": {"name": "f"}}]
    check_breakpoints(body)
    assert find_breakpoints(body) == []


def test_the_request_is_not_changed() -> None:
    body = request(system(marked("a", LONG)), user(marked("b")))
    before = copy.deepcopy(body)
    check_breakpoints(body)
    assert body == before


IMAGE: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
LINKED: Any = {"type": "image_url", "image_url": {"url": "https://a.org/a.png"}}
FILE: Any = {"type": "file", "file": {"mime_type": "text/plain", "file_data": "A text."}}
CALL: Any = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT: Any = {"role": "tool", "tool_call_id": "1"}
THOUGHT: Any = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
ASKED: Message = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        pytest.param([ASKED], "messages[0].content[0]", id="plain text"),
        pytest.param([user(marked("a"), {"type": "text", "text": "b"})], "messages[0].content[1]", id="the last text"),
        pytest.param([{"role": "user", "content": [IMAGE]}], "messages[0].content[0]", id="image as data"),
        pytest.param([{"role": "user", "content": [IMAGE, LINKED, FILE]}], "messages[0].content[0]", id="not a link"),
        pytest.param([ASKED, {"role": "user", "content": [LINKED]}], "messages[0].content[0]", id="the message before"),
        pytest.param([ASKED, {**RESULT, "content": "sunny"}], "messages[1].content[0]", id="tool result"),
        pytest.param([ASKED, {**RESULT, "content": ""}], "messages[0].content[0]", id="not an empty tool result"),
        pytest.param(
            [ASKED, {**RESULT, "content": [{"type": "document", "source": {"type": "url", "url": "https://a.org/a"}}]}],
            "messages[1].content[0]",
            id="document of a tool",
        ),
        pytest.param(
            [ASKED, {"role": "assistant", "content": "I look.", "tool_calls": [CALL, CALL]}],
            "messages[1].tool_calls[1]",
            id="the last call",
        ),
        pytest.param([ASKED, {"role": "assistant", "content": "Well"}], "messages[1].content[0]", id="prefill"),
        pytest.param(
            [ASKED, {"role": "assistant", "content": "a", "content_blocks": [{"type": "text", "text": "a"}, THOUGHT]}],
            "messages[1].content_blocks[0]",
            id="not a thought",
        ),
        pytest.param([ASKED, {"role": "system", "content": "Be brief."}], "messages[0].content[0]", id="not system"),
        pytest.param(
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [LINKED]}],
            "messages[0].content[0]",
            id="system before a link",
        ),
    ],
)
def test_a_mark_of_the_request_goes_to_its_last_block_that_can_carry_it(messages: list[Message], place: str) -> None:
    body = request(*messages)
    before = copy.deepcopy(body)
    assert find_breakpoints(mark_last_block(body, LONG))[-1] == CacheBreakpoint(place, "1h")
    assert body == before


def test_a_block_s_own_mark_is_kept() -> None:
    body = request(user(marked("a", LONG)))
    assert mark_last_block(body, SHORT) == body


def test_a_mark_that_nothing_can_carry_is_warned_of() -> None:
    body = request({"role": "user", "content": [LINKED]})
    with pytest.warns(PortkeyWarning, match="cache_control does not reach Claude"):
        assert mark_last_block(body, SHORT) is body


def test_a_request_for_claude_bears_the_mark_on_its_block_and_not_at_its_top() -> None:
    body: Any = {**request(ASKED), "cache_control": SHORT}
    over_chat_completions = json.loads(chat_completions.encode_request(body, ROUTE).body)
    over_messages = json.loads(messages.encode_request(body, ROUTE).body)
    for sent in (over_chat_completions, over_messages):
        assert "cache_control" not in sent
        assert sent["messages"] == [user(marked("Hi"))]
    assert body["cache_control"] == SHORT


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({**request(ASKED), "cache_control": True}, "cache_control of the request must be"),
        ({**request(user(*[marked("a")] * 4), ASKED), "cache_control": SHORT}, "stands on 5 blocks"),
        ({**request(user(marked("a")), ASKED), "cache_control": LONG}, "'1h' must stand before"),
    ],
)
def test_a_mark_of_the_request_keeps_anthropics_rules(body: Any, says: str) -> None:
    with pytest.raises(EncodingError, match=says):
        chat_completions.encode_request(body, ROUTE)
    with pytest.raises(EncodingError, match=says):
        messages.encode_request(body, ROUTE)
