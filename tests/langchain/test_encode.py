"""Conversations: what a request says of each message, and what Anthropic receives of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from portkey_gateway.errors import EncodingError
from portkey_langchain import ChatPortkey
from portkey_langchain.encode import encode_messages
from tests.langchain.ask import Ask, any_call

Received = Callable[[], dict[str, Any]]

LOOK = {"name": "look", "args": {"at": "sky"}, "id": "call_1", "type": "tool_call"}
LOOK_ON_THE_WIRE = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look", "arguments": '{"at":"sky"}'},
}


def encode(*messages: BaseMessage) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", encode_messages(messages))


def roles(body: dict[str, Any]) -> list[str]:
    return [message["role"] for message in body["messages"]]


def system_text(body: dict[str, Any]) -> list[str]:
    return [block["text"] for block in body["system"]]


@any_call
@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([("system", "Be brief."), ("human", "Hi")], id="tuples"),
        pytest.param([("developer", "Be brief."), ("human", "Hi")], id="developer"),
        pytest.param([SystemMessage("Be brief."), HumanMessage("Hi")], id="messages"),
        pytest.param([SystemMessage([{"type": "text", "text": "Be brief."}]), HumanMessage("Hi")], id="blocks"),
        pytest.param([("developer", [{"type": "text", "text": "Be brief."}]), ("user", "Hi")], id="developer blocks"),
        pytest.param([SystemMessage(["Be brief."]), HumanMessage(["Hi"])], id="texts in lists"),
        pytest.param([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], id="dicts"),
        pytest.param(
            [ChatMessage(content="Be brief.", role="developer"), ChatMessage(content="Hi", role="user")],
            id="chat messages",
        ),
        pytest.param([HumanMessage("Hi"), SystemMessage("Be brief.")], id="system message last"),
        pytest.param([SystemMessage(["", "Be brief."]), HumanMessage(["", "Hi"])], id="with empty texts"),
        pytest.param([SystemMessage(""), SystemMessage("Be brief."), HumanMessage("Hi")], id="with an empty message"),
    ],
)
def test_system_and_developer_messages_reach_claude(
    model: ChatPortkey, received: Received, ask: Ask, messages: list[Any]
) -> None:
    ask(model, messages)
    body = received()
    assert system_text(body) == ["Be brief."]
    assert roles(body) == ["user"]
    assert body["messages"][0]["content"] in ("Hi", [{"type": "text", "text": "Hi"}])


def test_two_system_messages_keep_their_order(model: ChatPortkey, received: Received) -> None:
    model.invoke([("system", "One."), ("developer", "Two."), ("human", "Hi")])
    assert system_text(received()) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (RemoveMessage(id="1"), "RemoveMessage, which no model takes"),
        (ChatMessage(content="Hi", role="pirate"), "a ChatMessage with role 'pirate'"),
    ],
)
def test_a_message_that_no_model_takes_is_named(message: BaseMessage, says: str) -> None:
    with pytest.raises(EncodingError, match=rf"messages\[1\] is {says}"):
        encode(HumanMessage("Hi"), message)


def test_a_user_s_name_is_kept() -> None:
    assert encode(HumanMessage("Hi", name="Ann")) == [{"role": "user", "name": "Ann", "content": "Hi"}]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(AIMessage("", tool_calls=[LOOK]), id="tool_calls"),
        pytest.param(AIMessage([], tool_calls=[LOOK]), id="empty list"),
        pytest.param(
            AIMessage([{"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "sky"}}]),
            id="Anthropic's tool_use",
        ),
        pytest.param(
            AIMessage(
                [{"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "sky"}}], tool_calls=[LOOK]
            ),
            id="both",
        ),
        pytest.param(AIMessage([dict(LOOK)], tool_calls=[LOOK]), id="standard block"),
        pytest.param(
            AIMessageChunk(
                content="",
                tool_call_chunks=[
                    {"type": "tool_call_chunk", "name": "look", "args": '{"at":', "id": "call_1", "index": 0}
                ],
            )
            + AIMessageChunk(
                content="",
                tool_call_chunks=[{"type": "tool_call_chunk", "name": None, "args": '"sky"}', "id": None, "index": 0}],
            ),
            id="summed chunks",
        ),
    ],
)
def test_a_tool_call_is_sent_once_in_every_shape(message: BaseMessage) -> None:
    [encoded] = encode(message)
    assert encoded["tool_calls"] == [LOOK_ON_THE_WIRE]
    assert not encoded.get("content")


def test_parallel_calls_and_text_are_sent_together(model: ChatPortkey, received: Received) -> None:
    calls = [{**LOOK, "id": f"call_{index}"} for index in range(3)]
    history = [
        HumanMessage("Look thrice."),
        AIMessage("I look.", tool_calls=calls),
        *(ToolMessage(f"sky {index}", tool_call_id=f"call_{index}") for index in (2, 0, 1)),
    ]
    model.invoke(history)
    body = received()
    assert roles(body)[:2] == ["user", "assistant"]
    uses = [block["id"] for block in body["messages"][1]["content"] if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for message in body["messages"][2:] for block in message["content"]]
    assert (uses, results) == (["call_0", "call_1", "call_2"], ["call_2", "call_0", "call_1"])


def test_anthropic_s_own_history_is_understood(model: ChatPortkey, received: Received) -> None:
    history = [
        HumanMessage("Look."),
        AIMessage(
            [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "sky"}},
            ]
        ),
        HumanMessage(
            [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "blue"}]},
                {"type": "text", "text": "And now?"},
            ]
        ),
    ]
    model.invoke(history)
    _, assistant, *rest = received()["messages"]
    assert [block["type"] for block in assistant["content"]] == ["text", "tool_use"]
    assert [block["type"] for message in rest for block in as_blocks(message)] == ["tool_result", "text"]


def as_blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def test_tool_results_must_come_first() -> None:
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "blue"}
    with pytest.raises(EncodingError, match=r"messages\[0\]\.content\[1\] is a tool_result after other blocks"):
        encode(HumanMessage(["Hi", result]))
    with pytest.raises(EncodingError, match=r"messages\[0\]\.content\[0\] needs 'tool_use_id' as text"):
        encode(HumanMessage([{"type": "tool_result", "content": "blue"}]))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            ToolMessage("no sky", tool_call_id="c", status="error"),
            {"content": "no sky", "is_error": True},
            id="status",
        ),
        pytest.param(
            ToolMessage(["no sky"], tool_call_id="c", status="error"),
            {"content": [{"type": "text", "text": "no sky"}], "is_error": True},
            id="blocks",
        ),
        pytest.param(
            HumanMessage([{"type": "tool_result", "tool_use_id": "c", "content": "no sky", "is_error": True}]),
            {"content": "no sky", "is_error": True},
            id="Anthropic's",
        ),
        pytest.param(HumanMessage([{"type": "tool_result", "tool_use_id": "c"}]), {"content": ""}, id="nothing"),
    ],
)
def test_that_a_tool_failed_is_said(message: BaseMessage, expected: dict[str, Any]) -> None:
    assert encode(message) == [{"role": "tool", "tool_call_id": "c", **expected}]


@pytest.mark.parametrize("said", ["no sky", "Error: no sky"])
def test_that_a_tool_failed_reaches_claude(model: ChatPortkey, received: Received, api_format: str, said: str) -> None:
    failed = ToolMessage(said, tool_call_id="call_1", status="error")
    model.invoke([HumanMessage("Look."), AIMessage("", tool_calls=[LOOK]), failed])
    [result] = received()["messages"][-1]["content"]
    if api_format == "messages":
        assert (result["content"], result["is_error"]) == (said, True)
    else:
        assert (result["content"], result.get("is_error")) == ("Error: no sky", None)


def test_an_empty_tool_result_is_an_answer_too(model: ChatPortkey, received: Received) -> None:
    model.invoke([HumanMessage("Look."), AIMessage("", tool_calls=[LOOK]), ToolMessage("", tool_call_id="call_1")])
    assert received()["messages"][-1]["content"][0]["tool_use_id"] == "call_1"


@pytest.mark.parametrize(("key", "value"), [("name", None), ("name", 3)])
def test_a_tool_use_block_needs_a_name(key: str, value: Any) -> None:
    with pytest.raises(EncodingError, match=rf"messages\[0\]\.content\[0\] needs '{key}' as text"):
        encode(AIMessage([{"type": "tool_use", "id": "c", "name": "look", "input": {}, key: value}]))


BROKEN = AIMessage(
    [
        {"type": "text", "text": "I look."},
        {"type": "invalid_tool_call", "id": "c", "name": "look", "args": '{"at": "sk', "error": "cut"},
    ],
    invalid_tool_calls=[{"type": "invalid_tool_call", "id": "c", "name": "look", "args": '{"at": "sk', "error": "cut"}],
)


def test_a_call_that_nobody_could_run_and_nobody_answered_is_left_out(model: ChatPortkey, received: Received) -> None:
    model.invoke([HumanMessage("Look."), BROKEN, HumanMessage("Again, please.")])
    assert [block["type"] for message in received()["messages"] for block in as_blocks(message)] == ["text"] * 3


def test_a_call_that_nobody_could_run_is_left_out_of_anthropic_s_blocks_too() -> None:
    block = {"type": "tool_use", "id": "c", "name": "look", "input": {}, "partial_json": '{"at": "sk'}
    invalid = BROKEN.invalid_tool_calls
    [_, assistant] = encode(HumanMessage("Look."), AIMessage([block], invalid_tool_calls=invalid))
    assert "tool_calls" not in assistant


def test_a_call_that_nobody_could_run_but_somebody_answered_shows_what_was_written(
    model: ChatPortkey, received: Received, api_format: str
) -> None:
    result = ToolMessage("That is no JSON.", tool_call_id="c", status="error")
    model.invoke([HumanMessage("Look."), BROKEN, result])
    _, assistant, results = received()["messages"]
    assert assistant["content"][1]["input"] == {"invalid_arguments": '{"at": "sk'}
    in_words = "" if api_format == "messages" else "Error: "
    assert results["content"][0]["content"] == f"{in_words}That is no JSON."


def test_an_assistant_may_be_a_chat_message() -> None:
    said = ChatMessage(content="Hello.", role="assistant")
    assert encode(HumanMessage("Hi"), said)[1] == {"role": "assistant", "content": "Hello."}


def test_an_empty_conversation_is_refused(model: ChatPortkey) -> None:
    with pytest.raises(ValueError, match="messages is empty"):
        model.invoke([])


def test_an_empty_answer_in_the_history_does_no_harm(model: ChatPortkey, received: Received) -> None:
    model.invoke([HumanMessage("Hi"), AIMessage(""), HumanMessage("Hello?")])
    assert [block["text"] for message in received()["messages"] for block in as_blocks(message)] == ["Hi", "Hello?"]


def test_what_was_said_in_a_supervisor_s_graph_is_sent_as_it_is(
    model: ChatPortkey, received: Received, api_format: str
) -> None:
    """LangGraph's swarms repeat roles, name agents and end with an assistant's message."""
    history = [
        SystemMessage("You supervise."),
        HumanMessage("Find it."),
        AIMessage("I hand over.", name="supervisor"),
        AIMessage("", name="searcher", tool_calls=[LOOK]),
        ToolMessage("found", tool_call_id="call_1", name="look"),
        AIMessage("Found it.", name="searcher"),
        SystemMessage("Summarise now."),
        AIMessage("In short:", name="supervisor"),
    ]
    model.invoke(history, model="claude-sonnet-4-5")  # later Sonnets refuse such an end
    body = received()
    assert system_text(body) == ["You supervise.", "Summarise now."]
    apart = ["user", "assistant", "assistant", "user", "assistant", "assistant"]
    assert roles(body) == (["user", "assistant"] * 2 if api_format == "messages" else apart)
