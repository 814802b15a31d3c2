"""Tools are offered, called and read back; partly told arguments too."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ImageBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.tools import FunctionTool
from llama_index.core.tools.types import BaseTool

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from portkey_llamaindex.tools import encode_tool, partial_arguments, select_tools, whole_arguments
from tests.llamaindex.media import PNG
from tests.llamaindex.received import Received, choice
from tests.llamaindex.ways import CHAT, call
from tests.support.recording import RecordingServer, whole

TWO_CALLS = ({"type": "tool_use", "name": name, "input": {"a": 1, "b": 2}} for name in ("add", "multiply"))
ADD_AND_MULTIPLY = tuple(TWO_CALLS)

every_way_with_tools = pytest.mark.parametrize("way", [f"{way}_with_tools" for way in CHAT])
predicting = pytest.mark.parametrize("way", ["predict_and_call", "apredict_and_call"])


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


DELETED: list[str] = []
DELETE_THE_FILE = "Please delete the file a/name.txt"


def delete(path: str = "/") -> str:
    """Delete a file."""
    DELETED.append(path)
    return f"deleted {path}"


DELETE = FunctionTool.from_defaults(delete)
TOOLS = [FunctionTool.from_defaults(add), FunctionTool.from_defaults(multiply)]


def prepare(llm: Portkey, **given: Any) -> dict[str, Any]:
    return llm._prepare_chat_with_tools(**{"tools": TOOLS, "user_msg": "1 + 2?", **given})


def described(tool: BaseTool) -> dict[str, Any]:
    return cast("dict[str, Any]", encode_tool(tool))["function"]  # type: ignore[no-any-return]  # it is a dict


def test_a_tool_is_told_with_its_schema() -> None:
    function = described(TOOLS[0])
    assert function["name"] == "add"
    assert "Add two numbers." in function["description"]
    assert function["parameters"]["required"] == ["a", "b"]


def test_a_long_description_is_no_error() -> None:
    assert len(described(FunctionTool.from_defaults(add, description="word " * 1000))["description"]) > 1024


@pytest.mark.parametrize(("given", "choice"), [
    ({}, "auto"),
    ({"tool_choice": None}, "auto"),
    ({"tool_required": True}, "required"),
    ({"tool_required": True, "tool_choice": None}, "required"),
    ({"tool_required": True, "tool_choice": "add"}, "add"),
    ({"tool_required": True, "thinking": {"type": "disabled"}}, "required"),
    ({"tool_required": True, "thinking": {"type": "enabled", "budget_tokens": 1024}}, "auto"),
    ({"tool_required": True, "thinking": None}, "required"),
])  # fmt: skip
def test_the_choice_of_a_tool(recorded: Portkey, given: dict[str, Any], choice: str) -> None:
    assert prepare(recorded, **given)["tool_choice"] == choice


def test_a_model_that_thinks_is_not_forced(recorded: Portkey) -> None:
    thinking = recorded.with_options(thinking={"type": "enabled", "budget_tokens": 1024})
    assert prepare(thinking, tool_required=True)["tool_choice"] == "auto"


def test_the_question_follows_the_history(recorded: Portkey) -> None:
    history = [ChatMessage("Hi")]
    prepared = prepare(recorded, chat_history=history, user_msg=ChatMessage("1 + 2?"), temperature=0.1)
    assert [message.content for message in prepared["messages"]] == ["Hi", "1 + 2?"]
    assert prepared["temperature"] == 0.1
    assert len(history) == 1


def test_without_tools_nothing_is_said_of_tools(recorded: Portkey) -> None:
    assert prepare(recorded, tools=[], user_msg=None) == {"messages": []}


@pytest.mark.parametrize(("told", "so_far", "whole_object"), [
    ({"a": 1}, {"a": 1}, {"a": 1}),
    ('{"a": 1}', {"a": 1}, {"a": 1}),
    ("", {}, {}),
    ('{"a": 1, "city": "Par', {"a": 1, "city": "Par"}, None),
    ('{"a": [1, 2', {"a": [1, 2]}, None),
    ("[1]", {}, None),
    ("nonsense", {}, None),
])  # fmt: skip
def test_arguments_are_read_as_far_as_they_are_told_or_not_at_all(
    told: dict[str, Any] | str, so_far: dict[str, Any], whole_object: dict[str, Any] | None
) -> None:
    assert partial_arguments(ToolCallBlock(tool_name="add", tool_kwargs=told)) == so_far
    assert whole_arguments(told) == whole_object


def test_tool_calls_are_found_among_other_blocks() -> None:
    blocks = [TextBlock(text="a"), ToolCallBlock(tool_name="add", tool_kwargs={"a": 1})]
    [selection] = select_tools(ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)))
    assert (selection.tool_id, selection.tool_name, selection.tool_kwargs) == ("", "add", {"a": 1})


def ended(finish_reason: str, *kwargs: dict[str, Any] | str) -> ChatResponse:
    blocks = [ToolCallBlock(tool_name="add", tool_kwargs=each) for each in kwargs]
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
    return ChatResponse(message=message, raw={"finish_reason": finish_reason})


@pytest.mark.parametrize("told", ['{"a": 1, "b', "[1]", "nonsense"])
def test_arguments_of_an_answer_that_ended_are_never_mended(told: str) -> None:
    with pytest.raises(ValueError, match="called 'add' with arguments that are not a JSON object"):
        select_tools(ended("tool_calls", {"a": 1}, told))


@pytest.mark.parametrize(
    ("finish_reason", "how"), [("length", "cut off, by max_tokens"), ("content_filter", "refusal")]
)
@pytest.mark.parametrize("told", ["{}", '{"a": 1, "b', {}, {"a": 1}])
def test_no_call_of_an_answer_that_was_broken_off_is_taken(
    finish_reason: str, how: str, told: dict[str, Any] | str
) -> None:
    with pytest.raises(ValueError, match=f"calls 'add' was .*{how}"):
        select_tools(ended(finish_reason, told))
    assert select_tools(ended(finish_reason)) == []


@every_way_with_tools
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("max_tokens", [8, 12, 20])
def test_a_call_that_max_tokens_cut_is_an_error(llm: Portkey, way: str, parallel: bool, max_tokens: int) -> None:
    options = {"allow_parallel_tool_calls": parallel, "max_tokens": max_tokens}
    *_, response = call(getattr(llm, way), [DELETE], DELETE_THE_FILE, **options)
    assert response.raw["finish_reason"] == "length"
    with pytest.raises(ValueError, match="'delete' was cut off, by max_tokens"):
        llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)


@predicting
def test_a_call_that_max_tokens_cut_is_never_run(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    DELETED.clear()
    with pytest.raises(ValueError, match="'delete' was cut off, by max_tokens"):
        call(getattr(llm, way), [DELETE], DELETE_THE_FILE, max_tokens=12)
    assert DELETED == []
    sandbox.claude.reply_with({"type": "tool_use", "name": "delete", "input": {"path": "a/name.txt"}})
    call(getattr(llm, way), [DELETE], DELETE_THE_FILE)
    assert DELETED == ["a/name.txt"]


def test_no_tool_call_is_an_error_unless_it_may_be(recorded: Portkey) -> None:
    response = ChatResponse(message=ChatMessage("I would rather talk.", role=MessageRole.ASSISTANT))
    assert recorded.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match=r"called no tool; it said: 'I would rather talk\.'"):
        recorded.get_tool_calls_from_response(response)


@every_way_with_tools
def test_one_call_at_a_time_unless_more_are_allowed(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    sandbox.claude.reply_with("Both.", *ADD_AND_MULTIPLY, times=2)
    *_, one = call(getattr(llm, way), TOOLS, "1 and 2?")
    assert [selection.tool_name for selection in select_tools(one)] == ["add"]
    assert "tool_calls" not in one.message.additional_kwargs
    *_, both = call(getattr(llm, way), TOOLS, "1 and 2?", allow_parallel_tool_calls=True)
    assert [selection.tool_name for selection in select_tools(both)] == ["add", "multiply"]


@pytest.mark.parametrize("allowed", [True, False])
def test_other_models_are_told_how_many_calls_they_may_make(
    recorded: Portkey, server: RecordingServer, allowed: bool
) -> None:
    server.reply(whole({"choices": [{"message": {"content": "3"}, "finish_reason": "stop"}]}))
    other = recorded.with_options(model="gpt-5", provider="openai")
    other.chat_with_tools(TOOLS, "1 + 2?", allow_parallel_tool_calls=allowed)
    assert server.requests[0].json["parallel_tool_calls"] is allowed


@pytest.mark.parametrize("way", ["stream_chat_with_tools", "astream_chat_with_tools"])
def test_arguments_grow_as_they_are_told(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    words = " ".join(["slowly"] * 30)
    sandbox.claude.reply_with({"type": "tool_use", "name": "add", "input": {"a": 1, "text": words}})
    responses = call(getattr(llm, way), TOOLS, "1 + 2?")
    told = [llm.get_tool_calls_from_response(response)[0].tool_kwargs for response in responses]
    lengths = [len(kwargs.get("text", "")) for kwargs in told]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 3
    assert told[-1] == {"a": 1, "text": words}


@predicting
def test_the_tool_is_called(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    [answer] = call(getattr(llm, way), TOOLS, "Multiply 6 and 7", tool_required=True)
    assert str(answer) == "42"
    assert answer.sources[0].tool_name == "multiply"
    assert received.latest["tool_choice"] == choice("any", api_format)


@predicting
@pytest.mark.parametrize("chosen", [None, "numbers.multiply"])
def test_a_tool_whose_name_no_provider_takes_is_called(
    llm: Portkey, received: Received, way: str, chosen: str | None
) -> None:
    tools = [TOOLS[0], FunctionTool.from_defaults(multiply, name="numbers.multiply")]
    [answer] = call(getattr(llm, way), tools, "Multiply 6 and 7", tool_required=True, tool_choice=chosen)
    assert str(answer) == "42"
    assert answer.sources[0].tool_name == "numbers.multiply"
    fitted = received.latest["tools"][1]["name"]
    assert re.fullmatch(r"numbers_multiply_[0-9a-f]{8}", fitted)
    assert received.latest["tool_choice"].get("name") == (chosen and fitted)


@predicting
def test_several_tools_are_called_where_that_is_allowed(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    sandbox.claude.reply_with(*ADD_AND_MULTIPLY)
    [answer] = call(getattr(llm, way), TOOLS, "1 and 2?", allow_parallel_tool_calls=True)
    assert str(answer) == "3\n\n2"


def test_a_result_with_an_image_is_seen(llm: Portkey) -> None:
    question = ChatMessage("Show me the map")
    asked = ToolCallBlock(tool_call_id="toolu_1", tool_name="add", tool_kwargs={})
    shown = ChatMessage(
        role=MessageRole.TOOL, blocks=[ImageBlock(image=PNG)], additional_kwargs={"tool_call_id": "toolu_1"}
    )
    history = [question, ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked]), shown]
    response = llm.chat_with_tools(TOOLS, chat_history=history)
    assert "PNG image, 8 x 6 pixels" in (response.message.content or "")
