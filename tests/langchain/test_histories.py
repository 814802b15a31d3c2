"""Histories as people really have them, through the real gateway: no conversation gets stuck on one message."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.load import dumpd, load
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
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, ConfigDict

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
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


def loaded(messages: list[BaseMessage]) -> list[BaseMessage]:
    """The same by LangChain's own dumps."""
    with warnings.catch_warnings(action="ignore"):  # langchain-core calls it a beta
        back: list[BaseMessage] = load(json.loads(json.dumps(dumpd(messages))), allowed_objects="messages")
    return back


def checkpointed(messages: list[BaseMessage]) -> list[BaseMessage]:
    """The same by a checkpoint of LangGraph's."""
    serializer = JsonPlusSerializer()
    back: list[BaseMessage] = serializer.loads_typed(serializer.dumps_typed(messages))
    return back


def everything() -> list[BaseMessage]:
    """One conversation with all that people's histories hold."""
    answers = [
        AIMessage("\n\n", tool_calls=[called("call_0"), called("call_1", float("inf"))]),
        AIMessage("", tool_calls=[called("call_0", name="files.list")]),
        AIMessage([{"type": "refusal", "refusal": "No."}, {"type": "text", "text": "Sorry."}]),
    ]
    first, second, third = answers
    return [
        ASKED,
        first,
        ToolMessage("blue", tool_call_id="call_0"),
        HumanMessage("Hurry!"),
        ToolMessage([{"type": "resource_link", "uri": "demo://resource/1"}], tool_call_id="call_1"),
        second,
        ToolMessage("", tool_call_id="call_0", status="error"),
        third,
        AGAIN,
    ]


@any_call
@pytest.mark.parametrize("store", [stored, loaded, checkpointed])
def test_a_conversation_of_everything_goes_on(model: ChatPortkey, received: Received, ask: Ask, store: Any) -> None:
    assert ask(model, store(everything())).text
    uses, results = uses_and_results(received())
    assert uses == results
    assert len(set(uses)) == 3


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


@pytest.mark.parametrize("call_id", [None, ""])
@pytest.mark.parametrize("provider", [None, "openai", "anthropic", "portkey"])
def test_calls_without_an_id_in_content_and_beside_it_count_once(
    model: ChatPortkey, received: Received, provider: str | None, call_id: str | None
) -> None:
    use = {"type": "tool_use", "id": call_id, "name": "look", "input": {"at": "sky"}}
    metadata = {"model_provider": provider} if provider else {}
    message = AIMessage([use], tool_calls=[called(call_id)], response_metadata=metadata)
    model.invoke([ASKED, message, ToolMessage("blue", tool_call_id=call_id or ""), AGAIN])
    uses, results = uses_and_results(received())
    assert uses == results
    assert len(uses) == 1


@pytest.mark.parametrize("provider", ["portkey", "anthropic"])
def test_a_call_that_was_taken_out_of_tool_calls_stays_out(
    model: ChatPortkey, received: Received, provider: str
) -> None:
    uses = [{"type": "tool_use", "id": name, "name": "look", "input": {"at": "sky"}} for name in ("a", "b")]
    metadata = {"model_provider": provider}
    message = AIMessage(
        [{"type": "text", "text": "I look."}, *uses], tool_calls=[called("a")], response_metadata=metadata
    )
    model.invoke([ASKED, message, ToolMessage("blue", tool_call_id="a"), AGAIN])
    assert uses_and_results(received()) == (["a"], ["a"])


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


@pytest.mark.parametrize(
    "block", [{"json": {"doc": "word " * 600}}, {"type": "resource", "resource": {"text": "word " * 600}}]
)
def test_words_of_a_tool_are_never_shortened(model: ChatPortkey, received: Received, block: dict[str, Any]) -> None:
    model.invoke([ASKED, AIMessage("", tool_calls=[called("a")]), ToolMessage([block], tool_call_id="a")])
    [told] = received()["messages"][2]["content"][0]["content"]
    assert "word " * 600 in told["text"]


