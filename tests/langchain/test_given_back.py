"""Answers of Claude's go back as it takes them: in their order, with nothing that waits, not ending in thought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, invoke, stream, whole_or_streamed
from tests.langchain.test_all_of_claude import events
from tests.support.answers_given_back import (
    BY_CODE,
    CODE,
    FORMS,
    LOOK,
    OF_CODE,
    ORDERS,
    SEARCH,
    Block,
    call,
    found,
    searching,
    text,
    thought,
)

Received = Callable[[], dict[str, Any]]


def results(answer: AIMessage) -> list[BaseMessage]:
    return [ToolMessage("Seen.", tool_call_id=each["id"]) for each in answer.tool_calls]


@pytest.mark.parametrize("api_format", ["messages"])
@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("ask", [invoke, stream, events])
def test_calls_keep_their_places(
    model: ChatPortkey, sandbox: Sandbox, received: Received, *, ask: Ask, version: str, name: str
) -> None:
    model = model.model_copy(update={"output_version": version})
    sandbox.claude.reply_with(*ORDERS[name])
    answer = ask(model, "Hi", tools=[LOOK, SEARCH])
    model.invoke([HumanMessage("Hi"), answer, *results(answer)], tools=[LOOK, SEARCH])
    _, said, told = received()["messages"]
    assert said["content"] == ORDERS[name]
    assert {block.get("toolset_name") for block in told["content"]} == {ORDERS[name][0].get("toolset_name")}


@pytest.mark.parametrize("api_format", ["messages"])
@any_call
def test_content_tells_calls_in_their_places(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.reply_with(*ORDERS["texts and calls"])
    answer = ask(model, "Hi", tools=[LOOK])
    assert isinstance(answer.content, list)
    blocks: Any = answer.content
    told = [{name: value for name, value in block.items() if name != "index"} for block in blocks]
    assert told == ORDERS["texts and calls"]
    assert [block["type"] for block in answer.content_blocks] == ["text", "tool_call", "text", "tool_call"]
    assert [each["args"] for each in answer.tool_calls] == [{"at": "place 1"}, {"at": "place 2"}]


@pytest.mark.parametrize("api_format", ["messages"])
def test_one_id_of_two_calls_among_texts(model: ChatPortkey) -> None:
    calls = [{"name": "look", "args": {"at": place}, "id": "a"} for place in ("here", "there")]
    content: list[Any] = [{**call(1), "id": "a"}, text("And."), {**call(2), "id": "a"}, text("Well.")]
    said = AIMessage(content, tool_calls=calls)
    told = [ToolMessage(place, tool_call_id="a") for place in ("here", "there")]
    _, answer, seen = model._get_request_payload([HumanMessage("Hi"), said, *told], tools=[LOOK])["messages"]
    sent = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    assert len(sent) == len(set(sent)) == 2
    assert [block["tool_use_id"] for block in seen["content"]] == sent


@whole_or_streamed
def test_a_search_that_was_paused_is_left_out_once_the_user_goes_on(
    model: ChatPortkey, sandbox: Sandbox, received: Received, ask: Ask
) -> None:
    said = [text("I search."), searching()]
    sandbox.claude.reply_with(*said, stop_reason="pause_turn")
    answer = ask(model, "Hi", tools=[SEARCH])
    model.invoke([HumanMessage("Hi"), answer], tools=[SEARCH])
    assert received()["messages"][-1]["content"] == said
    model.invoke([HumanMessage("Hi"), answer, HumanMessage("Never mind.")], tools=[SEARCH])
    assert received()["messages"][1]["content"] == [text("I search.")]


@whole_or_streamed
@pytest.mark.parametrize("calls", ["direct", "by code"])
def test_what_waits_beside_a_call_is_left_out_once_the_user_speaks_with_its_result(
    model: ChatPortkey, sandbox: Sandbox, received: Received, ask: Ask, calls: str
) -> None:
    said, tools = ([searching(), call(1)], [LOOK, SEARCH]) if calls == "direct" else (BY_CODE, OF_CODE)
    model = model.with_options(api_format="messages") if calls == "by code" else model
    sandbox.claude.reply_with(*said)
    answer = ask(model, "Hi", tools=tools)
    model.invoke([HumanMessage("Hi"), answer, *results(answer), HumanMessage("Never mind.")], tools=tools)
    [use] = received()["messages"][1]["content"]
    assert (use["type"], use["name"], "caller" in use) == ("tool_use", "look", False)


def test_a_result_whose_call_was_cut_away_is_left_out(model: ChatPortkey, received: Received) -> None:
    said = AIMessage([found(), text("Blue.")])
    model.invoke([HumanMessage("Hi"), said, HumanMessage("So?")], tools=[SEARCH])
    assert received()["messages"][1]["content"] == [text("Blue.")]


@whole_or_streamed
def test_an_answer_that_was_cut_in_its_thoughts_goes_on(
    model: ChatPortkey, sandbox: Sandbox, received: Received, ask: Ask
) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    sandbox.claude.reply_with(text("So."), thought("Hm."), stop_reason="max_tokens")
    answer = ask(model, "Hi", thinking=thinking)
    model.invoke([HumanMessage("Hi"), answer, HumanMessage("Go on.")], thinking=thinking)
    assert received()["messages"][1]["content"] == [text("So.")]


@pytest.mark.parametrize(
    "said",
    [
        "I think ",
        [text("I think\n")],
        [searching(), found(), text("It is ")],
        [text("I think "), text(" ")],
        [text("I think "), thought("Hm."), text("\n")],
    ],
)
def test_white_space_at_the_end_is_left_out(model: ChatPortkey, received: Received, said: Any) -> None:
    model.invoke([HumanMessage("Hi"), AIMessage(said)], tools=[SEARCH], model="claude-sonnet-4-5")
    content = received()["messages"][-1]["content"]
    last = content if isinstance(content, str) else content[-1]["text"]
    assert last in {"I think", "It is"}


@pytest.mark.parametrize("named", ["gpt-4o", "claude-sonnet-4-5"])
def test_so_it_is_for_a_claude_beside_another_model(portkey_sandbox_with_openai: Sandbox, named: str) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.openai.inject(Fault("status", status=529))
    config = sandbox.config("openai", "anthropic")
    config["targets"][1]["override_params"] = {"model": "claude-sonnet-4-5"}
    model = ChatPortkey(model=named, base_url=sandbox.base_url, config=config, max_retries=0)
    model.invoke([HumanMessage("Hi"), AIMessage("I think ")])
    sandbox.openai.clear()
    assert sandbox.claude.requests[-1].body["messages"][-1]["content"] in ("I think", [text("I think")])


@pytest.mark.parametrize("asked", [{"cache_control": {"type": "ephemeral"}}, {"prompt_caching": "auto"}])
@pytest.mark.parametrize("api_format", ["messages"])
def test_no_mark_stands_on_a_call_of_code_s_or_its_result(
    model: ChatPortkey, sandbox: Sandbox, received: Received, asked: Block
) -> None:
    sandbox.claude.reply_with(*BY_CODE)
    answer = model.invoke("Hi", tools=OF_CODE)
    model.invoke([HumanMessage("Hi"), answer, *results(answer)], tools=OF_CODE, container="c_1", **asked)
    first, *rest = received()["messages"]
    assert "cache_control" in first["content"][-1]
    assert "cache_control" not in str(rest)


@pytest.mark.parametrize("api_format", ["messages"])
def test_one_that_was_set_there_is_left_out_with_a_warning(
    model: ChatPortkey, sandbox: Sandbox, received: Received
) -> None:
    mark: Any = {"cache_control": {"type": "ephemeral"}}
    sandbox.claude.reply_with(*BY_CODE)
    answer = model.invoke("Hi", tools=OF_CODE)
    assert isinstance(answer.content, list)
    answer.content = [*answer.content[:-1], cast("Block", answer.content[-1]) | mark]
    [call_] = answer.tool_calls
    told = ToolMessage([{"type": "text", "text": "Seen.", **mark}], tool_call_id=call_["id"])
    asked = HumanMessage([{"type": "text", "text": "Hi", **mark}])
    with pytest.warns(
        PortkeyWarning, match=r"cache_control of messages\[1\].*left out|messages\[2\].*left out"
    ) as warned:
        model.invoke([asked, answer, told], tools=OF_CODE, container="c_1")
    assert len(warned) == 2
    first, *rest = received()["messages"]
    assert "cache_control" in first["content"][-1]
    assert "cache_control" not in str(rest)


@pytest.mark.parametrize("api_format", ["messages"])
def test_no_mark_stands_on_a_tool_that_has_to_be_searched_for(model: ChatPortkey, received: Received) -> None:
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    caching = {"messages": False, "system": False, "tools": True}
    model.invoke("Hi", tools=[search, {**LOOK, "defer_loading": True}], prompt_caching=caching)
    assert ["cache_control" in tool for tool in received()["tools"]] == [True, False]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["call", "model"])
def test_a_tool_in_any_form_is_one_however_it_is_given(
    model: ChatPortkey, received: Received, way: str, form: str
) -> None:
    tool = {**FORMS[form], "input_examples": [{"at": "home"}]}
    if way == "call":
        model.invoke("Hi", tools=[tool])
    else:
        model.with_options(model_kwargs={"tools": [tool]}).invoke("Hi")
    [sent] = received()["tools"]
    assert (sent["name"], sent["input_schema"]["properties"]) == ("look", LOOK["input_schema"]["properties"])
    assert sent["input_examples"] == [{"at": "home"}]


@pytest.mark.parametrize("api_format", ["messages"])
def test_a_toolset_is_offered(model: ChatPortkey, received: Received) -> None:
    model.bind_tools([{"type": "computer_toolset_20260801"}, CODE]).invoke("Hi")
    assert received()["tools"] == [{"type": "computer_toolset_20260801"}, CODE]


def test_results_in_anthropic_s_form_are_results(model: ChatPortkey, received: Received) -> None:
    asked = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": f"toolu_{number}"} for number in (1, 2)])
    told: list[Any] = [
        {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": f"Seen {number}."} for number in (1, 2)
    ]
    model.invoke([HumanMessage("Hi"), asked, ToolMessage(told, tool_call_id="toolu_1")], tools=[LOOK])
    sent = [block for message in received()["messages"][2:] for block in message["content"]]
    assert sent == told


@pytest.mark.parametrize("api_format", ["messages"])
def test_a_listing_as_chat_anthropic_stores_it_goes_back(model: ChatPortkey) -> None:
    listing = {"type": "mcp_tool_listing", "mcp_server_name": "files", "tools": []}
    told: list[Any] = [
        {**listing, "text": None, "citations": None},
        {"type": "compaction", "content": None},
        text("Hi."),
    ]
    said = AIMessage(told, response_metadata={"model_provider": "anthropic"})
    sent = model._get_request_payload([HumanMessage("Hi"), said, HumanMessage("So?")])["messages"][1]["content"]
    assert sent == [listing, {"type": "compaction", "content": None}, text("Hi.")]


@pytest.mark.parametrize("api_format", ["messages"])
def test_a_fallback_as_chat_anthropic_stores_it_goes_back(model: ChatPortkey) -> None:
    told = {"type": "fallback", "from_": {"model": "claude-opus-5"}, "to": {"model": "claude-sonnet-4-5"}}
    content: list[Any] = [told, text("Hi.")]
    said = AIMessage(content, response_metadata={"model_provider": "anthropic"})
    sent = model._get_request_payload([HumanMessage("Hi"), said, HumanMessage("So?")])["messages"][1]["content"]
    assert sent[0] == {"type": "fallback", "from": {"model": "claude-opus-5"}, "to": {"model": "claude-sonnet-4-5"}}
