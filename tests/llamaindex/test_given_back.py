"""Answers of Claude's go back as it takes them, and what is asked beside them arrives: twin of LangChain's tests."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import CacheControl, CachePoint, ChatMessage, TextBlock, ThinkingBlock
from pydantic import BaseModel

from portkey_gateway import BadRequestError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, chat_way
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
    searching,
    text,
    thought,
)


class City(BaseModel):
    """A city."""

    name: str
    population: int


THOUGHT = ThinkingBlock(content="Hm.", additional_information={"signature": thought("Hm.")["signature"]})


def stored(message: ChatMessage) -> ChatMessage:
    return ChatMessage.model_validate_json(message.model_dump_json())


def result(number: int) -> ChatMessage:
    return ChatMessage(role="tool", content="Seen.", additional_kwargs={"tool_call_id": f"toolu_{number}"})


@pytest.mark.parametrize("api_format", ["messages"])
@pytest.mark.parametrize("name", ORDERS)
@chat_way
def test_calls_keep_their_places(llm: Portkey, sandbox: Sandbox, received: Received, *, way: str, name: str) -> None:
    said = ORDERS[name]
    sandbox.claude.reply_with(*said)
    answer = ask(llm, way, "Hi", tools=[LOOK, SEARCH]).message
    results = [result(int(block["id"][-1])) for block in said if block["type"] == "tool_use"]
    llm.chat([ChatMessage("Hi"), stored(answer), *results], tools=[LOOK, SEARCH])
    _, sent, told = received.latest["messages"]
    assert sent["content"] == said
    assert {block.get("toolset_name") for block in told["content"]} == {said[0].get("toolset_name")}


@chat_way
def test_a_search_that_was_paused_is_left_out_once_the_user_goes_on(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    said = [text("I search."), searching()]
    sandbox.claude.reply_with(*said, stop_reason="pause_turn")
    answer = stored(ask(llm, way, "Hi", tools=[SEARCH]).message)
    llm.chat([ChatMessage("Hi"), answer], tools=[SEARCH])
    assert received.content == said
    llm.chat([ChatMessage("Hi"), answer, ChatMessage("Never mind.")], tools=[SEARCH])
    sent = received.latest["messages"][1]["content"]
    assert sent in ("I search.", [text("I search.")])


@chat_way
def test_what_waits_beside_a_call_is_left_out_once_the_user_speaks_with_its_result(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    sandbox.claude.reply_with(searching(), call(1))
    answer = stored(ask(llm, way, "Hi", tools=[LOOK, SEARCH]).message)
    llm.chat([ChatMessage("Hi"), answer, result(1), ChatMessage("Never mind.")], tools=[LOOK, SEARCH])
    [use] = received.latest["messages"][1]["content"]
    assert (use["type"], use["name"]) == ("tool_use", "look")


@chat_way
def test_an_answer_that_was_cut_in_its_thoughts_goes_on(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    sandbox.claude.reply_with(text("So."), thought("Hm."), stop_reason="max_tokens")
    answer = stored(ask(llm, way, "Hi", thinking=thinking).message)
    assert [type(block) for block in answer.blocks] == [TextBlock, ThinkingBlock]
    llm.chat([ChatMessage("Hi"), answer, ChatMessage("Go on.")], thinking=thinking)
    assert received.latest["messages"][1]["content"] in ("So.", [text("So.")])


@pytest.mark.parametrize("end", [[], [TextBlock(text=" ")], [THOUGHT, TextBlock(text="\n")]])
def test_white_space_at_the_end_is_left_out(llm: Portkey, received: Received, end: list[Any]) -> None:
    said = ChatMessage(role="assistant", blocks=[TextBlock(text="I think "), *end])
    llm.chat([ChatMessage("Hi"), said], model="claude-sonnet-4-5")
    assert received.content in ("I think", [text("I think")])


@pytest.mark.parametrize("asked", [{"cache_control": {"type": "ephemeral"}}, {"prompt_caching": "auto"}])
@pytest.mark.parametrize("api_format", ["messages"])
def test_code_goes_on_in_its_container_and_its_calls_bear_no_mark(
    llm: Portkey, sandbox: Sandbox, received: Received, asked: Block
) -> None:
    sandbox.claude.reply_with(*BY_CODE)
    llm = llm.with_options(reuse_last_container=True)
    answer = llm.chat([ChatMessage("Hi")], tools=OF_CODE)
    llm.chat([ChatMessage("Hi"), stored(answer.message), result(4)], tools=OF_CODE, **asked)
    assert received.latest["container"] == (answer.raw or {})["container"]["id"]
    first, *rest = received.latest["messages"]
    assert "cache_control" in first["content"][-1]
    assert "cache_control" not in str(rest)


@pytest.mark.parametrize("api_format", ["messages"])
def test_a_cache_point_there_is_left_out_with_a_warning(llm: Portkey, sandbox: Sandbox, received: Received) -> None:
    sandbox.claude.reply_with(*BY_CODE)
    llm = llm.with_options(reuse_last_container=True)
    answer = stored(llm.chat([ChatMessage("Hi")], tools=OF_CODE).message)
    told = result(4)
    for message in (answer, told):
        message.blocks.append(CachePoint(cache_control=CacheControl(type="ephemeral")))
    with pytest.warns(PortkeyWarning, match="a call that code made, or its result") as warned:
        llm.chat([ChatMessage("Hi"), answer, told], tools=OF_CODE)
    assert len(warned) == 2
    assert "cache_control" not in str(received.latest["messages"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["call", "model"])
def test_a_tool_in_any_form_is_one_however_it_is_given(llm: Portkey, received: Received, way: str, form: str) -> None:
    tool = {**FORMS[form], "input_examples": [{"at": "home"}]}
    if way == "call":
        llm.chat([ChatMessage("Hi")], tools=[tool])
    else:
        llm.with_options(additional_kwargs={"tools": [tool]}).chat([ChatMessage("Hi")])
    [sent] = received.latest["tools"]
    assert (sent["name"], sent["input_schema"]["properties"]) == ("look", LOOK["input_schema"]["properties"])
    assert sent["input_examples"] == [{"at": "home"}]


@pytest.mark.parametrize("api_format", ["messages"])
def test_a_toolset_of_the_model_s_own_stands_beside_the_tools_of_a_call(llm: Portkey, received: Received) -> None:
    own = [{"type": "computer_toolset_20260801"}, CODE]
    llm = llm.with_options(additional_kwargs={"tools": own})
    function = {"type": "function", "function": {"name": "look", "parameters": LOOK["input_schema"]}}
    llm.chat([ChatMessage("Hi")], tools=[function])
    assert [tool.get("name", tool.get("type")) for tool in received.latest["tools"]] == [
        "computer_toolset_20260801",
        "code_execution",
        "look",
    ]
    llm.chat([ChatMessage("Hi")])
    assert received.latest["tools"] == own


@pytest.mark.parametrize("api_format", ["messages"])
@chat_way
def test_a_block_of_a_kind_that_nobody_knows_goes_back_as_it_came(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    """The emulated Claude gives it out where it is told to, and does not know it again."""
    new = {"type": "of_tomorrow", "of": {"a": [1]}}
    sandbox.claude.reply_with(text("Hi."), new, call(1))
    answer = stored(ask(llm, way, "Hi", tools=[LOOK]).message)
    with pytest.raises(BadRequestError, match="of_tomorrow"):
        llm.chat([ChatMessage("Hi"), answer, result(1)], tools=[LOOK])
    assert received.latest["messages"][1]["content"] == [text("Hi."), new, call(1)]


@pytest.mark.parametrize("api_format", ["chat_completions"])
@pytest.mark.parametrize("way", ["stream_chat", "astream_chat"])
def test_a_block_of_a_kind_that_was_not_told_is_left_out_of_the_next_turn(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    sandbox.claude.reply_with({"type": "of_tomorrow", "of": {"a": 1}}, text("Hi."))
    with pytest.warns(PortkeyWarning, match="a block came whose kind the gateway's stream does not tell"):
        answer = ask(llm, way, "Hi")
    llm.chat([ChatMessage("Hi"), stored(answer.message), ChatMessage("So?")])
    assert received.latest["messages"][1]["content"] == [text("Hi.")]


@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat"])
@pytest.mark.parametrize("bound", [True, False])
def test_a_form_that_binds_no_answer_is_asked_for_in_words(
    llm: Portkey, received: Received, *, way: str, bound: bool, api_format: str
) -> None:
    more: dict[str, Any] = {"response_format": City} if not bound else {}
    llm = llm.with_options(model="claude-sonnet-4-0", response_format=City if bound else None)
    with pytest.warns(PortkeyWarning, match="response_format binds no answer .* asked for in words"):
        answer = ask(llm, way, "Which city is in the text? name: Lisbon, population: 545000", **more)
    assert City.model_validate_json(answer.message.content) == City(name="Lisbon", population=545_000)
    assert "Answer with one JSON object" in str(received.latest["system"]), api_format