# --- what Claude had begun --------------------------------------------------------------------------------------------

SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}}
OFFERED = {"type": "web_search_20250305", "name": "web_search"}


def test_a_server_tool_that_gave_no_result_is_left_out_once_somebody_spoke(
    model: ChatPortkey, sandbox: Sandbox, received: Received
) -> None:
    sandbox.claude.reply_with({"type": "text", "text": "I look."}, SEARCH, stop_reason="pause_turn")
    searching = model.bind_tools([OFFERED])
    paused = searching.invoke([ASKED])
    searching.invoke([ASKED, paused, AGAIN])
    assert received()["messages"][1]["content"] in ("I look.", [{"type": "text", "text": "I look."}])


def test_a_turn_that_paused_is_gone_on_from(model: ChatPortkey, sandbox: Sandbox, received: Received) -> None:
    sandbox.claude.reply_with({"type": "text", "text": "I look."}, SEARCH, stop_reason="pause_turn")
    searching = model.bind_tools([OFFERED])
    searching.invoke([ASKED, searching.invoke([ASKED])])
    assert received()["messages"][1]["content"][-1] == SEARCH


def test_the_input_of_a_server_tool_that_another_class_streamed(model: ChatPortkey, received: Received) -> None:
    use = {**SEARCH, "input": {}, "partial_json": '{"query": "sky"}'}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    said: list[Any] = [use, found, {"type": "text", "text": "Blue."}]
    history = [ASKED, AIMessage(said, response_metadata={"model_provider": "anthropic"}), AGAIN]
    model.bind_tools([OFFERED]).invoke(history)
    assert received()["messages"][1]["content"][0] == SEARCH


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


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
def test_an_agent_gives_an_object_of_any_title(model: ChatPortkey, strategy: Any) -> None:
    agent: Any = create_agent(model, [], response_format=strategy(Titled))
    state = agent.invoke({"messages": [HumanMessage("name: Ann, age: 30")]})
    assert state["structured_response"] == Titled(name="Ann", age=30)


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


@pytest.mark.parametrize("told", ["once", "twice"])
def test_a_call_that_stands_in_the_content_as_openai_tells_it(
    model: ChatPortkey, received: Received, told: str
) -> None:
    item = {"type": "function_call", "name": "look", "arguments": '{"at": "sky"}', "call_id": "call_1", "id": "fc_1"}
    calls = [{"name": "look", "args": {"at": "sky"}, "id": "call_1"}] if told == "twice" else []
    model.invoke([ASKED, AIMessage([SORRY, item], tool_calls=calls), ToolMessage("Blue.", tool_call_id="call_1")])
    said, use = received()["messages"][1]["content"]
    assert said == SORRY
    assert (use["name"], use["id"], use["input"]) == ("look", "call_1", {"at": "sky"})


BLUE: dict[str, Any] = {"type": "text", "text": "Blue."}
PAGE = {"type": "url_citation", "url": "https://a", "title": "A"}
CITED = {"type": "citation", "url": "https://a", "title": "A", "cited_text": "b"}


@pytest.mark.parametrize(
    "message",
    [
        AIMessage([{**BLUE, "annotations": [PAGE]}], response_metadata={"model_name": "gpt-4o"}),
        AIMessage([{**BLUE, "annotations": [CITED]}]),
        AIMessage([{**BLUE, "annotations": [{"type": "non_standard_annotation"}]}]),
        AIMessage([{**BLUE, "citations": ["https://a"]}]),
        AIMessage(
            [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, BLUE],
            response_metadata={"model_name": "gemini-2.5"},
        ),
        AIMessage([{"text": "Blue."}]),
        AIMessage([BLUE, {"type": "text", "text": None}]),
    ],
)
def test_what_is_no_claude_s_is_not_replayed_as_a_claude_s(
    model: ChatPortkey, received: Received, message: AIMessage
) -> None:
    model.invoke([ASKED, message, AGAIN])
    assert received()["messages"][1]["content"] in ("Blue.", [BLUE])
