"""`FormatTool`: a schema asked for as a tool, whose call becomes the text of the answer, whole and streamed alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portkey_gateway.conversation.answer import Answer, AnswerBlock, AnswerToolCall, BlockDelta, Delta, ToolCallDelta
from portkey_langchain.response_format import FormatTool

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "City", "schema": SCHEMA}}
OTHER = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CITY: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "City",
        "description": "Give the final answer in this form, once everything needed for it is known.",
        "parameters": SCHEMA,
    },
}

LISBON = '{"name":"Lisbon"}'
SAID = AnswerBlock("text", "Here it is:")
THOUGHT = AnswerBlock("thinking", "A city?", signature="s")
SEARCH = AnswerBlock("other", raw={"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "x"}})
FORMAT_CALL = AnswerToolCall("c1", "City", LISBON)
OTHER_CALL = AnswerToolCall("c2", "look", "{}")
SECOND_CALL = AnswerToolCall("c3", "City", '{"name":"Porto"}')
AS_TEXT = AnswerBlock("text", LISBON)


def city(parameters: dict[str, Any] | None = None) -> FormatTool:
    wanted = FormatTool.wanted(parameters or {"response_format": JSON_SCHEMA})
    assert wanted
    return wanted


@pytest.mark.parametrize("asked", [None, {"type": "text"}, {"type": "json_object"}, "json_schema"])
def test_only_a_schema_is_asked_for(asked: Any) -> None:
    assert FormatTool.wanted({"response_format": asked}) is None
    assert FormatTool.wanted({}) is None


def test_the_schema_stands_behind_the_other_tools_and_some_tool_must_be_called() -> None:
    given = {"response_format": JSON_SCHEMA, "tools": [OTHER], "temperature": 0.5}
    asked = city().ask(given, may_force=True)
    # None, so that a format of the model itself does not go along.
    expected = {"tools": [OTHER, CITY], "tool_choice": "required", "temperature": 0.5, "response_format": None}
    assert asked == expected
    assert given == {"response_format": JSON_SCHEMA, "tools": [OTHER], "temperature": 0.5}


def test_its_own_name_and_description_are_used_where_there_are_any() -> None:
    told = {"name": "Town", "description": "A town.", "schema": SCHEMA}
    named = city({"response_format": {"type": "json_schema", "json_schema": told}})
    [tool] = named.ask({}, may_force=True)["tools"]
    assert tool["function"] == {"name": "Town", "description": "A town.", "parameters": SCHEMA}
    [nameless] = city({"response_format": {"type": "json_schema"}}).ask({}, may_force=True)["tools"]
    assert nameless["function"]["name"] == "response_format"
    assert nameless["function"]["parameters"] == {"type": "object"}


@pytest.mark.parametrize(
    ("choice", "forced", "free", "offered"),
    [
        (None, "required", "auto", ["look", "City"]),
        ("auto", "required", "auto", ["look", "City"]),
        ("any", "required", "auto", ["look", "City"]),
        ("none", "required", "auto", ["City"]),
        ("look", {"type": "function", "function": {"name": "look"}}, None, ["look", "City"]),
    ],
)
def test_a_choice_of_the_caller_is_respected(choice: Any, forced: Any, free: Any, offered: list[str]) -> None:
    for may_force, expected in ((True, forced), (False, free or forced)):
        asked = city().ask({"tools": [OTHER], "tool_choice": choice}, may_force=may_force)
        assert asked["tool_choice"] == expected
        assert [tool["function"]["name"] for tool in asked["tools"]] == offered


CASES = [
    pytest.param([], [FORMAT_CALL], [AS_TEXT], [], "end_turn", id="called"),
    pytest.param([SAID], [FORMAT_CALL], [AS_TEXT], [], "end_turn", id="text before it is dropped"),
    pytest.param([THOUGHT], [FORMAT_CALL], [THOUGHT, AS_TEXT], [], "end_turn", id="thinking before it stays"),
    pytest.param([SAID, THOUGHT], [FORMAT_CALL], [THOUGHT, AS_TEXT], [], "end_turn", id="text, then thinking"),
    pytest.param([SAID, SEARCH], [FORMAT_CALL], [SEARCH, AS_TEXT], [], "end_turn", id="text, then a search"),
    pytest.param([], [OTHER_CALL, FORMAT_CALL], [AS_TEXT], [OTHER_CALL], "tool_use", id="beside another tool"),
    pytest.param([], [FORMAT_CALL, OTHER_CALL], [AS_TEXT], [OTHER_CALL], "tool_use", id="before another tool"),
    pytest.param([], [FORMAT_CALL, SECOND_CALL], [AS_TEXT], [], "end_turn", id="twice: the first counts"),
    pytest.param([SAID], [OTHER_CALL], [SAID], [OTHER_CALL], "tool_use", id="another tool alone"),
    pytest.param([THOUGHT, SAID], [], [THOUGHT, SAID], [], "end_turn", id="words instead"),
    pytest.param([SAID, THOUGHT], [], [THOUGHT, SAID], [], "end_turn", id="words, then a thought"),
    pytest.param([], [], [], [], "refusal", id="nothing"),
]


@pytest.mark.parametrize(("blocks", "calls", "read_blocks", "read_calls", "reason"), CASES)
def test_the_call_becomes_the_text(
    blocks: list[AnswerBlock],
    calls: list[AnswerToolCall],
    read_blocks: list[AnswerBlock],
    read_calls: list[AnswerToolCall],
    reason: str,
) -> None:
    answer = Answer(tuple(blocks), tuple(calls), stop_reason="tool_use" if calls else reason)
    read = city().read(answer)
    assert list(read.blocks) == read_blocks
    assert list(read.tool_calls) == read_calls
    assert read.stop_reason == reason


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "pause_turn"])
def test_a_call_that_was_cut_does_not_pass_for_whole(reason: str) -> None:
    cut = Answer(tool_calls=(AnswerToolCall("c1", "City", '{"na'),), stop_reason=reason)
    assert city().read(cut).stop_reason == reason


@pytest.mark.parametrize(("blocks", "calls", "read_blocks", "read_calls", "reason"), CASES)
def test_a_stream_adds_up_to_what_is_read_of_the_whole(
    blocks: list[AnswerBlock],
    calls: list[AnswerToolCall],
    read_blocks: list[AnswerBlock],
    read_calls: list[AnswerToolCall],
    reason: str,
) -> None:
    for size in (1, 3, 100):
        tool = city()
        handed_on = [*map(tool.read_delta, _stream(blocks, calls, size)), tool.last_delta()]
        assert _blocks_of(handed_on) == dict(enumerate(read_blocks)), reason
        assert _calls_of(handed_on) == read_calls


def test_text_is_held_back_until_it_is_known_that_the_tool_is_not_called() -> None:
    tool = city()
    assert tool.read_delta(Delta(blocks=(BlockDelta(0, "text", "Well, "),))) == Delta()
    assert tool.read_delta(Delta(blocks=(BlockDelta(0, "text", "no."),))) == Delta()
    assert tool.last_delta().text == "Well, no."


def test_the_text_comes_piece_by_piece() -> None:
    tool = city()
    pieces = [tool.read_delta(delta).text for delta in _stream([], [FORMAT_CALL], 4)]
    assert pieces == ["", *(LISBON[start : start + 4] for start in range(0, len(LISBON), 4))]


def test_a_streamed_call_without_input_is_an_empty_object() -> None:
    tool = city()
    assert tool.read_delta(Delta(tool_calls=(ToolCallDelta(0, "c1", "City", ""),))) == Delta()
    assert tool.last_delta().text == "{}"


def test_the_rest_of_a_delta_is_handed_on() -> None:
    assert city().read_delta(Delta(stop_reason="end_turn", refusal="No.")) == Delta(
        stop_reason="end_turn", refusal="No."
    )


def _stream(blocks: list[AnswerBlock], calls: list[AnswerToolCall], size: int) -> Iterator[Delta]:
    """The deltas of an answer, its texts in pieces; a call's name comes before its arguments, as Claude sends them."""
    for position, block in enumerate(blocks):
        for piece in _pieces(block.text, size) or [""]:
            yield Delta(blocks=(BlockDelta(position, block.type, piece, raw=block.raw),))
        if block.signature:
            yield Delta(blocks=(BlockDelta(position, block.type, signature=block.signature),))
    for position, call in enumerate(calls):
        yield Delta(tool_calls=(ToolCallDelta(position, call.id, call.name, ""),))
        for piece in _pieces(call.arguments, size):
            yield Delta(tool_calls=(ToolCallDelta(position, None, None, piece),))


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _blocks_of(deltas: list[Delta]) -> dict[int, AnswerBlock]:
    """The blocks that the deltas add up to, by their position."""
    summed: dict[int, AnswerBlock] = {}
    for added in (block for delta in deltas for block in delta.blocks):
        known = summed.get(added.position, AnswerBlock(added.type))
        assert known.type == added.type
        summed[added.position] = AnswerBlock(
            added.type, known.text + added.text, known.signature + added.signature, raw=added.raw or known.raw
        )
    return summed


def _calls_of(deltas: list[Delta]) -> list[AnswerToolCall]:
    summed: dict[int, AnswerToolCall] = {}
    for added in (call for delta in deltas for call in delta.tool_calls):
        known = summed.get(added.position, AnswerToolCall(added.id or "", added.name or "", ""))
        summed[added.position] = AnswerToolCall(known.id, known.name, known.arguments + added.arguments)
    return list(summed.values())
