"""Histories as people really have them, through the real gateway: no conversation gets stuck on one message."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.tools import StructuredTool
from pydantic import BaseModel, ConfigDict

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call

Received = Callable[[], dict[str, Any]]
ASKED = HumanMessage("Look at the sky.")
AGAIN = HumanMessage("And now?")


def called(call_id: str | None, at: Any = "sky", name: str = "look") -> dict[str, Any]:
    return {"name": name, "args": {"at": at}, "id": call_id, "type": "tool_call"}


def stored(messages: list[BaseMessage]) -> list[BaseMessage]:
    """What a checkpoint or a database gives back."""
    return messages_from_dict(json.loads(json.dumps(messages_to_dict(messages))))


def uses_and_results(body: dict[str, Any]) -> tuple[list[str], list[str]]:
    blocks = [block for message in body["messages"] for block in message["content"] if isinstance(block, dict)]
    uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return uses, [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]


# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(["call_0", "call_0"], id="counted anew in each turn"),
        pytest.param(["functions.look:0", "functions.look:1"], id="with other signs"),
        pytest.param(["call|fc_1:2", "call|fc_1:3"], id="of OpenAI's Responses"),
    ],
)
def test_calls_of_several_turns_find_their_results(model: ChatPortkey, received: Received, ids: list[str]) -> None:
    history: list[BaseMessage] = [ASKED]
    for number, call_id in enumerate(ids):
        history += [AIMessage("", tool_calls=[called(call_id)]), ToolMessage(f"blue {number}", tool_call_id=call_id)]
    model.invoke([*stored(history), AGAIN])
    uses, results = uses_and_results(received())
    assert uses == results
    assert len(set(uses)) == 2


def test_one_id_for_several_calls(model: ChatPortkey, received: Received) -> None:
    calls = [called("c", "sky"), called("c", "sea")]
    results = [ToolMessage("blue", tool_call_id="c"), ToolMessage("green", tool_call_id="c")]
    model.invoke([ASKED, AIMessage("", tool_calls=calls), *results, AGAIN])
    uses, answered = uses_and_results(received())
    assert uses == answered
    assert len(set(uses)) == 2


def test_calls_without_an_id_that_are_answered_under_the_tool_s_name(model: ChatPortkey, received: Received) -> None:
    message = AIMessage("", tool_calls=[called(None)])
    model.invoke([ASKED, message, ToolMessage("blue", tool_call_id="look"), AGAIN])
    uses, results = uses_and_results(received())
    assert uses == results
    assert uses != [""]


# --- order and pairs --------------------------------------------------------------------------------------------------


def test_results_come_first_and_then_what_the_user_said(model: ChatPortkey, received: Received) -> None:
    history = [
        ASKED,
        AIMessage("", tool_calls=[called("a"), called("b")]),
        ToolMessage("blue", tool_call_id="a"),
        HumanMessage("Hurry!"),
        ToolMessage("green", tool_call_id="b"),
    ]
    model.invoke(stored(history))
    said = [message["content"] for message in received()["messages"][2:]]
    kinds = [
        each["type"] for content in said for each in (content if isinstance(content, list) else [{"type": "text"}])
    ]
    assert kinds == ["tool_result", "tool_result", "text"]


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([ASKED, AIMessage("", tool_calls=[called("a")]), AGAIN], r"messages\[1\] calls 'look' \('a'\), and no result"),
        ([ASKED, AIMessage("", tool_calls=[called("a")])], r"messages\[1\] calls 'look' \('a'\), and no result"),
        ([ASKED, ToolMessage("blue", tool_call_id="a")], r"messages\[1\] is the result of a call 'a' that"),
    ],
)
def test_what_has_no_other_half_is_named(model: ChatPortkey, history: list[BaseMessage], says: str) -> None:
    with pytest.raises(EncodingError, match=says):
        model.invoke(history)


# --- what tools give back ---------------------------------------------------------------------------------------------

LINK = {"type": "resource_link", "uri": "demo://resource/1", "name": "one"}


@any_call
@pytest.mark.parametrize(
    ("block", "told"),
    [
        (LINK, "demo://resource/1"),
        ({"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sea"}}, '"at":"sea"'),
        ({"type": "of_a_kind", "value": float("inf")}, "Infinity"),
        ({"type": "of_a_kind", "blob": "x" * 5000}, "(5000 characters)"),
    ],
)
def test_what_no_model_reads_is_told_in_words(
    model: ChatPortkey, received: Received, ask: Ask, block: dict[str, Any], told: str
) -> None:
    content: list[Any] = [
        {"type": "text", "text": "Here:"},
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        block,
    ]
    result = ToolMessage(content, tool_call_id="a")
    ask(model, [ASKED, AIMessage("", tool_calls=[called("a")]), result, AGAIN])
    [first, second] = received()["messages"][2]["content"][0]["content"]
    assert first == {"type": "text", "text": "Here:"}
    assert told in second["text"]


def test_a_binary_is_told_of_with_a_warning(model: ChatPortkey, received: Received) -> None:
    block = {"type": "file", "base64": "AAECAw==", "mime_type": "application/octet-stream"}
    with pytest.warns(PortkeyWarning, match="a block of a tool's result is told of in words"):
        model.invoke([ASKED, AIMessage("", tool_calls=[called("a")]), ToolMessage([block], tool_call_id="a")])
    [told] = received()["messages"][2]["content"][0]["content"]
    assert "application/octet-stream" in told["text"]


# --- numbers, names, white space --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "told"), [(float("inf"), "Infinity"), (float("nan"), "NaN")])
def test_numbers_that_json_does_not_know_are_told_by_name(
    model: ChatPortkey, received: Received, number: float, told: str
) -> None:
    model.invoke([ASKED, AIMessage("", tool_calls=[called("a", number)]), ToolMessage("-", tool_call_id="a")])
    [use] = [block for block in received()["messages"][1]["content"] if block["type"] == "tool_use"]
    assert use["input"] == {"at": told}


@any_call
@pytest.mark.parametrize("name", ["files.list", "Box[int]", "n" * 90])
def test_a_tool_of_any_name_is_offered_called_and_replayed(
    model: ChatPortkey, received: Received, ask: Ask, name: str
) -> None:
    tool = StructuredTool.from_function(lambda at: f"{at} is blue", name=name, description="Look.")
    answer = ask(model.bind_tools([tool], tool_choice=name), "Look. at: sky")
    [call] = answer.tool_calls
    assert call["name"] == name
    offered = received()["tools"][0]["name"]
    model.bind_tools([tool]).invoke([HumanMessage("Look."), answer, ToolMessage("blue", tool_call_id=call["id"])])
    [use] = [block for block in received()["messages"][1]["content"] if block["type"] == "tool_use"]
    assert use["name"] == offered != name


class Titled(BaseModel):
    """A person."""

    model_config = ConfigDict(title="Person Info")

    name: str
    age: int


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@pytest.mark.parametrize("schema", [Titled, Titled.model_json_schema()], ids=["class", "schema"])
def test_a_schema_of_any_title(model: ChatPortkey, schema: Any, method: Any) -> None:
    person = model.with_structured_output(schema, method=method).invoke("name: Ann, age: 30. Answer in JSON.")
    assert (person if isinstance(person, dict) else person.model_dump()) == {"name": "Ann", "age": 30}


def test_a_stop_of_white_space_is_left_out_with_a_warning(model: ChatPortkey, received: Received) -> None:
    with pytest.warns(PortkeyWarning, match="a text of white space in stop is left out"):
        model.invoke("Hi", stop=["\n\n", "END"])
    assert received()["stop_sequences"] == ["END"]


# --- what other models said -------------------------------------------------------------------------------------------


SORRY: dict[str, Any] = {"type": "text", "text": "Sorry."}


@pytest.mark.parametrize(
    "message",
    [
        AIMessage([{"type": "refusal", "refusal": "No."}, SORRY]),
        AIMessage([{"type": "executable_code", "executable_code": "1"}, SORRY]),
        AIMessage([{"type": "reasoning_content", "reasoning_content": {"text": "Hm."}}, SORRY]),
        AIMessage([{"type": "function_call", "name": "look", "arguments": "{}", "call_id": "1"}, SORRY]),
        AIMessageChunk(content=[SORRY, {"type": "tool_call_chunk", "name": "look", "args": "{", "id": "1"}]),
    ],
)
def test_what_other_models_said_in_their_own_way_is_left_out(
    model: ChatPortkey, received: Received, message: AIMessage
) -> None:
    model.invoke([SystemMessage("Be brief."), ASKED, message, AGAIN])
    assert received()["messages"][1]["content"] in ("Sorry.", [SORRY])
